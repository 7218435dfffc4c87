"""Exercises of lesson 03c: the price of two rows at once, a paired difference, a broken early exit, a trained reader."""

import numpy as np

from . import Changed, Edit, Exercise, Wrong


def _readers(n, seed):
    """Whether two readers are right on the same n digits; they share most of their mistakes."""
    rng = np.random.default_rng(seed)
    hard = rng.random(n) < 0.1
    return ~hard | (rng.random(n) < 0.4), ~hard | (rng.random(n) < 0.2)


def _said(n, T, seed):
    """Probabilities (n, T, 10) that become surer with each row, sometimes of the wrong digit, and labels (n,)."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, n)
    scores = rng.normal(size=(n, T, 10)).cumsum(axis=1)
    scores[np.arange(n)[:, None], np.arange(T), labels[:, None]] += 0.4 * np.arange(T)
    p = np.exp(scores - scores.max(axis=2, keepdims=True))
    return p / p.sum(axis=2, keepdims=True), labels


def _measure_strips(answer):
    """Whether a trained PyTorch network reads two rows at a time, and how many digits it reads."""
    import torch

    from course_lib import data

    if not isinstance(answer, torch.nn.Module):
        raise ValueError("give the trained PyTorch network itself, for example strip_reader = StripReader(), trained")
    layers = [part for part in answer.modules() if isinstance(part, torch.nn.LSTM)]
    if not layers or layers[0].input_size != 56:
        raise ValueError("it has no nn.LSTM of input size 56: two rows of 28 pixels make one step")
    digits, steps = data.mnist(), []
    x = torch.from_numpy(digits.train_images[52_000:55_000].copy()).to(next(answer.parameters()).device)
    watch = layers[0].register_forward_hook(lambda layer, given, made: steps.append(made[0].shape))
    answer.eval()
    try:
        with torch.no_grad():
            scores = answer(x)
    except RuntimeError as error:
        raise ValueError(f"it cannot read bytes (B, 28, 28): {error}") from None
    finally:
        watch.remove()
    if scores.shape != (len(x), 10):
        raise ValueError(f"scores (B, 10) are expected; yours are {tuple(scores.shape)}")
    right = scores.argmax(1).cpu().numpy() == digits.train_labels[52_000:55_000]
    return {"14 steps": 14 in steps[0][:2], "above 92 %": bool(right.mean() > 0.92)}


EXERCISES = [
    Exercise(
        name="03c.two_rows",
        rtol=1e-9,
        wrong=[
            Wrong(
                [2_236_416, 1_118_208, 80_384, 80_384],
                "Half the steps, but each step has become dearer: W_xh is wider.",
            ),
            Wrong([559_104, 329_728, 20_096, 23_680], "That is a plain recurrent layer. How many blocks has an LSTM?"),
            Wrong([79_872, 94_208, 80_384, 94_720], "These are the products of one step. How many steps are there?"),
            Wrong([2_236_416, 1_318_912, 79_872, 94_208], "The products are right. The layer also holds its biases."),
            Wrong([2_236_416, 1_318_912, 80_896, 95_232], "Keras has one bias for each block's unit, PyTorch two."),
            Wrong(
                [401_408, 401_408, 80_384, 94_720],
                "You have left W_hh out: the state is multiplied too, at every step.",
            ),
        ],
        hint="One step multiplies x_t by W_xh and h_{t-1} by W_hh, each with 4h rows; count one step, then the steps.",
    ),
    Exercise(
        name="03c.same_digits",
        inputs=[_readers(400, 1), _readers(1000, 2), _readers(250, 3)],
        rtol=3e-3,
        wrong=[
            Edit(
                "differences.std() / np.sqrt(len(differences))",
                "np.sqrt((right_a.var() + right_b.var()) / len(right_a))",
                "That is the error for two different sets of digits. These two have read the same ones.",
            ),
            Edit(
                "differences.std() / np.sqrt(len(differences))",
                "differences.std()",
                "That is the spread of one digit. The mean of n digits is better known.",
            ),
            Edit(
                "differences.std() / np.sqrt(len(differences))",
                "np.sqrt(right_a.mean() * (1 - right_a.mean()) / len(right_a))",
                "That is the error of one accuracy, not of the difference.",
            ),
            Changed(lambda solution, a, b: (-solution(a, b)[0], solution(a, b)[1]), "The sign: a above b is positive."),
        ],
        hint="Take the difference digit by digit: 1, 0 or −1. Then its mean, and the standard error of that mean.",
    ),
    Exercise(
        name="03c.early_exit",
        inputs=[(*_said(60, 12, 1), 0.9), (*_said(80, 9, 2), 0.99), (*_said(50, 6, 3), 0.6)],
        wrong=[
            Edit(
                "p.max(axis=2) > limit",
                "p[np.arange(n), :, labels] > limit",
                "Nobody is left out now. But when it stops, does it know the label?",
            ),
            Edit(
                "    sure[:, -1] = True ",
                "    p, labels, sure = (part[sure.any(axis=1)] for part in (p, labels, sure))\n    n = len(p)  ",
                "It no longer peeks at the label. What happens to digits of which it is never sure?",
            ),
            Edit("(first + 1).mean()", "first.mean()", "After the first row one row has been read, not none."),
            Edit(
                "    sure[:, -1] = True ",
                "    pass ",
                "A digit of which it is never sure is answered after the first row now. When should it be?",
            ),
        ],
        hint="Ask of each line: what may be known when reading stops, and is every digit still counted?",
    ),
    Exercise(
        name="03c.strips",
        measure=_measure_strips,
        wrong=[
            Edit(
                "one_cycle(0.01, strip_epochs",
                "one_cycle(1e-5, strip_epochs",
                "It reads two rows at a time, and is not trained enough yet.",
            ),
            Edit(
                "self.lstm(strips)",
                "self.lstm(strips[:, :7])",
                "How many steps does the layer make? It does not read the whole picture.",
            ),
        ],
        hint="It makes 14 steps; train it longer, at a larger rate, or on more digits.",
    ),
]
