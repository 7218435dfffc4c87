"""3a: feed a sequence, watch the gates."""

import numpy as np
import torch
from torch import nn

from .panels import Model, Panel

STEPS = 20  # as in training


class Opened(nn.Module):
    """What goes on inside an LSTM on x (1, STEPS, 2): (STEPS, 6 h + 1), at each step i, f, o, c̃, c and h of its units,
    in the order given, and the answer."""

    def __init__(self, net, order):
        super().__init__()
        self.rnn, self.readout, self.order = net.rnn, net.readout, order.tolist()

    def forward(self, x):
        rnn = self.rnn
        h = c = torch.zeros(1, 1, rnn.hidden_size)
        states, cells = [h], []
        for t in range(STEPS):
            _, (h, c) = rnn(x[:, t : t + 1], (h, c))
            states.append(h)
            cells.append(c)
        before, after, cells = (torch.cat(each)[:, 0] for each in (states[:-1], states[1:], cells))
        sums = x[0] @ rnn.weight_ih_l0.T + before @ rnn.weight_hh_l0.T + rnn.bias_ih_l0 + rnn.bias_hh_l0
        i, f, g, o = sums.chunk(4, dim=1)
        inside = (torch.sigmoid(i), torch.sigmoid(f), torch.sigmoid(o), torch.tanh(g), cells, after)
        return torch.cat([*(each[:, self.order] for each in inside), self.readout(after)], dim=1)


def opened_in_keras(twin, order, sigmoid):
    """The same of a Keras model, by steps of its layer's cell: a function of x."""
    layer, readout = twin.layers
    kernel, recurrent, bias = layer.get_weights()

    def inside(x):
        h = c = np.zeros((1, layer.units), "float32")
        rows = []
        for t in range(STEPS):
            i, f, g, o = np.split(x[:, t] @ kernel + h @ recurrent + bias, 4, axis=1)
            h, c = (np.asarray(each) for each in layer.cell(x[:, t], [h, c])[1])
            units = (sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(g), c, h)
            rows.append(np.concatenate([*(each[:, order] for each in units), np.asarray(readout(h))], axis=1))
        return np.concatenate(rows)

    return inside


def set_by_pencil(lesson):
    """The lesson's single unit with weights set by hand, as a network: it holds a tenth of the value."""
    net, weights = lesson["Keeper"]("LSTM", 1), lesson["by_pencil"]
    numbers = (weights["W_xh"], weights["W_hh"], weights["b_h"], np.zeros(4), [[10.0]], [0.0])
    with torch.no_grad():
        for parameter, value in zip(net.parameters(), numbers, strict=True):
            parameter.copy_(torch.as_tensor(np.asarray(value)))
    return net


def panels(lesson):
    """The first trained LSTM, its units by swing, and the cell that was set by pencil."""
    sequences = {
        name: lesson["with_marks"](3, value, second)[:, :STEPS].round(2)  # a mark at step 60 comes too late
        for name, value, second in (("One mark", 0.8, 60), ("Two marks", 0.8, 12), ("1.5, never met", 1.5, 60))
    }
    models, cells = {}, []
    for name, label, net, order in (
        ("trained", "trained, 8 units", lesson["torch_lstm_net"].cpu(), lesson["order"]["LSTM"]),
        ("pencil", "by pencil, 1 unit", set_by_pencil(lesson), np.array([0])),
    ):
        twin = lesson["keeper"]("LSTM", len(order))
        lesson["parity"].copy_weights(net, twin)
        probes = list(sequences.values())
        models[name] = Model(Opened(net, order), probes, opened_in_keras(twin, order, lesson["sigmoid"]))
        cells.append({"name": name, "label": label, "units": len(order)})
    return [
        Panel(
            "gates", "33ed2f69", "gates", "Feed a sequence, watch the gates",
            "Does the cell keep behind an open gate? Compare the trained one with the one set by pencil.",
            models,
            {"steps": STEPS, "limit": 1.5, "cells": cells,
             "sequences": {name: (x[0].astype(float).round(2) + 0.0).tolist() for name, x in sequences.items()}},
        )
    ]  # fmt: skip
