"""Claims: what holds and what does not, what the reader sees, what the tools get, and which calls are refused."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib import claims
from course_lib.claims import MIME, ClaimFailed, Measured, bootstrap, claim, over_seeds, proportion

quick = settings(max_examples=100, deadline=None)
finite = st.floats(-1e6, 1e6)
ACCURACY = over_seeds([0.95, 0.96, 0.955, 0.945, 0.955])


def holds(value, **bound):
    """Whether the claim holds; that it says so in both ways (return and line) is checked on the way."""
    try:
        claim("It is so", value, **bound)
    except ClaimFailed as failure:
        assert failure.record["holds"] is False
        return False
    return True


# --- measured values ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("measured", "text"),
    [
        (Measured(0.9534, 0.0042, "5 seeds"), "0.953 ± 0.004 (5 seeds)"),
        (Measured(0.95342, 0.0014), "0.9534 ± 0.0014"),
        (Measured(0.1, 0.2), "0.1 ± 0.2"),
        (Measured(97.31, 1.26, "8 seeds"), "97.3 ± 1.3 (8 seeds)"),
        (Measured(1234.56, 30), "1235 ± 30"),
        (Measured(1.234e-9, 2e-11), "1.23e-09 ± 2.00e-11"),
        (Measured(0.5, 0.0, "3 seeds"), "0.5 ± 0 (3 seeds)"),
        (Measured(0.123456), "0.1235"),
        (Measured(60000), "60000"),
        (Measured(12345.67), "12346"),
        (Measured(3.2e-7), "3.2e-07"),
        (Measured(float("nan"), source="one run"), "nan (one run)"),
        (Measured(-math.inf), "-inf"),
    ],
)
def test_a_measured_value_shows_the_digits_that_it_knows(measured, text):
    assert str(measured) == text


def test_a_format_is_for_value_and_error_alone():
    assert f"{Measured(0.9534, 0.0042, '5 seeds'):.2f}" == "0.95 ± 0.00"
    assert f"{Measured(0.9534, source='one run'):.2f}" == "0.95"
    assert f"{Measured(0.9534, 0.0042, '5 seeds')}" == "0.953 ± 0.004 (5 seeds)"


def test_a_difference_has_both_errors_and_both_sources():
    a, b = Measured(5, 3, "5 seeds"), Measured(1, 4, "bootstrap of 9")
    assert (a - b) == Measured(4, 5, "5 seeds, bootstrap of 9")
    assert (a - Measured(1, 4, "5 seeds")).source == "5 seeds"
    assert (a - 1) == Measured(4, 3, "5 seeds")
    assert (1 - a) == Measured(-4, 3, "5 seeds")
    assert (Measured(5) - 1) == Measured(4)
    assert (a - Measured(1)).uncertainty == 3
    assert -2 * a == Measured(-10, 6, "5 seeds")
    assert (Measured(2) * 3) == Measured(6)
    assert (100 * ACCURACY).values == tuple(100 * v for v in ACCURACY.values)
    assert float(a) == 5.0


@pytest.mark.parametrize(
    ("error", "kind"), [(-1, ValueError), (math.nan, ValueError), (math.inf, ValueError), (True, TypeError)]
)
def test_an_error_must_be_a_number_of_zero_or_more(error, kind):
    with pytest.raises(kind, match="uncertainty is"):
        Measured(1.0, error)


@quick
@given(st.lists(finite, min_size=2, max_size=9))
def test_over_seeds_is_mean_and_standard_error(values):
    found = over_seeds(np.array(values, dtype=float))
    assert found.value == pytest.approx(np.mean(values))
    assert found.uncertainty == pytest.approx(np.std(values, ddof=1) / np.sqrt(len(values)))
    assert found.source == f"{len(values)} seeds"
    assert found.values == tuple(values)


def test_over_seeds_says_what_varied_and_takes_what_a_loop_gives():
    import torch

    assert over_seeds([1, 2, 3], unit="notes").source == "3 notes"
    assert over_seeds([torch.tensor(1.0), torch.tensor(3.0)]) == Measured(2, 1, "2 seeds")
    assert over_seeds([Measured(1.0), Measured(3.0)]).value == 2
    assert over_seeds(torch.tensor([1.0, 3.0], requires_grad=True)).value == 2


@pytest.mark.parametrize("values", [[], [1.0], 3.0, [1.0, math.nan], [1.0, math.inf], np.ones((2, 2))])
def test_over_seeds_refuses_what_has_no_spread(values):
    with pytest.raises(ValueError, match="give at least two|give one number for each|a run failed"):
        over_seeds(values)


@quick
@given(n=st.integers(1, 10_000), share=st.floats(0, 1))
def test_a_proportion_has_a_binomial_error_that_is_never_zero(n, share):
    hits = round(n * share)
    found = proportion(hits, n)
    assert found.value == hits / n
    assert found.source == f"binomial, {hits} of {n}"
    if 0 < hits < n:
        assert found.uncertainty == pytest.approx(math.sqrt(hits * (n - hits) / n**3))
    else:
        # The distance to the end of Wilson's interval with z = 1: (1 + 1/2n ± sqrt(1/4n²)...) / (1 + 1/n).
        centre = (found.value + 1 / (2 * n)) / (1 + 1 / n)
        half = math.sqrt(1 / (4 * n**2)) / (1 + 1 / n)
        far = centre - half if hits else centre + half
        assert found.uncertainty == pytest.approx(abs(found.value - far))


@pytest.mark.parametrize(("hits", "n"), [(-1, 5), (6, 5), (2.5, 5), (0, 0), (math.nan, 5), (1, 4.5)])
def test_a_proportion_is_of_whole_numbers(hits, n):
    with pytest.raises(ValueError, match="give whole numbers with 0 <= hits <= n"):
        proportion(hits, n)


def test_the_bootstrap_finds_the_error_of_a_mean_and_is_seeded():
    values = np.random.default_rng(0).normal(3, 2, 400)
    found = bootstrap(values)
    assert found.value == pytest.approx(values.mean())
    assert found.uncertainty == pytest.approx(values.std() / 20, rel=0.06)
    assert found.source == "bootstrap of 400"
    assert bootstrap(values) == found != bootstrap(values, seed=1)
    pairs = np.column_stack([values, values + 1])
    assert bootstrap(pairs, lambda p: np.corrcoef(p.T)[0, 1]).uncertainty == pytest.approx(0, abs=1e-12)
    with pytest.raises(ValueError, match="at least two"):
        bootstrap([1.0])


# --- what holds --------------------------------------------------------------------------------


@quick
@given(value=finite, bound=finite, other=finite)
def test_bounds_are_strict_and_each_has_its_direction(value, bound, other):
    assert holds(value, above=bound) == (value - bound > 0)
    assert holds(value, below=bound) == (bound - value > 0)
    assert holds(value, equals=bound) == (value == bound)
    low, high = sorted((bound, other))
    if low < high:
        assert holds(value, between=(low, high)) == (value - low > 0 and high - value > 0)
        assert holds(value, near=(low, high - low)) == (abs(value - low) < high - low)


@quick
@given(value=st.floats(-10, 10), error=st.floats(0.01, 5), by=st.floats(0.1, 4))
def test_by_counts_standard_errors_on_each_side(value, error, by):
    m = Measured(value, error)
    room = value - by * error
    if abs(room) > 1e-9:
        assert holds(m, above=0, by=by) == (room > 0)
        assert holds(-1 * m, below=0, by=by) == (room > 0)
        assert holds(m, between=(0, 1000), by=by) == (room > 0)
    room = 5 - abs(value) - by * error
    if abs(room) > 1e-9:
        assert holds(m, near=(0, 5), by=by) == (room > 0)
    if abs(abs(value) - 2 * error) > 1e-9:
        assert holds(m, holds=0) == (abs(value) < 2 * error)


def test_the_edge_of_each_bound():
    assert not holds(1, above=1) and not holds(1, below=1) and not holds(1, between=(1, 2))
    assert not holds(2, between=(1, 2)) and not holds(1, near=(0, 1))
    assert holds(Measured(2.0, 1.0), holds=0)
    assert holds(Measured(0.5, 0.0), holds=0.5) and not holds(Measured(0.5, 0.0), holds=0.4)
    assert holds(Measured(0.5, 0.0), above=0.4, by=2) and not holds(Measured(0.5, 0.0), above=0.5, by=2)


def test_a_bound_that_was_measured_brings_its_own_error():
    ours, theirs = Measured(10, 3, "5 seeds"), Measured(5, 4, "5 seeds")
    assert holds(ours, above=theirs)
    assert not holds(ours, above=theirs, by=1.5) and holds(ours, above=5, by=1.5)
    assert holds(10, above=theirs, by=1)  # one error is enough to count in
    assert holds(ours, holds=Measured(0, 4)) and not holds(ours, holds=0)
    assert holds(ours, between=(theirs, 100))


@pytest.mark.parametrize(
    "bound", [dict(above=0), dict(below=0), dict(between=(-1, 1)), dict(near=(0, 1)), dict(equals=math.nan)]
)
def test_nan_never_holds(bound):
    assert not holds(math.nan, **bound)
    assert not holds(Measured(math.nan, 0.1), **bound)
    assert not holds(np.float32("nan"), **bound)


@pytest.mark.parametrize(
    ("found", "wanted", "right"),
    [
        (3, 3, True),
        (3.0, 3, True),
        (3, 4, False),
        ("kind", "kind", True),
        ("kind", "Kind", False),
        ((64, 28), (64, 28), True),
        ([64, 28], (64, 28), True),
        ((64, 28), (64, 14), False),
        ((64, 28), (64,), False),
        ((1, (2, "x")), (1, (2, "x")), True),
        (True, True, True),
        (np.True_, True, True),
        (True, 1, False),
        (0, False, False),
        (np.arange(3), [0, 1, 2], True),
        (np.arange(3), [0, 1, 3], False),
        (np.ones((2, 1)), np.ones((1, 2)), False),
        (np.ones(3), 1.0, False),
        (np.array([math.nan]), np.array([math.nan]), False),
        (np.array([True]), np.array([1]), False),
        (np.array(["a", "b"]), ["a", "b"], True),
        ([], [], True),
        ({"a": 1}, {"a": 1}, True),
        (0.1 + 0.2, 0.3, False),
        ("3", 3, False),
    ],
)
def test_equals_is_exact(found, wanted, right):
    assert holds(found, equals=wanted) == right


def test_numbers_of_the_frameworks_are_numbers():
    import keras
    import tensorflow as tf
    import torch

    shape = torch.zeros(64, 28).shape
    for number in (torch.tensor(2.0, requires_grad=True), torch.tensor(2.0).bfloat16(), tf.constant(2.0), tf.Variable(2.0),
                   keras.ops.ones(()) * 2, keras.Variable(2.0), np.float32(2), np.array(2), np.int64(2), 2):  # fmt: skip
        assert claim("Two", number, above=1).value == 2.0
        assert holds(number, equals=2)
    assert holds(shape, equals=(64, 28)) and not holds(shape, equals=(28, 64))
    assert holds(tf.zeros((3, 1)).shape, equals=(3, 1))
    assert holds(torch.arange(3), equals=[0, 1, 2]) and holds(torch.arange(3), equals=tf.range(3))
    assert holds(torch.tensor(True), equals=True)


# --- what the reader sees ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "bound", "line"),
    [
        (
            Measured(0.998, 0.001, "5 seeds"),
            dict(above=0.95),
            "✓ So it is: 0.998 ± 0.001 (5 seeds), above 0.95; margin 48 standard errors",
        ),
        (0.31, dict(below=0.5), "✓ So it is: 0.31, below 0.5; margin 0.19"),
        (0.31, dict(between=(0.3, 0.5)), "✓ So it is: 0.31, between 0.3 and 0.5; margin 0.01"),
        (0.31, dict(near=(0.3, 0.05)), "✓ So it is: 0.31, within 0.05 of 0.3; margin 0.04"),
        (
            Measured(0.1, 0.2, "8 seeds"),
            dict(holds=0),
            "✓ So it is: 0.1 ± 0.2 (8 seeds), within 2 standard errors of 0, a draw; margin 1.5 standard errors",
        ),
        (
            Measured(9, 2, "5 seeds"),
            dict(above=Measured(1, 1.5, "4 seeds"), by=2),
            "✓ So it is: 9 ± 2 (5 seeds), above 1.0 ± 1.5 (4 seeds) by at least 2 standard errors; "
            "margin 3.2 standard errors",
        ),
        ((64, 28), dict(equals=(64, 28)), "✓ So it is: (64, 28), exactly (64, 28)"),
        ("Czech", dict(equals="Czech"), "✓ So it is: Czech, exactly Czech"),
    ],
)
def test_the_line_has_sentence_value_bound_and_margin(value, bound, line, capsys):
    claim("So it is.", value, **bound)
    assert capsys.readouterr().out == line + "\n"


def test_a_long_thing_is_cut_short_in_the_line(capsys):
    claim("All are zero", np.zeros(500), equals=np.zeros(500))
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("✓ All are zero: array([0., 0.,") and len(line) < 200


@pytest.mark.parametrize(
    ("value", "bound", "message"),
    [
        (
            Measured(0.93, 0.01, "5 seeds"),
            dict(above=0.95),
            "This does not hold: It learns: 0.93 ± 0.01 (5 seeds), above 0.95; margin -2 standard errors; "
            "it misses the bound by 0.02.",
        ),
        (
            Measured(0.96, 0.01, "5 seeds"),
            dict(above=0.95, by=2),
            "It learns: 0.96 ± 0.01 (5 seeds), above 0.95 by at least 2 standard errors; margin 1 standard errors; "
            "it misses the bound by 0.01.",
        ),
        (
            0.6,
            dict(between=(0.1, 0.5)),
            "It learns: 0.6, between 0.1 and 0.5; margin -0.1; it misses the bound by 0.1.",
        ),
        ((64, 14), dict(equals=(64, 28)), "This does not hold: It learns: (64, 14), exactly (64, 28)."),
        (math.nan, dict(above=0), "It learns: nan, above 0; margin nan; it misses the bound by nan."),
    ],
)
def test_a_failure_says_everything_at_once(value, bound, message, capsys):
    with pytest.raises(ClaimFailed) as caught:
        claim("It learns.", value, **bound)
    assert message in str(caught.value)
    assert isinstance(caught.value, AssertionError)
    assert capsys.readouterr().out.startswith("✗ It learns: ")


def test_the_value_comes_back_for_tables_and_figures():
    back = claim("So", ACCURACY, above=0.9)
    assert back == ACCURACY and back.values == ACCURACY.values
    assert claim("So", 0.5, above=0.1) == Measured(0.5)
    assert claim("So", (2, 3), equals=(2, 3)) is None


def test_a_claim_that_ends_a_cell_is_shown_once_and_a_measured_value_in_its_short_form(capsys):
    from IPython.core.formatters import DisplayFormatter

    back = claim("So", ACCURACY, above=0.9)
    capsys.readouterr()
    assert DisplayFormatter().format(back) == ({}, {})
    assert capsys.readouterr().out == ""
    assert DisplayFormatter().format(ACCURACY) == ({}, {})
    assert capsys.readouterr().out == "0.953 ± 0.003 (5 seeds)\n"


# --- what the tools get ------------------------------------------------------------------------


@pytest.fixture
def published(monkeypatch):
    """What a notebook would receive: a list of (bundle, settings)."""
    import IPython
    import IPython.display

    got = []
    monkeypatch.setattr(IPython, "get_ipython", lambda: object())
    monkeypatch.setattr(IPython.display, "display", lambda bundle, **settings: got.append((bundle, settings)))
    return got


def test_a_notebook_gets_the_record_beside_the_line(published, capsys):
    claim("So it is.", Measured(0.998, 0.001, "5 seeds"), above=0.95)
    assert capsys.readouterr().out == ""
    ((bundle, settings),) = published
    assert settings == {"raw": True}
    assert set(bundle) == {MIME, "text/plain"} and MIME == "application/vnd.course.claim+json"
    record = json.loads(json.dumps(bundle[MIME], allow_nan=False))
    assert record.pop("margin") == pytest.approx(48)
    assert record == {
        "sentence": "So it is.",
        "value": 0.998,
        "uncertainty": 0.001,
        "source": "5 seeds",
        "bound": "above 0.95",
        "margin_in": "standard errors",
        "holds": True,
    }


@pytest.mark.parametrize(
    ("value", "bound", "expected"),
    [
        (0.5, dict(above=0.25), dict(value=0.5, uncertainty=None, margin=0.25, margin_in="units")),
        ((2, 3), dict(equals=[2, 3]), dict(value="(2, 3)", margin=None, margin_in=None, bound="exactly [2, 3]")),
        (np.int64(7), dict(equals=7), dict(value=7, margin=None)),
        (True, dict(equals=True), dict(value=True)),
        (Measured(1, 0, "3 seeds"), dict(equals=1), dict(value=1.0, uncertainty=0.0, source="3 seeds")),
        (Measured(1, 0, "3 seeds"), dict(above=0, by=2), dict(margin=1.0, margin_in="units")),
    ],
)
def test_every_record_is_plain_data(value, bound, expected, published):
    claim("So", value, **bound)
    record = json.loads(json.dumps(published[0][0][MIME], allow_nan=False))
    assert expected.items() <= record.items()
    assert set(record) == {"sentence", "value", "uncertainty", "source", "bound", "margin", "margin_in", "holds"}


@pytest.mark.parametrize(
    ("value", "bound"),
    [(0.5, dict(above=1)), (math.nan, dict(above=1)), (math.inf, dict(below=1)), (math.nan, dict(equals=1))],
)
def test_a_failed_claim_is_published_as_not_holding_before_it_raises(value, bound, published):
    with pytest.raises(ClaimFailed) as caught:
        claim("So", value, **bound)
    ((bundle, _),) = published
    assert bundle[MIME] == caught.value.record
    assert bundle[MIME]["holds"] is False and bundle["text/plain"].startswith("✗ ")
    json.dumps(bundle[MIME], allow_nan=False)


def test_claims_survive_optimised_python_and_load_no_framework():
    code = """
import sys
from course_lib.claims import ClaimFailed, claim
assert False
print(sorted({"torch", "tensorflow", "keras", "IPython", "matplotlib"} & set(sys.modules)))
try:
    claim("One is two", 1, equals=2)
except ClaimFailed as failure:
    print(failure)
"""
    settings = os.environ | {"PYTHONOPTIMIZE": "2", "PYTHONIOENCODING": "utf-8"}
    root = Path(claims.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], env=settings, capture_output=True, encoding="utf-8", cwd=root)
    assert done.stdout.splitlines() == [
        "[]",
        "✗ One is two: 1, exactly 2",
        "This does not hold: One is two: 1, exactly 2.",
    ], done.stderr


# --- which calls are refused -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "bound", "kind", "message"),
    [
        (1, dict(), ValueError, "one bound of above, below, between, near, equals, holds; here: none"),
        (1, dict(above=0, below=2), ValueError, r"here: above and below. Two sides are between=\(low, high\)"),
        (1, dict(above=0, by=2), ValueError, "need a standard error: give over_seeds"),
        (1, dict(holds=0), ValueError, "need a standard error"),
        (ACCURACY, dict(above=0, by=-1), ValueError, "by is -1; give a finite number of zero or more"),
        (ACCURACY, dict(above=0, by=math.nan), ValueError, "by is nan"),
        (ACCURACY, dict(holds=0, by=2), ValueError, "none with equals or holds"),
        (1, dict(equals=1, by=2), ValueError, "none with equals or holds"),
        (1, dict(above=math.nan), ValueError, "above is nan; give a finite number"),
        (1, dict(below=math.inf), ValueError, "below is inf; give a finite number"),
        (1, dict(between=(0, math.inf)), ValueError, "between is .*give a finite number, or two"),
        (1, dict(between=(2, 0)), ValueError, "the lower number first"),
        (1, dict(between=1), ValueError, r"between=\(low, high\)"),
        (1, dict(near=1), ValueError, r"near=\(target, tolerance\)"),
        (1, dict(near=(1, 0)), ValueError, "positive tolerance"),
        (1, dict(above="a"), TypeError, "above is a; give one number"),
        (1, dict(above=(0, 2)), TypeError, r"above is \(0, 2\); give one number"),
        (1, dict(above=True), TypeError, "above is True; give one number"),
        (True, dict(above=0), TypeError, "measured is True; give one number .* with equals"),
        (np.True_, dict(above=0), TypeError, "measured is True"),
        ("0.9", dict(above=0), TypeError, "measured is 0.9; give one number"),
        (None, dict(above=0), TypeError, "measured is None"),
        (np.ones(2), dict(above=0), TypeError, "measured is array"),
        (1 + 2j, dict(above=0), TypeError, "give one number"),
    ],
)
def test_bad_calls_are_refused_and_publish_nothing(value, bound, kind, message, published):
    with pytest.raises(kind, match=message):
        claim("So", value, **bound)
    assert published == []
