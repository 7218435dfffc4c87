"""Exercise of lesson 00: how a check answers."""

from . import Exercise, Wrong

EXERCISES = [
    Exercise(
        name="00.halving",
        solution=10,
        wrong=[
            Wrong(9, "After nine halvings the loss is still a little above a thousandth of its start: 2⁹ = 512."),
            Wrong(500, "That divides by a thousand over two. Each epoch halves what is left: how often?"),
        ],
        hint="How many times must you halve 1 until you are at or below 0.001? Count with powers of two.",
    ),
]
