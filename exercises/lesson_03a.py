"""Exercises of lesson 03a: gates for three tasks, a broken forget bias, a GRU backwards, one unit."""

import numpy as np

from . import Changed, Edit, Exercise


def _opened_gate_inputs():
    rng = np.random.default_rng(17)
    for h, bias in ((3, 1.0), (5, 2.5)):
        yield *rng.standard_normal((2, 4 * h)), bias


def _gru_back_inputs():
    rng = np.random.default_rng(23)
    for batch, h in ((3, 4), (1, 1)):
        dh, h_before, a_r, a_z, a_x, u = rng.standard_normal((6, batch, h))
        r, z = (1 / (1 + np.exp(-a)) for a in (a_r, a_z))
        yield dh, h_before, r, z, np.tanh(a_x + r * u), u


def _without_slopes(solution, dh, h_before, r, z, n, u):
    delta_r, delta_z, delta_n, before = solution(dh, h_before, r, z, n, u)
    return delta_r / (r * (1 - r)), delta_z / (z * (1 - z)), delta_n, before


def _measure_one_unit(answer):
    """Whether a trained PyTorch network has one unit, knows the task, and keeps behind an open gate."""
    import torch

    if not isinstance(answer, torch.nn.Module) or not isinstance(getattr(answer, "rnn", None), torch.nn.LSTM):
        raise ValueError("give the trained PyTorch network itself: a Keeper with an LSTM")
    rng = np.random.default_rng(31)
    x = np.stack([rng.uniform(-1, 1, size=(1000, 20)), rng.random((1000, 20)) < 0.1], axis=2).astype("float32")
    at = np.maximum.accumulate(np.where(x[..., 1] > 0, np.arange(20), -1), axis=1)
    truth = np.where(at >= 0, np.take_along_axis(x[..., 0], np.maximum(at, 0), axis=1), 0)
    device, h = next(answer.parameters()).device, answer.rnn.hidden_size
    x = torch.from_numpy(x).to(device)
    with torch.no_grad():
        states = answer.rnn(x)[0]
        said = answer(x)
        before = torch.cat([torch.zeros_like(states[:, :1]), states[:, :-1]], dim=1)
        layer = answer.rnn
        sums = x @ layer.weight_ih_l0.T + before @ layer.weight_hh_l0.T + layer.bias_ih_l0 + layer.bias_hh_l0
        forget = torch.sigmoid(sums[..., h : 2 * h])[x[..., 1] == 0]
    if said.shape != (1000, 20, 1):
        raise ValueError(f"an answer at each step, (B, T, 1), is expected; yours has {tuple(said.shape)}")
    error = said.cpu().numpy()[..., 0] - truth
    return {
        "one unit": h == 1,
        "below 0.25": bool(np.sqrt((error**2).mean()) < 0.25),
        "its forget gate stands above 0.8 between marks": bool(forget.mean() > 0.8),
    }


EXERCISES = [
    Exercise(
        name="03a.gates",
        wrong=[
            Edit("(1, 0, 1, 1)", "(1, 0, 0, 1)", "The last task counts the values between the marks too."),
            Edit("(1, 0, 1, 1)", "(1, 1, 1, 1)", "The last sum never begins anew: what must happen at a mark?"),
            Edit(
                "(1, 1, 0, 1), (1, 0, 0, 1)",
                "(1, 0, 0, 1), (1, 1, 0, 1)",
                "Which of the first two adds, and which replaces?",
            ),
            Edit("(1, 0, 0, 1)", "(1, 0, 0, 0)", "The second forgets its value one step after the mark."),
            Edit("(1, 1, 0, 1)", "(1, 0, 0, 1)", "The first sum is erased at every mark."),
        ],
        hint="Write c_t = f·c + i·x for a mark and for a step without one, and ask what c must be after it.",
    ),
    Exercise(
        name="03a.opened_gate",
        inputs=list(_opened_gate_inputs()),
        wrong=[
            Edit(
                "b_hh[h : 2 * h] = 0",
                "b_hh[h : 2 * h] = bias",
                "The block is right. What does the layer do with its two biases?",
            ),
            Edit("b_hh[h : 2 * h] = 0", "pass", "The block is right. What does the layer add to your bias?"),
            Changed(
                lambda solution, b_ih, b_hh, bias: solution(b_ih, b_hh, bias)[::-1],
                "The sum is right; the whole bias was to stand in the first vector.",
            ),
            Changed(
                lambda solution, b_ih, b_hh, bias: (
                    np.roll(solution(np.roll(b_ih, -len(b_ih) // 4), b_hh, bias)[0], len(b_ih) // 4),
                    np.roll(solution(b_ih, np.roll(b_hh, -len(b_hh) // 4), bias)[1], len(b_hh) // 4),
                ),
                "You no longer add twice. Which block is the forget gate's? See section 3.",
            ),
        ],
        hint="Print the four gates that your biases make: one of them, and no other, must have moved to σ(bias).",
    ),
    Exercise(
        name="03a.gru_back",
        inputs=list(_gru_back_inputs()),
        wrong=[
            Edit("(h_before - n)", "h_before", "The update gate acts on both products of the last line."),
            Edit("(h_before - n)", "(n - h_before)", "Check a sign: a larger z keeps more of the old state."),
            Edit(" * (1 - n**2)", "", "On the way into the candidate there is a tanh."),
            Edit("dh * (1 - z)", "dh * z", "How much of the candidate enters the new state?"),
            Edit("delta_n * u", "delta_n * h_before", "What does the reset gate multiply in this convention?"),
            Changed(_without_slopes, "These are the gradients of the gates; the sums lie one function further."),
            Edit("dh * z\n", "dh\n", "What reaches the old state on the broad road passes one gate."),
        ],
        hint="Begin with the last line: it has two products. Then go into the candidate, then into its reset gate.",
    ),
    Exercise(
        name="03a.one_unit",
        measure=_measure_one_unit,
        wrong=[
            Edit(
                "single_epochs = 8", "single_epochs = 1", "It has one unit, and does not know the task: train longer."
            ),
            Edit(
                'Keeper("LSTM", 1)',
                'Keeper("LSTM", 8)',
                "It knows the task; how many units has it? See where its gate stands.",
            ),
        ],
        hint="It has one unit and is not there yet: train longer, or choose another start on validation sequences.",
    ),
]
