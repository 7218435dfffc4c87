"""Exercises of lesson 06c: the contractive penalty by hand, for tanh, its estimate, two layers, and its gradient."""

import numpy as np

from . import Exercise, Wrong


def _sigmoid(a):
    return 1 / (1 + np.exp(-a))


def _tanh(x, W, b, kind="right"):
    z = np.tanh(x @ W.T + b)
    slope = z * (1 - z) if kind == "sigmoid" else 1 - z**2
    value = (slope if kind == "slope once" else slope**2) @ (W**2).sum(1)
    return {"root": np.sqrt(value), "mean": value.mean()}.get(kind, value)


def _wrong_tanh(kind):
    return lambda x, W, b: _tanh(x, W, b, kind)


def _projections(s, relative, kind="right"):
    s = np.asarray(s, dtype=float)
    power = 1 if kind == "not squared" else 2
    r = np.sum(s**power) ** 2 / np.sum(s ** (2 * power))
    if kind == "all directions":
        r = len(s)
    variance = (1 if kind == "no factor" else 2) / r
    return int(np.ceil(variance / (relative if kind == "relative once" else relative**2) - 1e-9))


def _wrong_projections(kind):
    return lambda s, relative: _projections(s, relative, kind)


def _two_layers(x, W_1, b_1, W_2, b_2, kind="right"):
    z_1 = _sigmoid(W_1 @ x + b_1)
    z_2 = _sigmoid(W_2 @ z_1 + b_2)
    J_1 = (z_1 * (1 - z_1))[:, None] * W_1
    J_2 = (z_2 * (1 - z_2))[:, None] * W_2
    first, second, both = np.sum(J_1**2), np.sum(J_2**2), np.sum((J_2 @ J_1) ** 2)
    return {
        "product of norms": first * second,
        "sum of norms": first + second,
        "last layer": second,
        "inner slope": np.sum((J_2 @ W_1) ** 2),
        "outer slope": np.sum((W_2 @ J_1) ** 2),
        "root": np.sqrt(both),
    }.get(kind, both)


def _wrong_two_layers(kind):
    return lambda x, W_1, b_1, W_2, b_2: _two_layers(x, W_1, b_1, W_2, b_2, kind)


def _inputs():
    rng = np.random.default_rng(6)
    for batch, d, m in ((4, 3, 5), (2, 6, 2)):
        yield rng.standard_normal((batch, d)), rng.standard_normal((m, d)), rng.standard_normal(m)


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
    """The estimate of a small fixed encoder, and the gradient that it sends to the first weights."""
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


def _estimate(encoder, x, v, kind="right"):
    import torch

    x = x.clone().requires_grad_()
    z = encoder(x)
    if kind == "no vector":
        v = torch.ones_like(z)
    (g,) = torch.autograd.grad(z, x, grad_outputs=v, create_graph=kind != "no graph")
    if kind == "norm":
        return g.norm(dim=1).mean()
    value = (g**2).sum(1)
    return {"sum": value.sum(), "over all": (g**2).mean()}.get(kind, value.mean())


def _wrong_estimate(kind):
    return lambda encoder, x, v: _estimate(encoder, x, v, kind)


EXERCISES = [
    Exercise(
        name="06c.by_hand",
        solution=5 / 16 + 90 / 256,
        atol=6e-4,
        wrong=[
            Wrong(np.sqrt(5 / 16 + 90 / 256), "That is the norm; the penalty is its square."),
            Wrong(5 / 4 + 30 / 16, "Every entry of J is squared, and the slope is a factor of the entry."),
            Wrong(15.0, "The weights alone are not the Jacobian: the sigmoid has a slope."),
            Wrong(5 / 4 + 90 / 16, "The derivative of the sigmoid is not the sigmoid itself."),
            Wrong(15 / 16, "Is the second unit in the middle of its sigmoid, too? Work out its sum first."),
        ],
        hint="Sums first, then the two codes, their slopes, and the squared length of each row of W.",
    ),
    Exercise(
        name="06c.tanh",
        solution=_tanh,
        inputs=list(_inputs()),
        wrong=[
            Wrong(_wrong_tanh("sigmoid"), "That is the slope of a sigmoid, written with the output of the tanh."),
            Wrong(_wrong_tanh("slope once"), "The slope multiplies each entry of J, and the entries are squared."),
            Wrong(_wrong_tanh("root"), "That is the norm of each Jacobian, not its square."),
            Wrong(_wrong_tanh("mean"), "One number for each image, please: the mean comes later."),
        ],
        hint="Take the closed form of section 2 and exchange the slope.",
    ),
    Exercise(
        name="06c.projections",
        solution=_projections,
        inputs=[
            (np.array([3.0, 1.0, 1.0, 0.5]), 0.05),
            (np.array([2.0, 2.0, 2.0]), 0.1),
            (np.array([1.5, 0.7, 0.1]), 0.01),
        ],
        wrong=[
            Wrong(
                _wrong_projections("relative once"), "The standard error falls with the root of K: invert that root."
            ),
            Wrong(_wrong_projections("no factor"), "The square of a normal number has a variance that is not one."),
            Wrong(_wrong_projections("not squared"), "The eigenvalues of A are not the singular values of J."),
            Wrong(_wrong_projections("all directions"), "Directions with small singular values hardly take part."),
        ],
        hint="Set the relative error of section 8, divided by the root of K, equal to the wanted one.",
    ),
    Exercise(
        name="06c.two_layers",
        solution=_two_layers,
        inputs=list(_two_layer_inputs()),
        wrong=[
            Wrong(_wrong_two_layers("product of norms"), "The norm of a product is not the product of the norms."),
            Wrong(_wrong_two_layers("sum of norms"), "The chain rule multiplies the two Jacobians."),
            Wrong(_wrong_two_layers("last layer"), "That is the derivative by the inner code, not by the image."),
            Wrong(_wrong_two_layers("inner slope"), "The inner sigmoid has a slope as well."),
            Wrong(_wrong_two_layers("outer slope"), "The outer sigmoid has a slope as well."),
            Wrong(_wrong_two_layers("root"), "That is the norm; its square is asked for."),
        ],
        hint="Multiply the Jacobians of both layers, then square the entries and add them up.",
    ),
    Exercise(
        name="06c.estimate",
        solution=_estimate,
        measure=_value_and_gradient,
        wrong=[
            Wrong(_wrong_estimate("no graph"), "The value is right, and no gradient comes through: see section 3."),
            Wrong(_wrong_estimate("sum"), "Average over the images of the batch."),
            Wrong(_wrong_estimate("over all"), "Average over the images only; over the pixels it is a sum."),
            Wrong(_wrong_estimate("norm"), "The squared length of each product, not the length."),
            Wrong(_wrong_estimate("no vector"), "Use v: the sum of all code numbers is one fixed direction."),
        ],
        hint="One product of v with the Jacobian for each image, squared and summed over the pixels.",
    ),
]
