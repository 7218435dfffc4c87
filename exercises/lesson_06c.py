"""Exercises of lesson 06c: the contractive penalty by hand, for tanh, its estimate, two layers, and its gradient."""

import numpy as np

from . import Changed, Edit, Exercise, Wrong


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


# The two Jacobians of 06c.two_layers, not multiplied; the mistake goes on with what `jacobian` shall be.
_APART = " @ second\n    inside = np.diag(inner * (1 - inner)) @ first\n    jacobian = "

EXERCISES = [
    Exercise(
        name="06c.by_hand",
        atol=6e-4,
        wrong=[
            Changed(lambda solution: np.sqrt(solution), "That is the norm; the penalty is its square."),
            Wrong(5 / 4 + 30 / 16, "Every entry of J is squared, and the slope is a factor of the entry."),
            Wrong(15.0, "The weights alone are not the Jacobian: the sigmoid has a slope."),
            Wrong(5 / 4 + 90 / 16, "The derivative of the sigmoid is not the sigmoid itself."),
            Wrong(15 / 16, "Is the second unit in the middle of its sigmoid, too? Work out its sum first."),
        ],
        hint="Sums first, then the two codes, their slopes, and the squared length of each row of W.",
    ),
    Exercise(
        name="06c.tanh",
        inputs=list(_inputs()),
        wrong=[
            Edit(
                "1 / np.cosh(images @ matrix.T + shift) ** 2",
                "(z := np.tanh(images @ matrix.T + shift)) * (1 - z)",
                "That is the slope of a sigmoid, written with the output of the tanh.",
            ),
            Edit("slope**2 *", "slope *", "The slope multiplies each entry of J, and the entries are squared."),
            Changed(lambda solution, *a: np.sqrt(solution(*a)), "That is the norm of each Jacobian, not its square."),
            Changed(
                lambda solution, *a: solution(*a).mean(), "One number for each image, please: the mean comes later."
            ),
        ],
        hint="Take the closed form of section 2 and exchange the slope.",
    ),
    Exercise(
        name="06c.projections",
        inputs=[
            (np.array([3.0, 1.0, 1.0, 0.5]), 0.05),
            (np.array([2.0, 2.0, 2.0]), 0.1),
            (np.array([1.5, 0.7, 0.1]), 0.01),
        ],
        wrong=[
            Edit("error**2", "error", "The standard error falls with the root of K: invert that root."),
            Edit("2 * np.sum", "np.sum", "The square of a normal number has a variance that is not one."),
            Edit(
                "values**2 / np.sum(values**2)",
                "values / np.sum(values)",
                "The eigenvalues of A are not the singular values of J.",
            ),
            Edit("np.sum(share**2)", "1 / len(share)", "Directions with small singular values hardly take part."),
        ],
        hint="Set the relative error of section 8, divided by the root of K, equal to the wanted one.",
    ),
    Exercise(
        name="06c.two_layers",
        inputs=list(_two_layer_inputs()),
        wrong=[
            Edit(
                " @ second @ np.diag(inner * (1 - inner)) @ first",
                _APART + "np.linalg.norm(jacobian) * np.linalg.norm(inside)",
                "The norm of a product is not the product of the norms.",
            ),
            Edit(
                " @ second @ np.diag(inner * (1 - inner)) @ first",
                _APART + "np.hypot(np.linalg.norm(jacobian), np.linalg.norm(inside))",
                "The chain rule multiplies the two Jacobians.",
            ),
            Edit(
                " @ np.diag(inner * (1 - inner)) @ first",
                "",
                "That is the derivative by the inner code, not by the image.",
            ),
            Edit("@ np.diag(inner * (1 - inner)) @ first", "@ first", "The inner sigmoid has a slope as well."),
            Edit("np.diag(outer * (1 - outer)) @ second", "second", "The outer sigmoid has a slope as well."),
            Edit(
                "np.linalg.norm(jacobian) ** 2",
                "np.linalg.norm(jacobian)",
                "That is the norm; its square is asked for.",
            ),
        ],
        hint="Multiply the Jacobians of both layers, then square the entries and add them up.",
    ),
    Exercise(
        name="06c.estimate",
        measure=_value_and_gradient,
        wrong=[
            Edit(".mean()", ".mean().detach()", "The value is right, and no gradient comes through: see section 3."),
            Edit(".sum(dim=1).mean()", ".sum()", "Average over the images of the batch."),
            Edit(".sum(dim=1).mean()", ".mean()", "Average over the images only; over the pixels it is a sum."),
            Edit(
                ".square().sum(dim=1).mean()",
                ".norm(dim=1).mean()",
                "The squared length of each product, not the length.",
            ),
            Edit(
                "network(inputs) * vectors",
                "network(inputs)",
                "Use v: the sum of all code numbers is one fixed direction.",
            ),
        ],
        hint="One product of v with the Jacobian for each image, squared and summed over the pixels.",
    ),
]
