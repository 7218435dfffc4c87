"""Claims of the lessons: a sentence, a measured value, how well it is known, and a bound."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

MIME = "application/vnd.course.claim+json"


class ClaimFailed(AssertionError):
    """A claim does not hold. The message says what was found and wanted; the dict `record` holds it as data."""


@dataclass(frozen=True)
class Measured:
    """A number, its standard error (None if unknown), and where the two come from, for example "5 seeds". ``a - b``
    adds the errors in quadrature; for paired ones use ``over_seeds(a_values - b_values)``. ``100 * a`` scales both,
    ``f"{a:.2f}"`` is value ± error without the source, `values` are the single ones, if any. A `claimed` value is not
    shown again where a claim ends a cell."""

    value: float
    uncertainty: float | None = None
    source: str = ""
    values: tuple[float, ...] = field(default=(), repr=False, compare=False)
    claimed: bool = field(default=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", _number("value", self.value))
        if self.uncertainty is not None:
            object.__setattr__(self, "uncertainty", _number("uncertainty", self.uncertainty))
            if not 0 <= self.uncertainty < math.inf:
                raise ValueError(f"uncertainty is {self.uncertainty}; give a finite number of zero or more, or None.")

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        return _digits(self.value, self.uncertainty) + (f" ({self.source})" if self.source else "")

    def _ipython_display_(self) -> None:
        if not self.claimed:
            print(self)

    def __format__(self, spec: str) -> str:
        numbers = [x for x in (self.value, self.uncertainty) if x is not None]
        return " ± ".join(format(x, spec) for x in numbers) if spec else str(self)

    def __sub__(self, other: Any) -> Measured:
        other = _measured("The right side of -", other)
        known = [m.uncertainty for m in (self, other) if m.uncertainty is not None]
        source = ", ".join(dict.fromkeys(m.source for m in (self, other) if m.source))
        return Measured(self.value - other.value, math.hypot(*known) if known else None, source)

    def __rsub__(self, other: Any) -> Measured:
        return _measured("The left side of -", other) - self

    def __mul__(self, factor: float) -> Measured:
        error = None if self.uncertainty is None else abs(factor) * self.uncertainty
        return Measured(factor * self.value, error, self.source, tuple(factor * value for value in self.values))

    __rmul__ = __mul__


def over_seeds(values: Any, unit: str = "seeds") -> Measured:
    """Mean ± standard error of runs that differ in `unit`: `values` (n,), n > 1. ValueError for fewer, or a NaN."""
    values = _rows(values)
    if values.ndim > 1:
        raise ValueError(f"values has the shape {values.shape}; give one number for each of the {unit}.")
    error = np.std(values, ddof=1) / math.sqrt(len(values))
    return Measured(np.mean(values), error, f"{len(values)} {unit}", tuple(values.tolist()))


def proportion(hits: Any, n: Any) -> Measured:
    """`hits` of `n` as a share ± its binomial standard error. ValueError unless whole, 0 <= hits <= n and n >= 1."""
    hits, n = _number("hits", hits), _number("n", n)
    if not (n >= 1 and 0 <= hits <= n and hits.is_integer() and n.is_integer()):
        raise ValueError(f"hits is {hits:g} and n is {n:g}; give whole numbers with 0 <= hits <= n and n of 1 or more.")
    share = hits / n
    # No error may be 0: for no hits or hits alone, the distance to Wilson's limit (J. Am. Stat. Assoc. 22 (1927), 209).
    error = math.sqrt(share * (1 - share) / n) if 0 < hits < n else 1 / (n + 1)
    return Measured(share, error, f"binomial, {hits:.0f} of {n:.0f}")


def bootstrap(values: Any, statistic: Callable = np.mean, draws: int = 2000, seed: int = 0) -> Measured:
    """``statistic(values)`` ± its spread over resamples of the rows (n, ...), with replacement. ValueError: n < 2."""
    # Efron, "Bootstrap methods: another look at the jackknife", Ann. Stat. 7 (1979), 1-26.
    values, rng = _rows(values), np.random.default_rng(seed)
    drawn = [float(statistic(values[rng.integers(len(values), size=len(values))])) for _ in range(draws)]
    return Measured(statistic(values), np.std(drawn, ddof=1), f"bootstrap of {len(values)}")


def claim(sentence: str, measured: Any, *, above: Any = None, below: Any = None, between: tuple | None = None,
          near: tuple | None = None, equals: Any = None, holds: Any = None, by: float = 0.0) -> Measured | None:  # fmt: skip
    """Say a sentence and show the value that carries it; raise `ClaimFailed` where the value does not. The sentence has
    the quantity, unit and direction of the bound. `measured` is a number, a scalar tensor or a Measured; NaN never
    holds. Exactly one bound is given, a number or a Measured, whose error then counts too: strictly `above`, `below` or
    ``between=(low, high)``; ``near=(target, tolerance)``; `holds`, a draw: within two standard errors; or `equals`:
    exactly this, shape and all, and anything may be measured, a word, a shape, a bool, an array. The value must clear
    the bound by `by` standard errors (not for `equals`, `holds`). Returns the value for tables and figures, None with
    `equals`. TypeError or ValueError if there is not exactly one bound, it is not finite, or a standard error is needed
    and missing."""
    bounds = dict(above=above, below=below, between=between, near=near, equals=equals, holds=holds)
    given = [kind for kind, bound in bounds.items() if bound is not None]
    if len(given) != 1:
        found = " and ".join(given) or "none"
        raise ValueError(f"Give one bound of {', '.join(bounds)}; here: {found}. Two sides are between=(low, high).")
    kind, by = given[0], _number("by", by)
    if not 0 <= by < math.inf or (by and kind in ("equals", "holds")):
        raise ValueError(f"by is {by:g}; give a finite number of zero or more, and none with equals or holds.")
    result, value = measured, _plain(measured)
    margin, unit, extra, missed = None, None, "", ""
    if kind == "equals":
        bound, good = f"exactly {_words(equals)}", _same(measured, equals)
    else:
        result = _measured("measured", measured)
        sides, bound = _sides(kind, bounds[kind], result)
        if sides[0].uncertainty is None and (by or kind == "holds"):
            raise ValueError("`by` and `holds` need a standard error: give over_seeds(...), proportion(...) or such.")
        side = min(sides, key=lambda side: side.value / (side.uncertainty or 1))
        error = side.uncertainty or 0.0
        good = (side.value > 0 or (kind == "holds" and side.value == 0)) and side.value >= by * error
        margin, unit = (side.value / error, "standard errors") if error else (side.value, "units")
        bound += f" by at least {by:g} standard errors" if by else ""
        extra = f"; margin {_digits(float(f'{margin:.2g}'))}" + (f" {unit}" if error else "")
        missed = f"; it misses the bound by {_digits(by * error - side.value)}"
    text = f"{str(sentence).rstrip('.')}: {_words(result)}, {bound}{extra}"
    known = result if isinstance(result, Measured) else Measured(0.0)
    value = value if isinstance(value, bool | int | float | str) else _words(result)
    record = dict(sentence=str(sentence), value=value, uncertainty=known.uncertainty, source=known.source, bound=bound)
    record |= dict(margin=margin, margin_in=unit, holds=good)
    # JSON has neither NaN nor infinity.
    record = {k: None if isinstance(x, float) and not math.isfinite(x) else x for k, x in record.items()}
    line, ipython = f"{'✓' if good else '✗'} {text}", sys.modules.get("IPython")
    if ipython is not None and ipython.get_ipython() is not None:
        ipython.display.display({MIME: record, "text/plain": line}, raw=True)
    else:
        print(line)
    if not good:
        failure = ClaimFailed(f"This does not hold: {text}{missed}.")
        failure.record = record
        raise failure
    return None if kind == "equals" else replace(result, claimed=True)


def _sides(kind: str, bound: Any, m: Measured) -> tuple[list[Measured], str]:
    """How far inside each side of the bound the value lies (negative: outside), and the bound in words."""
    pair = kind in ("between", "near")
    ends = [_measured(kind, end) for end in (bound if pair and isinstance(bound, tuple | list) else (bound,))]
    if len(ends) != 1 + pair or not all(math.isfinite(end.value) for end in ends):
        wanted = "give a finite number, or two: between=(low, high), near=(target, tolerance)"
        raise ValueError(f"{kind} is {bound}; {wanted}.")
    a, b = ends[0], ends[-1]
    if (kind == "between" and not a.value < b.value) or (kind == "near" and not b.value > 0):
        raise ValueError(f"{kind} is {bound}; give the lower number first, and a positive tolerance.")
    gap = m - a
    error, off = gap.uncertainty, abs(gap.value)
    return {
        "above": ([gap], f"above {a}"),
        "below": ([a - m], f"below {a}"),
        "between": ([gap, b - m], f"between {a} and {b}"),
        "near": ([Measured(b.value - off, error)], f"within {b} of {a}"),
        "holds": ([Measured(2 * (error or 0.0) - off, error)], f"within 2 standard errors of {a}, a draw"),
    }[kind]


def _measured(name: str, value: Any) -> Measured:
    return value if isinstance(value, Measured) else Measured(_number(name, value))


def _number(name: str, value: Any) -> float:
    """A float of a number or of a scalar of any of the frameworks; TypeError for a bool, a text or an array."""
    value = _plain(value)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"{name} is {_words(value)}; give one number (anything else is claimed with equals).")
    return float(value)


def _plain(value: Any) -> Any:
    """Tensors as NumPy arrays, scalars of any kind as Python's, the value of a Measured; anything else as it is."""
    if isinstance(value, Measured):
        return value.value
    value = value.detach().cpu() if hasattr(value, "detach") else value
    if hasattr(value, "numpy") and not hasattr(value, "item"):
        value = value.numpy()
    if hasattr(value, "item") and hasattr(value, "shape"):
        return value.item() if tuple(value.shape) == () else np.asarray(value)
    return value


def _same(a: Any, b: Any) -> bool:
    """Whether two things are equal: shapes too, a bool only to a bool, NaN to nothing."""
    a, b = _plain(a), _plain(b)
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        a, b = np.asarray(a), np.asarray(b)
        return a.shape == b.shape and (a.dtype == bool) == (b.dtype == bool) and bool(np.all(a == b))
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(_same, a, b))
    return isinstance(a, bool) == isinstance(b, bool) and bool(a == b)


def _words(value: Any) -> str:
    text = value if isinstance(value, str) else str(value) if isinstance(value, Measured) else repr(_plain(value))
    text = " ".join(text.split())
    return text if len(text) <= 80 else f"{text[:79]}…"


def _digits(value: float, error: float | None = None) -> str:
    """A number in as many digits as its error knows (one more where it lies between 1 and 2), or in four."""
    if error:
        lead, power = f"{error:.1e}".split("e")
        places = max(0, -int(power) + ("1.0" < lead < "2"))
        form = f".{places}f" if places < 7 else ".2e"
        return f"{value:{form}} ± {error:{form}}"
    whole = math.isfinite(value) and abs(value) < 1e9 and (value == round(value) or abs(value) >= 1e4)
    return (f"{value:.0f}" if whole else f"{value:.4g}") + ("" if error is None else " ± 0")


def _rows(values: Any) -> np.ndarray:
    values = np.asarray(_plain(values), dtype=float)
    if values.ndim == 0 or len(values) < 2:
        raise ValueError(f"values has the shape {values.shape}; give at least two, or nothing tells how they spread.")
    if not np.isfinite(values).all():
        raise ValueError("There is a NaN or an infinity among the values: a run failed, and no mean may hide it.")
    return values
