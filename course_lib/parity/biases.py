"""The second bias vector of PyTorch's recurrent layers."""

__all__ = ["one_bias"]


def one_bias(module) -> int:
    """Keep one trained bias in every ``nn.RNN`` and ``nn.LSTM`` of ``module``, as Keras has it.

    The layers add b_ih and b_hh, so their sum is put into b_ih, and b_hh is set to zero and no
    longer trained. What the network computes stays the same; its training does not. With two
    trained vectors every optimiser step moves the sum twice as far as a single vector would go.
    ``nn.GRU`` is left alone: its two vectors are different things, and Keras (``reset_after=True``)
    has both.

    Parameters
    ----------
    module : torch.nn.Module
        Changed in place. Do it before the optimiser is made.

    Returns
    -------
    int
        How many numbers are no longer trained.
    """
    from torch import nn

    frozen = 0
    for layer in module.modules():
        if not isinstance(layer, (nn.RNN, nn.LSTM)) or not layer.bias:
            continue
        for name, second in layer.named_parameters():
            if name.startswith("bias_hh"):
                first = getattr(layer, name.replace("bias_hh", "bias_ih"))
                first.data.add_(second.data)
                second.data.zero_()
                second.requires_grad_(False)
                frozen += second.numel()
    return frozen
