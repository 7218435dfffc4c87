"""Exercises of lesson 06c: another unit, a Jacobian of two layers, a broken penalty, a code that follows the arc."""

import numpy as np

from . import Changed, Edit, Exercise, Wrong


def _two_layer_inputs():
    rng = np.random.default_rng(7)
    for d, h, m in ((4, 3, 2), (3, 3, 3)):
        yield (
            rng.standard_normal(d),
            rng.standard_normal((h, d)),
            rng.standard_normal(h),
            rng.standard_normal((m, h)),
            rng.standard_normal(m),
        )


def _value_and_gradient(answer):
    """The penalty of a small fixed encoder, and the gradient that it sends to the first weights."""
    import torch

    if not callable(answer):
        raise ValueError("give the function itself, without calling it")
    rng = np.random.default_rng(8)
    encoder = torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.Tanh(), torch.nn.Linear(6, 3)).double()
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.copy_(torch.from_numpy(rng.standard_normal(tuple(parameter.shape))))
    x, v = (torch.from_numpy(rng.standard_normal(shape)) for shape in ((5, 4), (5, 3)))
    value = answer(encoder, x, v)
    if value is None or value is Ellipsis:
        return value
    if not isinstance(value, torch.Tensor) or value.shape != ():
        raise ValueError("return one number for the whole batch, as a tensor of PyTorch: it has to carry a gradient")
    first = encoder[0].weight
    gradient = None
    if value.requires_grad:
        (gradient,) = torch.autograd.grad(value, first, allow_unused=True)
    return [value.detach(), torch.zeros_like(first) if gradient is None else gradient.detach()]


def _measure_both(answer):
    """Whether the code of a trained PlaneStack follows new points of the arc, and whether it rebuilds them."""
    import torch

    if not isinstance(answer, torch.nn.Module) or not hasattr(answer, "code") or not hasattr(answer, "decode"):
        raise ValueError("give the trained stack itself: a PlaneStack, as train_plane returns it")
    half, rng = np.radians(80), np.random.default_rng(17)
    angle = rng.uniform(-half, half, 2000)
    points = np.stack([np.cos(angle), np.sin(angle)], axis=1).astype("float32")
    tangent = np.stack([-np.sin(angle), np.cos(angle)], axis=1)
    x = torch.from_numpy(points)[None].to(next(answer.parameters()).device).requires_grad_()
    z = answer.code(x)
    if tuple(z.shape) != (1, 2000, 1):
        raise ValueError(
            f"a stack of one network is asked for, with a code of one number; yours gives {tuple(z.shape)}"
        )
    (gradient,) = torch.autograd.grad(z.sum(), x, retain_graph=True)
    gradient = gradient[0].cpu().numpy()
    share = np.mean(np.sum(gradient * tangent, axis=1) ** 2) / np.mean(np.sum(gradient**2, axis=1))
    error = float((answer.decode(z) - x).square().sum(dim=2).mean().detach())
    return {"share above 0.97": bool(share > 0.97), "error below 0.001": error < 0.001}


EXERCISES = [
    Exercise(
        name="06c.scaled",
        wrong=[
            Wrong([0.5, 2.0, 1.0], "That is how J changes; the penalty holds its square."),
            Wrong([0.05, 0.02, 1.0], "R is measured in the typical distance of two codes. Does that stay as it was?"),
            Wrong([0.05, 2.0, 0.01], "What does the decoder do with a code that is ten times smaller?"),
            Wrong([5.0, 2.0, 1.0], "The encoder was multiplied, and J is its derivative."),
        ],
        hint="First J, then its square, then the distances between codes, then what the decoder gets.",
    ),
    Exercise(
        name="06c.two_layers",
        inputs=list(_two_layer_inputs()),
        wrong=[
            Edit(
                " @ np.diag(1 - inner**2) @ first",
                "",
                "That is the derivative by the inner code, not by the image.",
            ),
            Edit("@ np.diag(1 - inner**2) @ first", "@ first", "The inner tanh has a slope as well."),
            Edit("np.diag(outer * (1 - outer)) @ second", "second", "The outer layer has a slope as well."),
            Edit(
                "np.diag(1 - inner**2)",
                "np.diag(inner * (1 - inner))",
                "The inner layer is a tanh. How is its slope written with its output?",
            ),
            Changed(lambda solution, *a: np.sqrt(solution(*a)), "That is the norm; its square is asked for."),
        ],
        hint="Multiply the Jacobians of both layers, then square the entries and add them up.",
    ),
    Exercise(
        name="06c.mended",
        measure=_value_and_gradient,
        wrong=[
            Edit(", create_graph=True)", ")", "The value is right, and no gradient comes through: see the trap."),
            Edit(".square().sum(dim=1).mean()", ".norm(dim=1).mean()", "The squared length of each product, please."),
            Edit("(encoder(x) * v).sum()", "encoder(x).sum()", "What is v for? The sum of all codes is one fixed v."),
            Edit(".sum(dim=1).mean()", ".mean()", "Average over the images only; over the pixels it is a sum."),
            Edit(".sum(dim=1).mean()", ".sum()", "Average over the images of the batch."),
        ],
        hint="Three questions: which vector is multiplied with J, does the result know how it was made, is it squared?",
    ),
    Exercise(
        name="06c.both",
        measure=_measure_both,
        wrong=[
            Edit("[0.1], [0.0], 0.02, 80)", "[0.0], [0.0], 0.02, 1)", "It rebuilds the arc; does its code follow it?"),
            Edit(
                "relaxed_net)",
                "bent_net)",
                "Its code follows the arc; how large is the error of what it rebuilds?",
            ),
        ],
        hint="It does neither yet: train longer, and look at both numbers with judge_plane on the way.",
    ),
]
