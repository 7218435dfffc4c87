"""Exercises of lesson 01d: bits and perplexity, the decoder's input, temperature, greedy decoding, found beats."""

import numpy as np

from . import Exercise, Wrong


def _shift(y, start, end, *, keep_end=False, by=1):
    read = np.full_like(y, start)
    read[:, by:] = y[:, : y.shape[1] - by]
    return read if keep_end else np.where(read == end, 0, read)


def _softmax(scores):
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def _countdown(symbols):
    """Scores of a writer that counts down from 7 to the end mark 2, wherever it starts."""
    scores = -np.abs(np.arange(9.0) - (7 if symbols[-1] == 1 else symbols[-1] - 1))
    return scores


def _by_length(symbols):
    """Scores that depend on how much is written: 5, 5, 8, 2 (the end), 4, …"""
    scores = np.zeros(9)
    scores[[5, 5, 8, 2, 4, 4, 4, 4, 4][min(len(symbols) - 1, 8)]] = 1
    return scores


def _greedy(step, start, end, limit, *, keep_start=False, keep_end=False, forgetful=False, endless=False):
    symbols = [start]
    while len(symbols) <= limit:
        best = int(np.argmax(step(symbols[:1] if forgetful else symbols)))
        if best == end and not endless:
            symbols += [end] if keep_end else []
            break
        symbols.append(best)
    return np.array(symbols if keep_start else symbols[1:])


def _beats(found, marked, tolerance, *, reuse=False, swapped=False, strict=False):
    used, right = set(), 0
    for place in found:
        distance = np.abs(np.asarray(marked) - place)
        nearest = int(distance.argmin())
        near = distance[nearest] < tolerance if strict else distance[nearest] <= tolerance
        if near and (reuse or nearest not in used):
            used.add(nearest)
            right += 1
    pair = (right if reuse else len(used)) / len(marked), right / len(found)
    return pair[::-1] if swapped else pair


_TARGETS = np.array([[5, 6, 7, 2, 0], [9, 2, 0, 0, 0], [4, 4, 4, 4, 2]])

EXERCISES = [
    Exercise(
        name="01d.bits",
        solution=lambda nats: (nats / np.log(2), np.exp(nats)),
        inputs=[(1.0,), (0.3,), (2.5,)],
        wrong=[
            Wrong(
                lambda nats: (nats * np.log(2), np.exp(nats)),
                "One bit is ln 2 nats: is a number of bits larger or smaller?",
            ),
            Wrong(
                lambda nats: (nats / np.log(2), 2**nats),
                "The perplexity of n equal symbols must be n: what is their loss?",
            ),
            Wrong(lambda nats: (np.exp(nats), nats / np.log(2)), "Right values in the wrong order: bits first."),
            Wrong(lambda nats: (nats, np.exp(nats)), "The first value is still in nats."),
        ],
        hint="A uniform choice among n symbols has loss ln n: it must give log2 n bits and perplexity n.",
    ),
    Exercise(
        name="01d.shift",
        solution=_shift,
        inputs=[(_TARGETS, 1, 2), (_TARGETS[:1], 3, 7)],
        wrong=[
            Wrong(lambda y, start, end: y, "That is the target itself: the decoder would read its own answer."),
            Wrong(
                lambda y, start, end: _shift(y, start, end, keep_end=True),
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
        solution=lambda scores, tau: _softmax(scores / tau),
        inputs=[
            (np.array([1.0, 2.0, 4.0]), 0.5),
            (np.array([[0.0, 1.0], [3.0, -1.0]]), 2.0),
            (np.array([1000.0, 1001.0, 990.0]), 1.5),
        ],
        wrong=[
            Wrong(lambda scores, tau: _softmax(scores), "The temperature has no effect."),
            Wrong(lambda scores, tau: _softmax(scores * tau), "You multiplied: then a *high* temperature plays safe."),
            Wrong(
                lambda scores, tau: _softmax(scores) / tau,
                "These do not add up to one: the temperature acts before the softmax.",
            ),
            Wrong(
                lambda scores, tau: np.exp((scores - scores.max()) / tau) / np.exp((scores - scores.max()) / tau).sum(),
                "Each row must add up to one by itself: mind the axis.",
            ),
        ],
        hint="Divide by tau, subtract the row's maximum (or exp(1000) overflows), exponentiate, divide by the row's sum.",
    ),
    Exercise(
        name="01d.greedy",
        solution=_greedy,
        inputs=[(_countdown, 1, 2, 20), (_by_length, 1, 2, 20), (_by_length, 1, 2, 2), (_countdown, 1, 2, 3)],
        wrong=[
            Wrong(lambda *a: _greedy(*a, keep_start=True), "The start mark is still in the list."),
            Wrong(lambda *a: _greedy(*a, keep_end=True), "The end mark is still in the list."),
            Wrong(lambda *a: _greedy(*a, endless=True), "It does not stop at the end mark."),
            Wrong(
                lambda *a: _greedy(*a, forgetful=True), "Hand the symbols written so far to step, not the start alone."
            ),
            Wrong(lambda s, a, b, n: _greedy(s, a, b, n - 1), "It stops one symbol before the limit."),
            Wrong(lambda s, a, b, n: _greedy(s, a, b, n + 1), "It writes one symbol more than the limit."),
        ],
        hint="Start with [start]; append the argmax of step(symbols) until it is end or limit symbols are written.",
    ),
    Exercise(
        name="01d.beats",
        solution=_beats,
        inputs=[
            (np.array([10.0, 11.0, 30.0, 55.0]), np.array([10.5, 29.0, 70.0]), 2.0),
            (np.array([5.0, 22.0]), np.array([4.0, 20.0, 40.0, 60.0, 80.0]), 2.0),
        ],
        wrong=[
            Wrong(lambda *a: _beats(*a, swapped=True), "Right values in the wrong order: sensitivity first."),
            Wrong(
                lambda *a: _beats(*a, reuse=True), "Two found places share one marked beat: the second one is wrong."
            ),
            Wrong(lambda *a: _beats(*a, strict=True), "A place exactly at the tolerance counts as right."),
        ],
        hint="Sensitivity divides by how many are marked, precision by how many were found.",
    ),
]
