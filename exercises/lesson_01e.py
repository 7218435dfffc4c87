"""Exercises of lesson 01e: bits and perplexity, a temperature, a score that is too kind, a model told the language."""

import numpy as np

from . import Changed, Edit, Exercise, Wrong


def _kind(reported, marked, tolerance):
    right = sum(np.abs(marked - place).min() <= tolerance for place in reported)
    return min(right / len(marked), 1.0), right / len(reported)


def _capped(reported, marked, tolerance):
    right = min(_kind(reported, marked, tolerance)[1] * len(reported), len(marked))
    return right / len(marked), right / len(reported)


def _told_names():
    """Inputs (n, 12, 2) and targets (n, 12) of names of the lesson's eight languages."""
    from course_lib import data

    alphabet = "\0^$ '-abcdefghijklmnopqrstuvwxyz"
    chosen = data.names().select(languages=8, cap=300, seed=0)
    rows = [i for i, name in enumerate(chosen.names) if len(name) <= 11]
    symbols = np.zeros((len(rows), 13), dtype="int64")
    for row, i in zip(symbols, rows):
        row[: len(chosen.names[i]) + 2] = [alphabet.index(letter) for letter in f"^{chosen.names[i]}$"]
    x = np.where(symbols[:, :-1] == 2, 0, symbols[:, :-1])
    language = np.repeat(chosen.languages[rows][:, None], 12, axis=1)
    return np.stack([x, language], axis=-1), symbols[:, 1:]


def _measure_told(answer):
    """Whether a trained model uses the language, has learnt, and does not look ahead."""
    import torch

    if not isinstance(answer, torch.nn.Module):
        raise ValueError("give the trained PyTorch model itself: told_model = your_net")
    device = next(answer.parameters()).device
    x, y = _told_names()

    def scores(pairs):
        with torch.no_grad():
            return answer(torch.from_numpy(pairs).to(device)).cpu()

    def bits(pairs):
        loss = torch.nn.functional.cross_entropy(
            scores(pairs).flatten(0, 1), torch.from_numpy(y).flatten(), ignore_index=0
        )
        return float(loss) / np.log(2)

    found = scores(x[:5])
    if found.shape != (5, 12, 32):
        raise ValueError(f"scores (B, T, 32) are expected; for (5, 12, 2) yours have the shape {tuple(found.shape)}")
    other = x.copy()
    other[..., 1] = (other[..., 1] + 3) % 8
    later = x[:5].copy()
    later[:, 6:, 0] = 9
    right = bits(x)
    return {
        "uses the language": bool(bits(other) > right + 0.2),
        "below 3.2 bits": bool(right < 3.2),
        "does not look ahead": bool(torch.allclose(scores(later)[:, :6], found[:, :6], atol=1e-5)),
    }


EXERCISES = [
    Exercise(
        name="01e.bits",
        wrong=[
            Wrong([1.678, 3.2], "You averaged the probabilities first. What is averaged is the surprise."),
            Wrong(
                [2.0, 5.0], "The bits are right. The perplexity is made of the mean, not a mean of two perplexities."
            ),
            Wrong([4.0, 2.0], "Right values in the wrong order: bits first."),
            Wrong([1.386, 4.0], "The first value is in nats."),
        ],
        hint="What is the surprise at each kind of place? Average the two, and raise 2 to the mean.",
    ),
    Exercise(
        name="01e.temperature",
        inputs=[
            (np.array([1.0, 2.0, 4.0]), 0.5),
            (np.array([[0.0, 1.0], [3.0, -1.0]]), 2.0),
            (np.array([1000.0, 1001.0, 990.0]), 1.5),
        ],
        wrong=[
            Changed(lambda solution, scores, tau: solution(scores, 1), "The temperature still has no effect."),
            Edit(")) / tau)", ")) * tau)", "You multiplied: then a *high* temperature plays safe."),
            Changed(
                lambda solution, scores, tau: solution(scores, 1) / tau,
                "These do not add up to one: the temperature acts before the softmax.",
            ),
            Edit(
                "powers / powers.sum(axis=-1, keepdims=True)",
                "powers / powers.sum()",
                "Each row must add up to one by itself: mind the axis.",
            ),
        ],
        hint="What does dividing all probabilities by one number do, if they are then made to add up to one? And which "
        "number may be taken from all scores of a row without a change?",
    ),
    Exercise(
        name="01e.score",
        inputs=[
            (np.array([10.0, 11.0, 30.0, 55.0]), np.array([10.5, 29.0, 70.0]), 2.0),
            (np.array([5.0, 22.0]), np.array([4.0, 20.0, 40.0, 60.0, 80.0]), 2.0),
            (np.arange(100.0), np.array([20.0, 50.0, 80.0]), 1.0),
        ],
        wrong=[
            Wrong(_kind, "Several reported places still share one marked beat."),
            Changed(lambda solution, *a: solution(*a)[::-1], "Right values in the wrong order: sensitivity first."),
            Edit("<= tolerance", "< tolerance", "A place exactly at the tolerance counts as right."),
        ],
        hint="Remember which marked places are used. Sensitivity divides by how many are marked, precision by how many "
        "were reported.",
    ),
    Exercise(
        name="01e.told",
        measure=_measure_told,
        wrong=[
            Edit(
                "self.embed(x[..., 0]) + self.language(x[..., 1])",
                "self.embed(x[..., 0])",
                "It does not listen: another language gives the same scores. Where does the second number enter?",
            ),
            Edit(
                "told_epochs = 6",
                "told_epochs = 1",
                "It has hardly learnt yet: train it longer, or at another rate.",
            ),
        ],
        hint="One of the three is missing: it uses the language, it has learnt, it does not look ahead.",
    ),
]
