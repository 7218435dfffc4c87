"""When two outputs of a lesson say the same: text with numbers, and pictures.

Text. The words between the numbers must be equal (runs of white space and of rules count as one), the
numbers only nearly: within ``rtol`` relative (1e-3, or what the cell's tag ``rtol-0.05`` says) plus 1e-6.
Whole numbers must be equal exactly, unless the cell has an ``rtol-`` tag: shapes and counts do not drift.
With a tag one unit in the last printed place is allowed besides, since 0.97 may be 0.9749 or 0.9751.
A number followed by a unit of time or memory ("3.2 s", "120 MB", "900 steps/s") is a measurement of the
machine and matches any other; a duration that is physics is asserted by its claim, or printed with its
unit in front ("period in s: 2.006").
In a ``parity`` cell two differences such as 5.96e-08 match if both are below 1e-3; how small they must
be is asserted by the cell itself.

Pictures. Both are drawn over white and averaged down; then two numbers are limited: the mean absolute
difference over the picture (0 to 1), and the share of the ink that lies elsewhere (0: nothing moved;
2: no ink where ink was). The mean alone sees no moved curve: two quite different sines on one pair of
axes differ by 0.008, less than an image with a little noise, but 0.38 of the ink has moved. With a tag
``rtol-`` r a curve may move by about r of the axis, so the picture is averaged down to cells of that size
first (1/r across, between 16 and 160), and the limits are wider: mean 0.02 + 0.2 r, ink 0.1 + 2 r.
"""

import html
import io
import re
from dataclasses import dataclass
from decimal import Decimal

RTOL = 1e-3
ATOL = 1e-6
PARITY_SMALL = 1e-3

TOKEN = re.compile(
    r"""
    (?P<number>
        (?:(?<![\w.)\]])[-+−])?           # a sign, not a hyphen or a minus between two things
        (?:nan|inf)(?!\w)
      | (?:(?<![\w.)\]])[-+−])?
        (?:\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+\.?\d*|\.\d+)
        (?:[eE][-+]?\d+)?
    )
    (?:[ \u00a0\u202f]?(?P<unit>
        CPU[ ]s|s|ms|[µμ]s|us|ns|min|seconds?|minutes?|[kKMG]i?B|(?:steps|epochs|batches|images|samples|it)/s
    )(?!\w))?
    | [^\W\d]\w*                         # conv2d_1, float32: a name, not a number
    """,
    re.VERBOSE,
)

CHANGES_EVERY_TIME = (
    (re.compile(r"\x1b\[[0-9;]*m"), ""),  # colours
    (re.compile(r"\b0x[0-9a-fA-F]{6,}\b"), "<address>"),
    (re.compile(r"\b[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}\b"), "<id>"),  # widget models
    (re.compile(r"""b(['"])\\x89PNG.*?\1(\.\.\.)?"""), "<png>"),  # the value of an image widget
    (re.compile(r"data:image/[^\s\"')]+"), "<picture>"),
)
RULE = re.compile(r"([-─━═=_~])\1+")
SPACE = re.compile(r"\s+")


@dataclass(frozen=True)
class Tolerance:
    """How far two outputs of one cell may differ.

    Attributes
    ----------
    rtol : float or None
        from the tag ``rtol-…``; ``None`` without one
    parity : bool
        the cell compares frameworks: differences need only both be small
    """

    rtol: float | None = None
    parity: bool = False

    @classmethod
    def of_tags(cls, tags):
        values = [tag.removeprefix("rtol-") for tag in tags if tag.startswith("rtol-")]
        return cls(max(map(float, values)) if values else None, "parity" in tags)


def split(text):
    """The words and the numbers of a text: ``[word, number, word, …, word]``.

    A number is a pair ``(digits, unit)``, where the unit is that of a measurement, or empty.
    """
    for pattern, replacement in CHANGES_EVERY_TIME:
        text = pattern.sub(replacement, text)
    text = RULE.sub(r"\1", text)
    parts, position = [], 0
    for match in TOKEN.finditer(text):
        if match["number"] is None:
            continue
        parts.append(SPACE.sub(" ", text[position : match.start()]).strip())
        parts.append((match["number"], match["unit"] or ""))
        position = match.end()
    parts.append(SPACE.sub(" ", text[position:]).strip())
    return parts


def html_text(markup):
    """The text of an HTML fragment, one line per tag."""
    markup = re.sub(r"(?s)<(style|script)\b.*?</\1>|<!--.*?-->", "", markup)
    return html.unescape(re.sub(r"<[^>]*>", "\n", markup))


def value(digits):
    return float(digits.replace(",", "").replace("−", "-"))


def last_place(digits):
    """One unit in the last printed place: 0.97 → 0.01, 1.5e-3 → 1e-4, 12 → 1, "1." → 0."""
    plain = digits.replace(",", "").replace("−", "-")
    if plain.endswith(".") or plain.lstrip("+-") in ("nan", "inf"):
        return 0.0
    return float(Decimal(1).scaleb(Decimal(plain).as_tuple().exponent))


def numbers_agree(expected, actual, tolerance):
    """Whether two printed numbers say the same."""
    if expected == actual:
        return True
    a, b = value(expected), value(actual)
    if a == b or (a != a and b != b):
        return True
    difference = abs(a - b)
    if not difference < float("inf"):
        return False
    if tolerance.rtol is None and not re.search(r"[.eE]", expected + actual):
        return False  # two whole numbers
    if tolerance.parity and re.search(r"[eE]-", expected + actual):
        if max(abs(a), abs(b)) <= PARITY_SMALL:
            return True
    limit = ATOL + (tolerance.rtol or RTOL) * max(abs(a), abs(b))
    if tolerance.rtol is not None:
        limit += max(last_place(expected), last_place(actual))
    return difference <= limit * (1 + 1e-9)


def text_difference(expected, actual, tolerance):
    """What the first difference between two texts is, in words; None if they say the same."""
    if expected == actual:
        return None
    left, right = split(expected), split(actual)
    for index, (one, other) in enumerate(zip(left, right)):
        if index % 2 == 0:
            if one != other:
                return f"the words differ: stored {one!r}, now {other!r}" + after(left, index)
        elif one[1] != other[1]:
            return f"stored {' '.join(one)!r}, now {' '.join(other)!r}" + after(left, index)
        elif not one[1] and not numbers_agree(one[0], other[0], tolerance):
            return f"the numbers differ: stored {one[0]}, now {other[0]}" + after(left, index)
    if len(left) != len(right):
        counts = f"{len(left) // 2} numbers stored, {len(right) // 2} now"
        return f"one text is longer: {counts}"
    return None


def after(parts, index):
    """A few words that say where in the text we are."""
    before = " ".join(part if isinstance(part, str) else part[0] for part in parts[:index])
    return f", after “…{before[-60:]}”" if before.strip() else ""


@dataclass(frozen=True)
class PictureLimits:
    """``width``: cells across, after averaging; ``mean`` and ``ink``: the largest differences allowed."""

    width: int = 160
    mean: float = 0.02
    ink: float = 0.05

    @classmethod
    def of(cls, tolerance):
        if tolerance.rtol is None:
            return cls()
        r = tolerance.rtol
        return cls(
            width=int(min(160, max(16, 1 / r))),
            mean=min(0.08, 0.02 + 0.2 * r),
            ink=min(0.6, 0.1 + 2 * r),
        )


def open_picture(data):
    """An RGB picture over white from the bytes of a PNG or JPEG."""
    from PIL import Image

    picture = Image.open(io.BytesIO(data)).convert("RGBA")
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, picture).convert("RGB")


def picture_distance(expected, actual, width):
    """The mean absolute difference (0 to 1) and the share of the ink that lies elsewhere (0 to 2)."""
    import numpy as np
    from PIL import Image

    columns = min(width, expected.width)
    size = (columns, max(1, round(columns * expected.height / expected.width)))
    one, other = (
        np.asarray(picture.resize(size, Image.Resampling.BOX), dtype=float) / 255 for picture in (expected, actual)
    )
    paper = np.median(one.reshape(-1, 3), axis=0)
    moved = np.abs(one - other)
    ink = (np.abs(one - paper).sum() + np.abs(other - paper).sum()) / 2
    return moved.mean(), moved.sum() / max(ink, 1e-3 * moved.size)


def picture_difference(expected, actual, tolerance):
    """What differs between two pictures (bytes of PNG or JPEG), in words; None if they show the same."""
    if expected == actual:
        return None
    one, other = open_picture(expected), open_picture(actual)
    if any(abs(a - b) > 0.05 * a for a, b in zip(one.size, other.size)):
        return "stored {}×{} pixels, now {}×{}".format(*one.size, *other.size)
    limits = PictureLimits.of(tolerance)
    mean, ink = picture_distance(one, other, limits.width)
    if mean > limits.mean or ink > limits.ink:
        return (
            f"mean difference {mean:.4f} (limit {limits.mean:.3f}), "
            f"share of the ink that moved {ink:.3f} (limit {limits.ink:.2f})"
        )
    return None
