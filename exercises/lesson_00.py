"""Exercises of lesson 00: one neuron through two points, and how far apart two first draws lie."""

from . import Exercise, Wrong

EXERCISES = [
    Exercise(
        name="00.neuron",
        rtol=0.01,
        atol=0.005,
        wrong=[
            Wrong([0.5493, 0.5493], "The steepness is right. On which side of zero does your curve cross?"),
            Wrong([0.5, -0.5], "That makes the sum 0.5 at x = 2; the output is tanh of the sum."),
            Wrong([0.5493, 0.0], "Right at the other point for another step: this curve crosses zero at x = 0."),
            Wrong([0.2747, 0.0], "It goes through the second point, but at x = 1 it is not zero."),
        ],
        hint="Two equations: the sum w x + b is 0 at x = 1, and its tanh is one half at x = 2.",
    ),
    Exercise(
        name="00.start",
        rtol=0.01,
        wrong=[
            Wrong(2.271, "That is the layer of the text, with 128 outputs. Here there are as many as inputs."),
            Wrong(0.5774, "The other way round: Keras's by PyTorch's."),
            Wrong(3.0, "That is the ratio of the variances; standard deviations are asked for."),
            Wrong(1.0, "Put q = d into both formulas: they do not become the same."),
        ],
        hint="Both standard deviations are in the table's formulas: put q = d, divide, and d drops out.",
    ),
]
