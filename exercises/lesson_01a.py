"""Exercises of lesson 01a: resting states, a memory of one unit, the smallest trained one, and a leak."""

import numpy as np

from . import Edit, Exercise, Wrong


def _sequences(n, steps, seed):
    """Flip-flop sequences (n, steps) as in the lesson, and the sign of the last pulse, 0 or 1."""
    rng = np.random.default_rng(seed)
    pulses = rng.choice([-1, 0, 1], size=(n, steps), p=[0.075, 0.85, 0.075])
    pulses[:, 0] = rng.choice([-1, 1], size=n)
    last = steps - 1 - np.argmax(pulses[:, ::-1] != 0, axis=1)
    return pulses + 0.15 * rng.standard_normal((n, steps)), (pulses[np.arange(n), last] > 0).astype(int)


def _run_cell(x, cell):
    """The last state (n,) of one unit that reads x (n, steps)."""
    state = np.zeros(len(x))
    for values in x.T:
        state = np.tanh(cell["w_xh"] * values + cell["w_hh"] * state + cell["b"])
    return state


def _measure_memory(answer):
    """What a flip-flop of one unit must do: hold both bits through silence, flip both ways, bear the noise."""
    if not isinstance(answer, dict) or set(answer) != {"w_xh", "w_hh", "b"}:
        raise ValueError("give a dict with the keys w_xh, w_hh and b")
    try:
        cell = {name: float(value) for name, value in answer.items()}
    except (TypeError, ValueError):
        raise ValueError("each of w_xh, w_hh and b must be one number") from None
    silent = np.zeros((2, 200))
    silent[:, 0] = -1, 1
    flipped = np.zeros((2, 40))
    flipped[:, 0], flipped[:, 20] = (1, -1), (-1, 1)
    x, y = _sequences(4000, 20, seed=21)
    return {
        "holds for 200 silent steps": bool((np.abs(_run_cell(silent, cell)) > 0.1).all())
        and bool(np.prod(_run_cell(silent, cell)) < 0),
        "a pulse flips it": bool((_run_cell(flipped, cell) * [-1, 1] > 0.1).all()),
        "right in 98 of 100": bool(np.mean((_run_cell(x, cell) > 0) == y) >= 0.98),
    }


def _measure_smallest(answer):
    """How large a trained PyTorch classifier is, and whether it is right on sequences it has not seen."""
    import torch

    if not isinstance(answer, torch.nn.Module):
        raise ValueError(
            "give the trained PyTorch model itself, for example smallest = trained(Classifier(1, 4, 2), …)"
        )
    units = sum(
        layer.hidden_size for layer in answer.modules() if isinstance(layer, torch.nn.RNNBase | torch.nn.RNNCellBase)
    )
    if not units:
        raise ValueError("there is no recurrent layer in it")
    device = next(answer.parameters()).device
    right = {}
    for steps in (20, 100):
        x, y = _sequences(2000, steps, seed=22)
        with torch.no_grad():
            scores = answer(torch.from_numpy(x[..., None].astype("float32")).to(device))
        if scores.shape != (2000, 2):
            raise ValueError(f"the model must give scores (B, 2); for 2000 sequences yours gives {tuple(scores.shape)}")
        right[f"0.97 on {steps} steps"] = bool(np.mean(scores.argmax(1).cpu().numpy() == y) >= 0.97)
    return {"at most four units": units <= 4, **right}


def _measure_leak(answer):
    """Whether a reader's scores depend on the sequence alone, and on all of it."""
    import torch

    if not (isinstance(answer, type) and issubclass(answer, torch.nn.Module)):
        raise ValueError("give the class itself, mended = Reader, without calling it")
    torch.manual_seed(0)
    reader = answer(8)
    x = torch.randn(5, 6, 1, generator=torch.Generator().manual_seed(1))
    first = reader(x)
    if first.shape != (5, 2):
        raise ValueError(f"scores of shape (B, 2) are expected; for 5 sequences yours has {tuple(first.shape)}")
    changed = x.clone()
    changed[:, 0] += 1
    return {
        "the same twice": bool(torch.equal(reader(x), reader(x))),
        "the same alone and in a batch": bool(torch.allclose(reader(x[:1]), reader(x)[:1], atol=1e-6)),
        "remembers the first step": bool((reader(changed) - reader(x)).abs().max() > 1e-6),
    }


EXERCISES = [
    Exercise(
        name="01a.resting",
        wrong=[
            Wrong(
                [1, 3, 3, 1],
                "Look at the third again: the bias shifts the curve. Does it still cross the diagonal so often?",
            ),
            Wrong(
                [1, 3, 1, 3],
                "With a negative weight the curve falls. How often can a falling curve cross the diagonal?",
            ),
            Wrong([1, 3, 3, 3], "Sketch the third (shifted by its bias) and the fourth (a falling curve) again."),
            Wrong([1, 2, 1, 1], "For the second: do not forget the point that is not stable."),
            Wrong(
                [1, 2, 2, 1],
                "The third is shifted by its bias, and in the second one point is missing, the unstable one.",
            ),
        ],
        hint="Draw tanh(w h + b) for h from -1 to 1, and the diagonal: each crossing is a fixed point.",
    ),
    Exercise(
        name="01a.memory",
        measure=_measure_memory,
        wrong=[
            Wrong({"w_xh": 2.0, "w_hh": 0.9, "b": 0.0}, "It forgets in silence: how many resting states has it?"),
            Wrong(
                {"w_xh": 2.0, "w_hh": 4.0, "b": 0.0}, "It holds, but a pulse does not flip it: how hard must it push?"
            ),
            Wrong(
                {"w_xh": 12.0, "w_hh": 2.0, "b": 0.0},
                "It holds and flips, but the noise flips it too: pull the two apart.",
            ),
        ],
        hint="Which w_hh gives two resting states? From one of them, w_xh times a pulse must beat it, and w_xh times the "
        "noise must not. A bias helps one bit and harms the other.",
    ),
    Exercise(
        name="01a.smallest",
        measure=_measure_smallest,
        wrong=[
            Edit("Classifier(1, 3, 2)", "Classifier(1, 6, 2)", "It is right, and has more than four units."),
            Edit(
                "epochs=15",
                "epochs=0",
                "Small enough, but not yet right: train it longer, at another rate, or from another start.",
            ),
        ],
        hint="Small enough, but right on one of the two lengths alone: look at the validation part, and try another start.",
    ),
    Exercise(
        name="01a.leak",
        measure=_measure_leak,
        wrong=[
            Edit(
                "        return self.readout(state)",
                "        self.old = state[-1:].detach() + getattr(self, 'old', 0)\n        return self.readout(state + self.old)",
                "The scores still depend on what the reader has read before: what outlives a call of forward?",
            ),
            Edit(
                "state = self.cell(x[:, t], state)",
                "state = self.cell(x[:, t], x.new_zeros(len(x), self.cell.hidden_size))",
                "Now it forgets at every step. The memory begins empty once for each sequence, not at each step.",
            ),
        ],
        hint="With what does the state begin in forward, and who wrote that last?",
    ),
]
