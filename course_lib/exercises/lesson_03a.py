"""Exercises of lesson 03a: one LSTM step, parameter counts, a forget bias, GRU weights carried over, one step back."""

import numpy as np

from . import Exercise, Wrong


def _sigmoid(a):
    return 1 / (1 + np.exp(-a))


def _step(*, i=0.0, f=1.0, g=1.0, o=0.0, node=np.tanh, squash=np.tanh, gate=_sigmoid):
    """The step with the given sums, or with one of the usual mistakes."""
    c = gate(f) * -1 + gate(i) * node(g)
    return [float(c), float(gate(o) * squash(c))]


def _count(kind, d, h, framework, gates=None, biases=None):
    gates = gates or {"LSTM": 4, "GRU": 3}[kind]
    if biases is None:
        biases = 1 if (kind, framework) == ("LSTM", "Keras") else 2
    return gates * h * (d + h + biases)


def _logit(f):
    return np.log(f / (1 - f))


def _reordered(array, order):
    blocks = np.split(array, 3)
    return np.concatenate([blocks[k] for k in order])


def _to_torch(kernel, recurrent, bias, *, order=(1, 0, 2), biases=None, added=False, turned=True):
    first, second = (_reordered(b, order if biases is None else biases) for b in bias)
    if added:
        first, second = first + second, np.zeros_like(second)
    if not turned:
        return kernel, recurrent, first, second
    return _reordered(kernel.T, order), _reordered(recurrent.T, order), first, second


def _gru_inputs():
    rng = np.random.default_rng(17)
    for d, h in ((3, 5), (2, 2)):
        yield tuple(rng.standard_normal(shape) for shape in ((d, 3 * h), (h, 3 * h), (2, 3 * h)))


def _backward(dh, dc, i, f, g, o, c_prev, c, *, later=True, squash=True, slopes=True, kept=True, old=True):
    t = np.tanh(c)
    total = (dc if later else 0) + dh * o * ((1 - t**2) if squash else 1)
    s_i, s_f, s_o, s_g = (i * (1 - i), f * (1 - f), o * (1 - o), 1 - g**2) if slopes else (1, 1, 1, 1)
    before = total * f if kept else total
    da_f = total * (c_prev if old else c) * s_f
    return before, total * g * s_i, da_f, total * i * s_g, dh * t * s_o


def _backward_inputs():
    rng = np.random.default_rng(23)
    for batch, h in ((3, 4), (1, 1)):
        dh, dc, c_prev, *sums = rng.standard_normal((7, batch, h))
        i, f, o, g = *(_sigmoid(a) for a in sums[:3]), np.tanh(sums[3])
        yield dh, dc, i, f, g, o, c_prev, f * c_prev + i * g


EXERCISES = [
    Exercise(
        name="03a.step",
        solution=_step(),
        atol=5e-4,
        rtol=0,
        wrong=[
            Wrong(_step()[::-1], "Both numbers are right: c₁ comes first, then h₁."),
            Wrong(_step(i=1.0, f=0.0), "You have exchanged two gates: which one multiplies the old content?"),
            Wrong(
                _step(node=_sigmoid), "The input node is not a gate: it may be negative, so it has another function."
            ),
            Wrong(_step(squash=lambda c: c), "c₁ is right. Something is missing between c₁ and the output gate."),
            Wrong(_step(gate=np.tanh), "Gates lie between 0 and 1: they use the logistic function."),
            Wrong([_step()[0], 0.5 * np.tanh(-1.0)], "h₁ reads the new content, not the old one."),
        ],
        hint="Write the four sums first; they are small whole numbers. Then the gates, then c₁, then h₁.",
    ),
    Exercise(
        name="03a.count",
        solution=_count,
        inputs=[(k, d, h, f) for k in ("LSTM", "GRU") for d, h in ((3, 5), (28, 128)) for f in ("PyTorch", "Keras")],
        wrong=[
            Wrong(
                lambda k, d, h, f: _count(k, d, h, f, biases=1),
                "One bias per gate: which three of the four layers have two?",
            ),
            Wrong(
                lambda k, d, h, f: _count(k, d, h, f, biases=2),
                "Nearly. One of the four layers adds its two biases into one.",
            ),
            Wrong(
                lambda k, d, h, f: _count(k, d, h, f, biases=2 if f == "PyTorch" else 1),
                "Right for the LSTM. Keras's default GRU uses reset_after=True: look at its bias's shape.",
            ),
            Wrong(
                lambda k, d, h, f: _count(k, d, h, f, biases=0), "These are the weights alone; the biases count too."
            ),
            Wrong(lambda k, d, h, f: _count(k, d, h, f, gates=4), "The GRU has fewer blocks than the LSTM."),
            Wrong(
                lambda k, d, h, f: _count(k, d, h, f, gates=3),
                "The LSTM has more blocks: count its equations with a W.",
            ),
        ],
        hint="Blocks × h × (inputs + states + biases); sections 4 and 7 have both formulas.",
    ),
    Exercise(
        name="03a.bias",
        solution=lambda T, share: _logit(share ** (1 / T)),
        inputs=[(28, 0.5), (200, 0.5), (1000, 0.1), (10, 0.9)],
        wrong=[
            Wrong(
                lambda T, share: share ** (1 / T), "That is the gate. Which number must the logistic function receive?"
            ),
            Wrong(lambda T, share: _logit(share), "That keeps the share over one step; here it is over T steps."),
            Wrong(lambda T, share: -_logit(share ** (1 / T)), "Check the sign: a gate near one needs a positive sum."),
            Wrong(lambda T, share: np.log(share ** (1 / T)), "The gate is σ(b), not exp(b)."),
            Wrong(lambda T, share: np.log(T - 1), "A rule of thumb for the lag; your answer must depend on the share."),
            Wrong(lambda T, share: _logit(1 - share / T), "The loss of each step multiplies, it does not add."),
        ],
        hint="First the gate f with fᵀ = share, then the number whose logistic function is f.",
    ),
    Exercise(
        name="03a.permute",
        solution=_to_torch,
        inputs=list(_gru_inputs()),
        wrong=[
            Wrong(lambda *a: _to_torch(*a, order=(0, 1, 2)), "The blocks are still in Keras's order."),
            Wrong(lambda *a: _to_torch(*a, biases=(0, 1, 2)), "The matrices are right; the biases have blocks too."),
            Wrong(
                lambda *a: _to_torch(*a, order=(1, 2, 0)),
                "You have moved the candidate's block; only two blocks change places.",
            ),
            Wrong(
                lambda *a: _to_torch(*a, order=(2, 1, 0)),
                "You have moved the candidate's block; only two blocks change places.",
            ),
            Wrong(
                lambda *a: _to_torch(*a, added=True),
                "In a GRU the two biases are different things and must not be added.",
            ),
            Wrong(lambda *a: _to_torch(*a, turned=False), "PyTorch keeps (out, in): the matrices must be transposed."),
        ],
        hint="Transpose first, then the blocks lie along the first axis. Split into three, put them into PyTorch's order.",
    ),
    Exercise(
        name="03a.backward",
        solution=_backward,
        inputs=list(_backward_inputs()),
        wrong=[
            Wrong(lambda *a: _backward(*a, later=False), "c_t acts on two things: on h_t and on the next cell state."),
            Wrong(lambda *a: _backward(*a, squash=False), "On the way from h_t to c_t there is a tanh."),
            Wrong(
                lambda *a: _backward(*a, slopes=False),
                "These are the gradients of the gates; the sums lie one function further.",
            ),
            Wrong(lambda *a: _backward(*a, kept=False), "What reaches c_{t−1} passes one more gate."),
            Wrong(
                lambda *a: _backward(*a, old=False), "What did the forget gate multiply: the old or the new content?"
            ),
        ],
        hint="First the whole gradient of c_t, from both sides. Then one product rule for each of the four.",
    ),
]
