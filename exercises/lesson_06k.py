"""Exercises of lesson 06k: an alarm's calendar, levels with a zero point, a broken monitor, a model to ship."""

import numpy as np

from . import Changed, Edit, Exercise


def _activations():
    """Arrays to store in a byte: of both signs, above zero alone, below zero alone."""
    rng = np.random.default_rng(31)
    return [(rng.normal(0.4, 1.0, (3, 4)),), (rng.uniform(2.0, 5.0, 6),), (-rng.uniform(1.0, 3.0, (2, 3)),)]


def _monitored():
    """Arguments of monitor: codes of a batch and of a reference, as usual, shifted, stretched, one code alone shifted."""
    rng = np.random.default_rng(37)
    reference = rng.standard_normal((300, 5))
    one = rng.standard_normal((60, 5))
    one[:, 2] += 0.6
    return [
        (rng.standard_normal((40, 5)), reference),
        (rng.standard_normal((40, 5)) + 0.5, reference),
        (1.5 * rng.standard_normal((80, 5)) - 0.2, reference),
        (one, reference),
        (reference[:150], reference),
    ]


def _measure_shipped(answer):
    """What an ONNX file, as bytes, does with grey digits that it has not seen."""
    import onnxruntime

    from course_lib import data

    if not isinstance(answer, bytes | bytearray):
        raise ValueError("hand in the file's content as bytes")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(bytes(answer), options, providers=["CPUExecutionProvider"])
    except Exception:
        raise ValueError("ONNX Runtime cannot read these bytes") from None
    images = data.mnist().train_images[-500:].reshape(-1, 784).astype("float32")
    asked = session.get_inputs()[0]

    def run(x):
        return session.run(None, {asked.name: x})[0]

    try:
        copies = run(images)
    except Exception:
        if isinstance(asked.shape[0], str):
            raise ValueError("it must take pictures (n, 784), float32") from None
        return {"any batch": False, "copies": False, "takes pixels from 0 to 1": False}
    if copies.shape != images.shape:
        raise ValueError("for pictures (n, 784) it must return copies (n, 784)")
    x = images / 255
    return {
        "any batch": True,
        "copies": bool(np.mean((copies - x) ** 2) < 0.04),
        "takes pixels from 0 to 1": bool(np.mean((run(x) - x) ** 2) < 0.04),
    }


EXERCISES = [
    Exercise(
        name="06k.calendar",
        rtol=0.01,
        atol=1e-7,
        wrong=[
            Changed(
                lambda solution: solution | {"any": 0.16},
                "In any the sum of the eight chances is an upper bound. They are independent here: when does none ring?",
            ),
            Changed(
                lambda solution: solution | {"any": 0.98**8}, "In any that is the chance that none of the eight rings."
            ),
            Changed(
                lambda solution: solution | {"limit": 0.01}, "In limit the promise is one for all 32 codes together."
            ),
            Changed(
                lambda solution: solution | {"limit": 0.32}, "In limit the chances add up: must each be larger or less?"
            ),
            Changed(
                lambda solution: solution | {"days": 200.0},
                "In days that is the number of batches. How many come a day?",
            ),
            Changed(
                lambda solution: solution | {"days": 800.0}, "In days more batches a day mean fewer days, not more."
            ),
            Changed(
                lambda solution: solution | {"found": 0.4}, "In found a number of batches is asked for: at least one."
            ),
            Changed(
                lambda solution: solution | {"found": 1 / 0.6},
                "In found: does 0.4 of the batches ring, or stay silent?",
            ),
        ],
        hint="Write down the chance of a single test or a single batch first, then how many there are.",
    ),
    Exercise(
        name="06k.affine",
        inputs=_activations(),
        wrong=[
            Edit(
                "min(x.min(), 0.0), max(x.max(), 0.0)",
                "x.min(), x.max()",
                "Zero must be stored exactly, also if all values lie on one side of it: does your range hold it?",
            ),
            Edit("/ 255", "/ 256", "How many steps lie between the levels 0 and 255?"),
            Edit(
                "np.round(x / step)", "np.floor(x / step)", "Cutting off takes the level below; which one is nearest?"
            ),
            Edit("round(-low / step)", "round(low / step)", "The zero point is a level: can it be below 0?"),
            Changed(
                lambda solution, x: (solution(x)[0].astype(float) - solution(x)[2], *solution(x)[1:]),
                "Levels run from 0 to 255: the zero point is added to them.",
            ),
        ],
        hint="First the range with zero in it, then the step, then the level of zero, then the levels of x.",
    ),
    Exercise(
        name="06k.monitor",
        inputs=_monitored(),
        rtol=1e-3,
        wrong=[
            Changed(
                lambda solution, batch, reference: solution(
                    (batch - batch.mean(axis=0)) / batch.std(axis=0),
                    (reference - reference.mean(axis=0)) / reference.std(axis=0),
                ),
                "The batch is still put on its own mean and deviation: what is left of a shift then?",
            ),
            Edit(
                "min(1.0, len(found) * min(found))",
                "min(found)",
                "One of the two is found. The smallest of five p is small more often than a single one.",
            ),
            Edit("len(found) * min(found)", "sum(found)", "A sum of all p is not what Bonferroni's rule asks for."),
            Edit("min(1.0, len(found) * min(found))", "len(found) * min(found)", "A probability does not exceed one."),
            Edit("len(found) * min(found)", "min(found) / len(found)", "The limit is divided by m; what of p, then?"),
        ],
        hint="Try a batch that is the reference plus one, and a batch as usual: what should come out?",
    ),
    Exercise(
        name="06k.ship",
        measure=_measure_shipped,
        wrong=[
            Edit(
                'dynamic_shapes=({0: torch.export.Dim("batch")},)',
                "dynamic_shapes=None",
                "It refuses a batch of 500: which length did the exporter take for a fact?",
            ),
            Edit("Whole(small)", "small", "It copies pixels from 0 to 1. The camera gives grey values."),
            Edit("epochs=5", "epochs=0", "It takes any batch, and its copies are poor: has it been trained?"),
        ],
        hint="Try your bytes in ONNX Runtime with one grey picture, and with 500.",
    ),
]
