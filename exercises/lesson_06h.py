"""Exercises of lesson 06h: what learns, a threshold, precision in the field, held-out data, the area of the ROC."""

import numpy as np

from . import Changed, Edit, Exercise, Wrong


def _score_inputs():
    rng = np.random.default_rng(11)
    for rate in (0.05, 0.2):  # training scores are smaller, test scores hold anomalies
        yield rng.gamma(2, 0.5, 80), rng.gamma(2, 1.0, 120), rng.gamma(2, 1.6, 60), rate


def _area_inputs():
    rng = np.random.default_rng(5)
    yield rng.integers(0, 6, 40).astype(float), rng.integers(2, 9, 15).astype(float)  # with ties
    yield rng.normal(0, 1, 30), rng.normal(1, 1, 12)


EXERCISES = [
    Exercise(
        name="06h.learning",
        rtol=1e-9,
        wrong=[
            Wrong(
                {"frozen": 32 * 10, "fine-tuned": 784 * 128 + 128 * 32 + 32 * 10},
                "Each layer has a second kind of numbers beside its matrix.",
            ),
            Changed(
                lambda solution: solution | {"fine-tuned": solution["fine-tuned"] - solution["frozen"]},
                "Fine-tuning trains the whole classifier: is the last layer not a part of it?",
            ),
            Changed(
                lambda solution: solution | {"frozen": 0},
                "If nothing learnt, who would tell the classes apart? Only the encoder is frozen.",
            ),
            Changed(
                lambda solution: solution | {"frozen": solution["fine-tuned"] - solution["frozen"]},
                "Frozen means: does not learn. Which part is frozen, and which is left?",
            ),
            Changed(
                lambda solution: solution | {"fine-tuned": solution["fine-tuned"] + 32 * 128 + 128 + 128 * 784 + 784},
                "The decoder is gone: a classifier does not draw its input again.",
            ),
        ],
        hint="A dense layer from a to b has a matrix and one bias for each output. Add up the layers that learn.",
    ),
    Exercise(
        name="06h.threshold",
        inputs=list(_score_inputs()),
        wrong=[
            Edit(
                "np.quantile(normal",
                "np.quantile(seen",
                "The model has been fitted to these scores: they are smaller than those of new examples.",
            ),
            Edit(
                "np.quantile(normal",
                "np.quantile(judged",
                "These scores hold the anomalies, and you are to be tested on them.",
            ),
            Edit("1 - share", "share", "An alarm is a score ABOVE the threshold: how many would alarm with yours?"),
            Edit(
                "np.quantile(normal",
                "np.quantile(np.concatenate([seen, normal])",
                "Mixing in the scores that the model was fitted to pulls the threshold down.",
            ),
            Wrong(
                lambda train, held_out, test, rate: np.mean(held_out) + 3 * np.std(held_out),
                "Three deviations have nothing to do with the rate that is asked for, and scores are not normal.",
            ),
            Wrong(
                lambda train, held_out, test, rate: np.max(held_out),
                "The largest score is one threshold, but it does not know the rate.",
            ),
        ],
        hint="Which of the three arrays behaves like new normal examples, and which value do `rate` of them exceed?",
    ),
    Exercise(
        name="06h.precision",
        inputs=[(0.9, 0.01, 0.01), (0.5, 0.2, 0.5), (1.0, 0.001, 0.0001)],
        wrong=[
            Edit(
                "real / (real + alarms * (1 - share))",
                "found / (found + alarms)",
                "That is the laboratory, where both kinds were equally many.",
            ),
            Edit(
                "real / (real + alarms * (1 - share))",
                "real",
                "That is the share of real alarms among all EXAMPLES; precision is their share among all alarms.",
            ),
            Edit(
                "real / (real + alarms * (1 - share))",
                "1 - alarms",
                "The false-alarm rate is counted among the normal examples, not among the alarms.",
            ),
            Edit(
                "alarms * (1 - share)",
                "alarms",
                "The false-alarm rate applies to the normal examples only, and those are not all.",
            ),
            Changed(lambda solution, *a: 1 - solution(*a), "That is the share of FALSE alarms among all alarms."),
        ],
        hint="Count real and false alarms for a thousand examples, as in the hand calculation of section 3.",
    ),
    Exercise(
        name="06h.held_out",
        rtol=1e-9,
        wrong=[
            Wrong(2000, "Nearly. Look at the denominator of the formula once more."),
            Wrong(2001, "The denominator is one more than n, not one less."),
            Wrong(1000, "The formula with k = 1: write down the rate, and solve for n."),
            Wrong(999, "That would be one in a thousand."),
        ],
        hint="Section 3 has the average rate for the k-th largest of n. Which k is the largest?",
    ),
    Exercise(
        name="06h.area",
        inputs=list(_area_inputs()),
        wrong=[
            Changed(lambda solution, *a: 1 - solution(*a), "The other way round: who is above whom?"),
            Edit(" + 0.5 * (gap == 0)", "", "And what about two equal scores? The first example has some."),
            Edit("0.5 * (gap == 0)", "(gap == 0)", "You count a tie as a whole; it is neither won nor lost."),
            Wrong(
                lambda quiet, odd: np.mean(odd > quiet.mean()),
                "Compare each anomaly with each normal example, not with their mean.",
            ),
            Edit(
                "np.mean((gap > 0) + 0.5 * (gap == 0))",
                "np.sum(gap > 0)",
                "A probability is a share of all pairs, not their number.",
            ),
        ],
        hint="Make the table of all pairs, one row for each anomaly, and ask in each cell who is above.",
    ),
]
