"""Exercises of lesson 01d: bits and perplexity, the decoder's input, temperature, greedy decoding, found beats."""

import numpy as np

from . import Changed, Edit, Exercise, Wrong


def _countdown(symbols):
    """Scores of a writer that counts down from 7 to the end mark 2, wherever it starts."""
    return -np.abs(np.arange(9.0) - (7 if symbols[-1] == 1 else symbols[-1] - 1))


def _by_length(symbols):
    """Scores that depend on how much is written: 5, 5, 8, 2 (the end), 4, …"""
    scores = np.zeros(9)
    scores[[5, 5, 8, 2, 4, 4, 4, 4, 4][min(len(symbols) - 1, 8)]] = 1
    return scores


def _reused(found, marked, tolerance):
    right = sum(np.abs(np.asarray(marked) - place).min() <= tolerance for place in found)
    return right / len(marked), right / len(found)


_TARGETS = np.array([[5, 6, 7, 2, 0], [9, 2, 0, 0, 0], [4, 4, 4, 4, 2]])

EXERCISES = [
    Exercise(
        name="01d.bits",
        inputs=[(1.0,), (0.3,), (2.5,)],
        wrong=[
            Edit(
                "nats / np.log(2)", "nats * np.log(2)", "One bit is ln 2 nats: is a number of bits larger or smaller?"
            ),
            Edit("np.exp(nats)", "2**nats", "The perplexity of n equal symbols must be n: what is their loss?"),
            Changed(lambda solution, nats: solution(nats)[::-1], "Right values in the wrong order: bits first."),
            Edit("nats / np.log(2)", "nats", "The first value is still in nats."),
        ],
        hint="A uniform choice among n symbols has loss ln n: it must give log2 n bits and perplexity n.",
    ),
    Exercise(
        name="01d.shift",
        inputs=[(_TARGETS, 1, 2), (_TARGETS[:1], 3, 7)],
        wrong=[
            Wrong(lambda y, start, end: y, "That is the target itself: the decoder would read its own answer."),
            Edit(
                "np.where(shifted == end, 0, shifted)",
                "shifted",
                "Shifted well, but the end mark is still among what is read.",
            ),
            Wrong(
                lambda y, start, end: np.concatenate([y[:, 1:], np.zeros((len(y), 1), y.dtype)], axis=1),
                "You shifted the other way: the decoder would read the future.",
            ),
            Wrong(
                lambda y, start, end: np.concatenate([np.full((len(y), 1), start), y], axis=1),
                "Too wide by one: the last target is never read.",
            ),
        ],
        hint="Column u is what was written at u − 1; column 0 is the start mark.",
    ),
    Exercise(
        name="01d.temperature",
        inputs=[
            (np.array([1.0, 2.0, 4.0]), 0.5),
            (np.array([[0.0, 1.0], [3.0, -1.0]]), 2.0),
            (np.array([1000.0, 1001.0, 990.0]), 1.5),
        ],
        wrong=[
            Changed(lambda solution, scores, tau: solution(scores, 1), "The temperature has no effect."),
            Edit(")) / tau)", ")) * tau)", "You multiplied: then a *high* temperature plays safe."),
            Changed(
                lambda solution, scores, tau: solution(scores, 1) / tau,
                "These do not add up to one: the temperature acts before the softmax.",
            ),
            Wrong(
                lambda scores, tau: np.exp((scores - scores.max()) / tau) / np.exp((scores - scores.max()) / tau).sum(),
                "Each row must add up to one by itself: mind the axis.",
            ),
            Edit(
                "powers / powers.sum(axis=-1, keepdims=True)",
                "powers / powers.sum()",
                "Each row must add up to one by itself: mind the axis.",
            ),
        ],
        hint="Divide by tau, subtract the row's maximum (or exp(1000) overflows), exponentiate, divide by the row's sum.",
    ),
    Exercise(
        name="01d.greedy",
        inputs=[(_countdown, 1, 2, 20), (_by_length, 1, 2, 20), (_by_length, 1, 2, 2), (_countdown, 1, 2, 3)],
        wrong=[
            Edit("symbols[1:]", "symbols", "The start mark is still in the list."),
            Edit(
                "            break",
                "            symbols.append(end)\n            break",
                "The end mark is still in the list.",
            ),
            Edit("best == end", "False", "It does not stop at the end mark."),
            Edit("step(symbols)", "step(symbols[:1])", "Hand the symbols written so far to step, not the start alone."),
            Changed(lambda solution, *a: solution(*a[:3], a[3] - 1), "It stops one symbol before the limit."),
            Changed(lambda solution, *a: solution(*a[:3], a[3] + 1), "It writes one symbol more than the limit."),
        ],
        hint="Start with [start]; append the argmax of step(symbols) until it is end or limit symbols are written.",
    ),
    Exercise(
        name="01d.beats",
        inputs=[
            (np.array([10.0, 11.0, 30.0, 55.0]), np.array([10.5, 29.0, 70.0]), 2.0),
            (np.array([5.0, 22.0]), np.array([4.0, 20.0, 40.0, 60.0, 80.0]), 2.0),
        ],
        wrong=[
            Changed(lambda solution, *a: solution(*a)[::-1], "Right values in the wrong order: sensitivity first."),
            Wrong(_reused, "Two found places share one marked beat: the second one is wrong."),
            Edit("<= tolerance", "< tolerance", "A place exactly at the tolerance counts as right."),
        ],
        hint="Sensitivity divides by how many are marked, precision by how many were found.",
    ),
]
