"""Exercises of lesson 01a: one step, parameter counts, one output per step, a learned initial state."""

import numpy as np

from . import Exercise, Wrong


def _count(d, h, q, framework):
    return h * (d + h) + h * (2 if framework == "PyTorch" else 1) + q * (h + 1)


def _every_step(x, W_xh, W_hh, b_h, W_hy, b_y, *, swap=False, last=False, before=False, linear=False):
    h = np.zeros((x.shape[0], W_hh.shape[0]))
    ys = []
    for t in range(x.shape[1]):
        if before:
            ys.append(h @ W_hy.T + b_y)
        h = x[:, t] @ W_xh.T + h @ (W_hh if swap else W_hh.T) + b_h
        h = h if linear else np.tanh(h)
        if not before:
            ys.append(h @ W_hy.T + b_y)
    return ys[-1] if last else np.stack(ys, axis=1)


def _every_step_inputs():
    rng = np.random.default_rng(11)
    for batch, steps, d, h, q in ((2, 4, 3, 5, 2), (1, 1, 2, 3, 1)):
        shapes = (batch, steps, d), (h, d), (h, h), (h,), (q, h), (q,)
        yield tuple(0.6 * rng.standard_normal(shape) for shape in shapes)


def _measure_start(answer):
    """Build the student's module with d=3, h=5 and measure what a learned initial state must do."""
    import torch

    if not (isinstance(answer, type) and issubclass(answer, torch.nn.Module)):
        raise ValueError("give the class itself, a subclass of nn.Module, without calling it")
    torch.manual_seed(0)
    try:
        model = answer(3, 5)
    except TypeError as error:
        raise ValueError(f"the class must be built as LearnedStart(input_size, hidden_size): {error}") from None
    x = torch.linspace(-1, 1, 2 * 4 * 3).reshape(2, 4, 3)
    out = model(x)
    if not isinstance(out, torch.Tensor) or out.shape != (2, 4, 5):
        shape = tuple(out.shape) if isinstance(out, torch.Tensor) else type(out).__name__
        raise ValueError(
            f"forward(x) must return all hidden states, shape (B, T, h); for (2, 4, 3) yours gives {shape}"
        )
    names = [name for name, _ in model.named_parameters() if "rnn" not in name.split(".")[0]]
    start = dict(model.named_parameters()).get("h_0")
    if start is None:
        raise ValueError(
            "the module has no parameter called h_0. A plain tensor attribute is not trained: "
            f"what makes PyTorch register it? (parameters outside the RNN: {', '.join(names) or 'none'})"
        )
    with torch.no_grad():
        start.fill_(0.5)
    out = model(x)
    out[:, -1].sum().backward()
    reaches = start.grad is not None and bool((start.grad.abs() > 0).any())
    with torch.no_grad():
        twice = bool(torch.equal(model(x), model(x)))
        alone = bool(torch.allclose(model(x[:1]), model(x)[:1], atol=1e-6))
        start.fill_(-0.5)
        moves = not bool(torch.allclose(model(x), out, atol=1e-4))
    return {
        "extra parameters": start.numel(),
        "h_0 changes the output": moves,
        "gradient reaches h_0": reaches,
        "same answer twice": twice,
        "same for any batch size": alone,
    }


def _learned_start(kind="right"):
    """Return a class with a learned initial state, or with one of the usual mistakes; PyTorch is imported late."""
    import torch
    from torch import nn

    class LearnedStart(nn.Module):
        def __init__(self, input_size, hidden_size):
            super().__init__()
            self.rnn = nn.RNN(input_size, hidden_size, batch_first=True)
            zeros = torch.zeros(1, 1, hidden_size)
            if kind == "tensor":
                self.h_0 = zeros
            else:
                self.h_0 = nn.Parameter(zeros)

        def forward(self, x):
            if kind == "unused":
                return self.rnn(x)[0]
            start = self.h_0.detach() if kind == "detached" else self.h_0
            return self.rnn(x, start.expand(1, len(x), -1).contiguous())[0]

    return LearnedStart


class _Late:
    """A solution that is a PyTorch class, built when it is measured."""

    def __init__(self, kind="right"):
        self.kind = kind


def _measure(answer):
    return _measure_start(_learned_start(answer.kind) if isinstance(answer, _Late) else answer)


EXERCISES = [
    Exercise(
        name="01a.step",
        solution=[0.0, 0.7616],
        atol=5e-4,
        wrong=[
            Wrong([0.0, 1.0], "You have the sum; the state is φ of the sum, and φ is tanh here."),
            Wrong([0.7616, 0.7616], "Look at the first unit's sum: its recurrent weight is negative."),
            Wrong([0.5, 0.7311], "That is the logistic function; the cell of this lesson uses tanh."),
            Wrong([0.4621, 0.9051], "You left out the old state: W_hh h₀ is missing."),
            Wrong([-0.4621, 0.4621], "Rows and columns of W_hh: entry (i, j) takes unit j's old state to unit i."),
            Wrong([0.4621, 0.4621], "The bias is missing."),
        ],
        hint="Write the two sums first: W_xh x, then W_hh h₀, then b. Only then tanh. Four decimals are enough.",
    ),
    Exercise(
        name="01a.count",
        solution=_count,
        inputs=[(3, 5, 2, "PyTorch"), (3, 5, 2, "Keras"), (28, 128, 10, "PyTorch"), (1, 1, 1, "Keras")],
        wrong=[
            Wrong(
                lambda d, h, q, f: h * (d + h) + h + q * (h + 1), "Right for Keras. How many bias vectors has nn.RNN?"
            ),
            Wrong(
                lambda d, h, q, f: h * (d + h) + 2 * h + q * (h + 1), "Right for PyTorch. SimpleRNN has fewer biases."
            ),
            Wrong(
                lambda d, h, q, f: h * (d + h) + h * (2 if f == "PyTorch" else 1) + q * h,
                "The read-out has a bias too.",
            ),
            Wrong(lambda d, h, q, f: h * (d + h) + q * h, "These are the weights alone; the biases count too."),
            Wrong(lambda d, h, q, f: h * (d + h) + h * (2 if f == "PyTorch" else 1), "The read-out layer is missing."),
        ],
        hint="Add up the entries of W_xh, W_hh, the bias or biases, W_hy and b_y. The sequence length is not in it.",
    ),
    Exercise(
        name="01a.every_step",
        solution=_every_step,
        inputs=list(_every_step_inputs()),
        wrong=[
            Wrong(
                lambda *a: _every_step(*a, last=True), "That is many-to-one: only the last output. Keep one per step."
            ),
            Wrong(
                lambda *a: _every_step(*a, swap=True), "With samples as rows, a weight acts from the right, transposed."
            ),
            Wrong(
                lambda *a: _every_step(*a, before=True), "y_t reads h_t, the state after x_t has come in, not before."
            ),
            Wrong(
                lambda *a: _every_step(*a, linear=True), "The state is tanh of the sum; only the read-out is linear."
            ),
            Wrong(lambda *a: _every_step(*a).swapaxes(0, 1), "The axes should be (batch, step, output)."),
        ],
        hint="Loop over t, keep h, and append h @ W_hy.T + b_y after each update; stack along axis 1.",
    ),
    Exercise(
        name="01a.learned_start",
        solution=_Late(),
        measure=_measure,
        wrong=[
            Wrong(_Late("unused"), "h_0 is there, but the output does not depend on it: hand it to the RNN."),
            Wrong(_Late("detached"), "h_0 is used, but no gradient reaches it: something cuts it off the graph."),
        ],
        hint="nn.RNN takes the initial state as its second argument, of shape (1, B, h); repeat h_0 for the batch.",
    ),
]
