"""Other seeds: every seed that reaches a generator is shifted, and nothing else."""

import pytest

from tools.seeds import STEP, shifted


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("rng = np.random.default_rng(3)", "rng = np.random.default_rng(1012)"),
        ("torch.manual_seed(0)", "torch.manual_seed(1009)"),
        ("g = torch.Generator().manual_seed(2)", "g = torch.Generator().manual_seed(1011)"),
        ("keras.utils.set_random_seed(1)", "keras.utils.set_random_seed(1010)"),
        ("machine = accelerator.start(seed=1)", "machine = accelerator.start(seed=1010)"),
        ("machine = accelerator.start(1)", "machine = accelerator.start(1010)"),
        ("b = data.Batches(x, batch_size=4)", "b = data.Batches(x, batch_size=4, seed=1009)"),
        ("b = data.Batches(x, batch_size=4, seed=5)", "b = data.Batches(x, batch_size=4, seed=1014)"),
        ("TSNE(random_state=0)", "TSNE(random_state=1009)"),
        ("TSNE(random_state=None)", "TSNE(random_state=None)"),
        ("rng = default_rng([seed, 2])", "rng = default_rng([seed + 1009, 2])"),
        ("rng = default_rng(seed)", "rng = default_rng(seed + 1009)"),
        ("layers.Dropout(0.5, seed=0)", "layers.Dropout(0.5, seed=1009)"),
        ("x, y = names.split(test=0.2, seed=0)", "x, y = names.split(test=0.2, seed=1009)"),
        ("np.random.seed(4)", "np.random.seed(1013)"),
        ("n = 3 + start(2)", "n = 3 + start(2)"),
        ("seed = 0", "seed = 0"),
    ],
)
def test_a_seed_is_shifted_where_it_is_used(source, expected):
    assert shifted([source], 1) == [expected]
    assert STEP == 1009


def test_a_function_of_the_lesson_shifts_inside_and_its_callers_do_not():
    cells = [
        "def draw(n, seed):\n    return np.random.default_rng(seed).normal(size=n)",
        "a = draw(4, seed=7)\nnets[0] = a",
    ]
    assert shifted(cells, 2) == [
        "def draw(n, seed):\n    return np.random.default_rng(seed + 2018).normal(size=n)",
        "a = draw(4, seed=7)\nnets[0] = a",
    ]


def test_without_a_shift_the_cells_stay_as_they_are_written():
    source = "torch.manual_seed(0)  # a comment"
    assert shifted([source], 0) == [source]


def test_a_generator_is_handed_on_as_it_is():
    (first,) = shifted(["draws = keras.random.SeedGenerator(3)\nkeras.random.normal((2,), seed=draws)"], 1)
    assert first == f"draws = keras.random.SeedGenerator({3 + STEP})\nkeras.random.normal((2,), seed=draws)"
