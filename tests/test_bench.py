"""``course bench`` measures pairs that are one function, and says what there is to measure."""

import keras
import numpy as np
import pytest
import torch

from course_lib import parity
from tools import bench


@pytest.mark.parametrize("name", bench.MODELS)
def test_what_is_measured_against_each_other_is_one_function(name):
    # With other weights the read-out may cancel to almost nothing, and rounding is all that is left.
    torch.manual_seed(0)
    ours, theirs = bench.torch_model(name), bench.keras_model(name)
    batches, epochs = bench.samples(name)
    parity.copy_weights(ours, theirs)
    both = parity.outputs(ours.eval(), theirs, batches.arrays[0][:8])
    parity.compare(outputs=both, tolerance={"outputs": 1e-5})
    in_torch, in_keras = bench.losses(name)
    x, y = (torch.from_numpy(array[:8]) for array in batches.arrays)
    loss = float(in_torch(ours(x), y).detach())
    x, y = (array[:8] for array in bench.samples(name, channels_last=True)[0].arrays)
    in_keras = keras.losses.get(in_keras)
    assert float(np.mean(in_keras(y, theirs(x)))) == pytest.approx(loss, rel=1e-5)
    assert len(batches.arrays[0]) % batches.batch_size == 0  # all steps cost the same
    assert bench.STEPS / 2 < epochs * len(batches) < 2 * bench.STEPS
    assert all(array.dtype == np.float32 for array in batches.arrays)


def test_the_two_sides_take_turns_and_the_first_round_does_not_count():
    order, values = [], iter([100, 100, 3, 30, 1, 10, 2, 20])

    def side(name):
        return lambda: order.append(name) or next(values)

    assert bench.in_turns(side("ours"), side("floor"), rounds=3) == (2, 20)
    assert order == ["ours", "floor"] * 4


def test_an_unknown_name_is_answered_with_what_there_is():
    with pytest.raises(SystemExit, match="called 'x'. There are: rnn, forecast, .*lstm, 01a"):
        bench.main(["x"])
