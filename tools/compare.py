"""What a cell says, part by part, and whether two runs of it say the same.

A cell's outputs are taken apart into parts: its printed text, then each text, picture, claim or widget that it
displays. A text is words and numbers: the words must be equal (runs of white space and of rules count as one), and how
far a number or a picture may lie from the stored one is measured (``tools.ranges``), not chosen here.
"""

from __future__ import annotations

import io
import re
from decimal import Decimal

from tools.lesson import Shown, shown

NUMBER = re.compile(
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
    (re.compile(r"\b[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}\b"), "<id>"),
)
RULE = re.compile(r"([-─━═=_~])\1+")
SPACE = re.compile(r"\s+")
WIDTH = 160  # cells across, to which pictures are averaged before they are compared


def parts(outputs) -> dict[str, Shown]:
    """The parts of a cell's outputs by name: "stdout", "stderr", "text 1", "picture 2", "claim 1", "error 1" …"""
    found: dict[str, Shown] = {}
    counts: dict[str, int] = {}
    for one in shown(outputs):
        if one.kind == "frames":
            continue  # pictures for pages without a kernel: made by the tool, not by the cell
        if one.stream != "display":
            before = found.get(one.stream)
            found[one.stream] = Shown("text", one.stream, (before.text if before else "") + one.text)
            continue
        counts[one.kind] = counts.get(one.kind, 0) + 1
        found[f"{one.kind} {counts[one.kind]}"] = one
    return found


def split(text: str) -> tuple[list[str], list[tuple[str, str]]]:
    """The words of a text and the numbers between them.

    Returns
    -------
    words : list of n + 1 str
    numbers : list of n pairs (digits, unit)
        The unit is that of a measurement of the machine ("s", "MB"), or "".
    """
    for pattern, replacement in CHANGES_EVERY_TIME:
        text = pattern.sub(replacement, text)
    text = RULE.sub(r"\1", text)
    words, numbers, position = [], [], 0
    for match in NUMBER.finditer(text):
        if match["number"] is None:
            continue
        words.append(SPACE.sub(" ", text[position : match.start()]).strip())
        numbers.append((match["number"], match["unit"] or ""))
        position = match.end()
    words.append(SPACE.sub(" ", text[position:]).strip())
    return words, numbers


def value(digits: str) -> float:
    return float(digits.replace(",", "").replace("−", "-"))


def last_place(digits: str) -> float:
    """One unit in the last printed place: 0.97 → 0.01, 1.5e-3 → 1e-4, 12 → 1, "1." → 0."""
    plain = digits.replace(",", "").replace("−", "-")
    if plain.endswith(".") or plain.lstrip("+-") in ("nan", "inf"):
        return 0.0
    return float(Decimal(1).scaleb(Decimal(plain).as_tuple().exponent))


def is_whole(digits: str) -> bool:
    """Whether a number is printed as a whole one: a count, a shape, an index."""
    return re.search(r"[.eEni]", digits) is None


def around(words: list[str], numbers: list[tuple[str, str]], index: int) -> str:
    """A few words that say where in a text number ``index`` stands."""
    before = ""
    for word, (digits, unit) in zip(words[: index + 1], [*numbers[:index], ("", "")]):
        before += f" {word} {digits} {unit}"
    return SPACE.sub(" ", before).strip()[-60:]


def open_picture(data: bytes):
    """An RGB picture over white from the bytes of a PNG or JPEG."""
    from PIL import Image

    picture = Image.open(io.BytesIO(data)).convert("RGBA")
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, picture).convert("RGB")


def picture_distance(one: bytes, other: bytes) -> tuple[float, float] | None:
    """How far two pictures lie from each other.

    Returns
    -------
    (mean, ink) : floats, or None
        The mean absolute difference (0 to 1), after averaging down to 160 cells across, and the share of the ink that
        lies elsewhere (0: nothing moved; 2: no ink where ink was). The mean alone sees no moved curve: two quite
        different sines on one pair of axes differ by 0.008, but 0.38 of the ink has moved. None: the pictures' sizes
        differ by more than a twentieth.
    """
    import numpy as np
    from PIL import Image

    if one == other:
        return 0.0, 0.0
    first, second = open_picture(one), open_picture(other)
    if any(abs(a - b) > 0.05 * a for a, b in zip(first.size, second.size)):
        return None
    columns = min(WIDTH, first.width)
    size = (columns, max(1, round(columns * first.height / first.width)))
    a, b = (np.asarray(p.resize(size, Image.Resampling.BOX), dtype=float) / 255 for p in (first, second))
    paper = np.median(a.reshape(-1, 3), axis=0)
    moved = np.abs(a - b)
    ink = (np.abs(a - paper).sum() + np.abs(b - paper).sum()) / 2
    return float(moved.mean()), float(moved.sum() / max(ink, 1e-3 * moved.size))
