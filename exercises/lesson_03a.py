"""Exercises of lesson 03a: one LSTM step, parameter counts, a forget bias, GRU weights carried over, one step back."""

import numpy as np

from . import Changed, Edit, Exercise, Wrong


def _gru_inputs():
    rng = np.random.default_rng(17)
    for d, h in ((3, 5), (2, 2)):
        yield tuple(rng.standard_normal(shape) for shape in ((d, 3 * h), (h, 3 * h), (2, 3 * h)))


def _backward_inputs():
    rng = np.random.default_rng(23)
    for batch, h in ((3, 4), (1, 1)):
        dh, dc, c_prev, *sums = rng.standard_normal((7, batch, h))
        i, f, o, g = *(1 / (1 + np.exp(-a)) for a in sums[:3]), np.tanh(sums[3])
        yield dh, dc, i, f, g, o, c_prev, f * c_prev + i * g


def _without_slopes(solution, dh, dc, i, f, g, o, c_prev, c):
    before, *sums = solution(dh, dc, i, f, g, o, c_prev, c)
    slopes = i * (1 - i), f * (1 - f), 1 - g**2, o * (1 - o)
    return before, *(gradient / slope for gradient, slope in zip(sums, slopes))


EXERCISES = [
    Exercise(
        name="03a.step",
        atol=5e-4,
        rtol=0,
        wrong=[
            Changed(lambda solution: solution[::-1], "Both numbers are right: c₁ comes first, then h₁."),
            Edit(
                "sigmoid(1) * (-1) + 0.5 * np.tanh(1)",
                "0.5 * (-1) + sigmoid(1) * np.tanh(1)",
                "You have exchanged two gates: which one multiplies the old content?",
            ),
            Edit(
                "0.5 * np.tanh(1)",
                "0.5 * sigmoid(1)",
                "The input node is not a gate: it may be negative, so it has another function.",
            ),
            Edit(
                "np.tanh(new_c)",
                "new_c",
                "c₁ is right. Something is missing between c₁ and the output gate.",
            ),
            Wrong([-np.tanh(1), 0.0], "Gates lie between 0 and 1: they use the logistic function."),
            Edit("np.tanh(new_c)", "np.tanh(-1)", "h₁ reads the new content, not the old one."),
        ],
        hint="Write the four sums first; they are small whole numbers. Then the gates, then c₁, then h₁.",
    ),
    Exercise(
        name="03a.count",
        inputs=[(k, d, h, f) for k in ("LSTM", "GRU") for d, h in ((3, 5), (28, 128)) for f in ("PyTorch", "Keras")],
        wrong=[
            Edit(
                '1 if (kind, framework) == ("LSTM", "Keras") else 2',
                "1",
                "One bias per gate: which three of the four layers have two?",
            ),
            Edit(
                '1 if (kind, framework) == ("LSTM", "Keras") else 2',
                "2",
                "Nearly. One of the four layers adds its two biases into one.",
            ),
            Edit(
                '1 if (kind, framework) == ("LSTM", "Keras") else 2',
                '1 if framework == "Keras" else 2',
                "Right for the LSTM. Keras's default GRU uses reset_after=True: look at its bias's shape.",
            ),
            Edit("h * (d + h + biases)", "h * (d + h)", "These are the weights alone; the biases count too."),
            Edit('{"LSTM": 4, "GRU": 3}[kind]', "4", "The GRU has fewer blocks than the LSTM."),
            Edit('{"LSTM": 4, "GRU": 3}[kind]', "3", "The LSTM has more blocks: count its equations with a W."),
        ],
        hint="Blocks × h × (inputs + states + biases); sections 4 and 7 have both formulas.",
    ),
    Exercise(
        name="03a.bias",
        inputs=[(28, 0.5), (200, 0.5), (1000, 0.1), (10, 0.9)],
        wrong=[
            Edit("np.log(f / (1 - f))", "f", "That is the gate. Which number must the logistic function receive?"),
            Edit("share ** (1 / T)", "share", "That keeps the share over one step; here it is over T steps."),
            Edit(
                "np.log(f / (1 - f))",
                "-np.log(f / (1 - f))",
                "Check the sign: a gate near one needs a positive sum.",
            ),
            Edit("np.log(f / (1 - f))", "np.log(f)", "The gate is σ(b), not exp(b)."),
            Wrong(lambda T, share: np.log(T - 1), "A rule of thumb for the lag; your answer must depend on the share."),
            Edit("share ** (1 / T)", "1 - share / T", "The loss of each step multiplies, it does not add."),
        ],
        hint="First the gate f with fᵀ = share, then the number whose logistic function is f.",
    ),
    Exercise(
        name="03a.permute",
        inputs=list(_gru_inputs()),
        wrong=[
            Edit("[r, z, n]", "[z, r, n]", "The blocks are still in Keras's order."),
            Edit(
                "reordered(bias[0]), reordered(bias[1])",
                "bias[0], bias[1]",
                "The matrices are right; the biases have blocks too.",
            ),
            Edit("[r, z, n]", "[r, n, z]", "You have moved the candidate's block; only two blocks change places."),
            Edit("[r, z, n]", "[n, r, z]", "You have moved the candidate's block; only two blocks change places."),
            Edit(
                "reordered(bias[0]), reordered(bias[1])",
                "reordered(bias[0] + bias[1]), np.zeros_like(bias[1])",
                "In a GRU the two biases are different things and must not be added.",
            ),
            Edit(
                "reordered(kernel.T), reordered(recurrent_kernel.T)",
                "kernel, recurrent_kernel",
                "PyTorch keeps (out, in): the matrices must be transposed.",
            ),
        ],
        hint="Transpose first, then the blocks lie along the first axis. Split into three, put them into PyTorch's order.",
    ),
    Exercise(
        name="03a.backward",
        inputs=list(_backward_inputs()),
        wrong=[
            Edit("dc + dh * o", "dh * o", "c_t acts on two things: on h_t and on the next cell state."),
            Edit(" * (1 - squashed**2)", "", "On the way from h_t to c_t there is a tanh."),
            Changed(
                _without_slopes,
                "These are the gradients of the gates; the sums lie one function further.",
            ),
            Edit("return total * f,", "return total,", "What reaches c_{t−1} passes one more gate."),
            Edit("total * c_prev", "total * c", "What did the forget gate multiply: the old or the new content?"),
        ],
        hint="First the whole gradient of c_t, from both sides. Then one product rule for each of the four.",
    ),
]
