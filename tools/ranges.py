"""How far the numbers, words and pictures of a lesson move from run to run: ``tests/ranges/<lesson>.json``.

``course robust`` writes the file; the tests compare with it. Run 0 is the run whose outputs the notebook stores. For
every other run the file holds what differed from it: the value of each number that moved in any run, the distance of
each picture, the texts whose words changed, what was raised, and every claim's outcome.

How far a number may lie from the stored one (``number_limits``)
----------------------------------------------------------------
- A number that was the same in every run must be the same, to one unit in the last printed place if it has decimals
  (0.97 may be 0.9649 or 0.9751) and exactly if it is whole: shapes, counts, indices. A 0, and decimals beyond what
  single precision holds, may move by ``SINGLE``: another processor, which is not among the runs, adds in another order.
- A number that moved before anything is trained (before the first cell that trains, and the first in which instruction
  sets disagree) is computed from the seed alone: ten times the largest difference between instruction sets, plus one
  unit in the last place.
- A number that moved after that belongs to something trained. Other seeds and processors are draws of one
  distribution; a further draw lies within mean ± t · s · sqrt(1 + 1/n), where s is the standard deviation of the n
  recorded values and t Student's quantile with n − 1 degrees of freedom (the prediction interval; Hahn and Meeker 1991,
  Statistical Intervals, section 4.6), plus one unit in the last place. t is taken at the level at which all numbers of
  the course that moved raise a false alarm in one run in ``1 / FALSE_ALARMS`` at most, by Bonferroni's inequality: with
  five runs that is wide, some forty standard deviations; with nine, twelve. More runs make the tests sharper.
- A number with decimals after that, which no run with another seed has reached (the cell raises there), is not compared:
  nobody knows how far it moves. ``course robust`` says where that is.
- A measurement of the machine ("3.2 s", "120 MB") that moved is not compared.
- In a cell tagged ``parity``, and for rounding errors below 1e-6 anywhere, numbers such as 5.96e-08 need only stay
  below ten times the largest recorded one; how small they must be is asserted by the cell itself.

Pictures that no instruction set moved must stay within ``STEADY``; others within three times the largest distance of
any run. Words that changed in any run are not compared: ``course robust`` names them, because a lesson should not print
them as a fact.
"""

from __future__ import annotations

import ast
import json
import math
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tools import fingerprint
from tools.compare import around, is_whole, last_place, parts, picture_distance, split, value
from tools.lesson import ROOT, Lesson, tags

FOLDER = ROOT / "tests" / "ranges"
FALSE_ALARMS = 0.01  # per whole run of all lessons, all numbers together
STEADY = (0.02, 0.05)  # mean and ink of a picture that only typefaces and rounding move
ROUNDING = 1e-6
SINGLE = 4e-6  # of 1: the roundings of some thirty terms in single precision, 2^-23 each
# A call of one of these trains something, and what is printed from there on may depend on the order of rounding.
TRAINING = {"fit", "fit_transform", "backward", "train_on_batch", "apply_gradients", "first_losses", "prove", "train"}
CLAIM_FIELDS = ("value", "uncertainty", "margin", "margin_in", "holds")
PACKAGES = ("torch", "tensorflow", "keras", "numpy", "scipy", "scikit-learn", "matplotlib")


def path_of(lesson: Lesson) -> Path:
    """Where the ranges of a lesson lie: in ``tests/ranges`` beside the folder that holds the notebook."""
    return lesson.path.resolve().parent.parent / "tests" / "ranges" / f"{lesson.number}.json"


def read(lesson: Lesson) -> dict | None:
    """What is recorded of a lesson, or None."""
    path = path_of(lesson)
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def versions() -> dict[str, str]:
    """The versions of what computes, as far as it is installed."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def measured(lesson: Lesson, runs: list[tuple[dict, Lesson]]) -> dict:
    """What ``tests/ranges/<lesson>.json`` holds.

    Parameters
    ----------
    lesson : Lesson
        As stored; its code and course_lib's are fingerprinted.
    runs : list of pairs (about, Lesson)
        ``about``: a dict with at least ``shift`` (int) and ``isa`` (str). The first is the run that is stored.
    """
    said = [{cell.id: parts(cell.outputs) for cell in run.code} for _, run in runs]
    numbers, words, pictures, claims, unreached = {}, {}, {}, {}, {}
    abouts = [{**about, "errors": []} for about, _ in runs]
    for cell in lesson.code:
        versions_of_cell = [each.get(cell.id, {}) for each in said]
        for index, now in enumerate(versions_of_cell):
            for key, part in now.items():
                if part.kind == "error" and "raises-exception" not in tags(cell):
                    error = {"cell": cell.id, "place": lesson.name(cell), "raised": part.text[:300]}
                    abouts[index]["errors"].append(error)
                elif part.kind == "claim":
                    new = {"sentence": part.data["sentence"], "place": lesson.name(cell), "runs": [None] * len(runs)}
                    claim = claims.setdefault(cell.id, {}).setdefault(key, new)
                    claim["runs"][index] = {name: part.data.get(name) for name in CLAIM_FIELDS}
        for key, stored in versions_of_cell[0].items():
            found = [now.get(key) for now in versions_of_cell]
            if stored.kind == "picture":
                row = [_distance(stored, other) for other in found]
                if any(each not in (None, [0.0, 0.0]) for each in row):
                    pictures.setdefault(cell.id, {})[key] = row
            elif stored.kind in ("text", "claim"):
                raised = [any(part.kind == "error" for part in now.values()) for now in versions_of_cell]
                moved, changed, missing = _moved(stored, found, raised)
                if {index for index, about in enumerate(abouts) if about["shift"]} <= set(missing):
                    unreached.setdefault(cell.id, []).append(key)
                if moved:
                    numbers.setdefault(cell.id, {})[key] = moved
                if changed:
                    words.setdefault(cell.id, {})[key] = changed
    return {
        "fingerprint": {**fingerprint.of_lesson(lesson), "python": fingerprint.python()},
        "runs": abouts,
        "trained_from": _trained_from(lesson, abouts, said[0], numbers, words, pictures),
        "moved": sum(len(rows) for keys in numbers.values() for rows in keys.values()),
        "numbers": numbers,
        "words": words,
        "pictures": pictures,
        "unreached": unreached,
        "claims": claims,
    }


def moved_to(lesson: Lesson, recorded: dict, now: Lesson, places: dict[tuple[str, str], tuple[str, str]]) -> dict:
    """What was recorded of other code that says the same, for the lesson as it stands.

    Parameters
    ----------
    lesson : Lesson
        As stored; its code and course_lib's are fingerprinted.
    recorded : dict
        As ``measured`` made it.
    now : Lesson
        The lesson's own run, with ``metadata.run``.
    places : dict
        For each part of the outputs, (cell's id, key), where it stands now.
    """
    cells = {cell.id: cell for cell in lesson.code}
    new = {**recorded, "fingerprint": {**fingerprint.of_lesson(lesson), "python": fingerprint.python()}}
    new["runs"] = [{**now.notebook.metadata["run"], "errors": []}, *recorded["runs"][1:]]
    for kind in ("numbers", "words", "pictures", "claims"):
        new[kind] = {}
        for cell, keys in recorded[kind].items():
            for key, content in keys.items():
                new_cell, new_key = places[cell, key]
                if kind == "claims":
                    content = {**content, "place": lesson.name(cells[new_cell])}
                new[kind].setdefault(new_cell, {})[new_key] = content
    new["unreached"] = {}
    for cell, keys in recorded["unreached"].items():
        for key in keys:
            new_cell, new_key = places[cell, key]
            new["unreached"].setdefault(new_cell, []).append(new_key)
    said = {cell.id: parts(cell.outputs) for cell in now.code}
    new["trained_from"] = _trained_from(lesson, new["runs"], said, new["numbers"], new["words"], new["pictures"])
    return new


def _distance(stored, other) -> list[float] | str | None:
    if other is None or other.kind != "picture":
        return None
    distance = picture_distance(stored.data, other.data)
    return "size" if distance is None else [round(each, 4) for each in distance]


def _moved(stored, found, raised) -> tuple[dict[str, list], list[int], list[int]]:
    """The numbers of one text that moved, by position, with their value in each run; the runs with other words; the
    runs that did not reach it: the cell raised before it printed all, which says nothing about the words.
    """
    words, numbers = split(stored.text)
    rows: list = []
    changed, missing = [], []
    for index, other in enumerate(found):
        new_words, new_numbers = split(other.text) if other is not None and other.kind == stored.kind else ([], [])
        same_units = [unit for _, unit in new_numbers] == [unit for _, unit in numbers]
        if new_words == words and same_units:
            rows.append([_plain(digits) for digits, _ in new_numbers])
        else:
            rows.append([None] * len(numbers))
            (missing if raised[index] else changed).append(index)
    columns = ([row[position] for row in rows] for position in range(len(numbers)))
    moved = {
        str(position): column
        for position, column in enumerate(columns)
        if len({v for v in column if v is not None}) > 1
    }
    return moved, changed, missing


def _plain(digits: str) -> float | str:
    number = value(digits)
    return number if math.isfinite(number) else str(number)


def _trained_from(lesson, abouts, said, numbers, words, pictures) -> int:
    """The place of the first code cell that trains, or in which instruction sets disagree; their number if none does."""
    same_seed = [index for index, about in enumerate(abouts) if about["shift"] == 0]
    for place, cell in enumerate(lesson.code):
        calls = (node.func for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Call))
        if any(getattr(call, "attr", getattr(call, "id", "")) in TRAINING for call in calls):
            return place
        if any(set(same_seed) & set(found) for found in words.get(cell.id, {}).values()):
            return place
        for key, rows in numbers.get(cell.id, {}).items():
            shown = split(said[cell.id][key].text)[1]
            for position, row in rows.items():
                digits, unit = shown[int(position)]
                values = [row[index] for index in same_seed if isinstance(row[index], float)]
                if unit or not values or _is_rounding(cell, digits, values):
                    continue
                if max(values) - min(values) > 1.5 * last_place(digits):
                    return place
        for row in pictures.get(cell.id, {}).values():
            if not all(_steady(row[index]) for index in same_seed):
                return place
    return len(lesson.code)


def _steady(distance) -> bool:
    """Whether a picture moved by no more than rounding moves it: well within ``STEADY``."""
    if distance is None:
        return True
    return distance != "size" and distance[0] <= STEADY[0] / 4 and distance[1] <= STEADY[1] / 2


def _is_rounding(cell, digits: str, values) -> bool:
    """Whether a number is a difference that rounding makes: tiny, or small and in a cell that compares frameworks."""
    largest = max((abs(v) for v in values), default=0.0)
    return "e-" in digits.lower() and (largest <= ROUNDING or ("parity" in tags(cell) and largest <= 1e-3))


@dataclass(frozen=True)
class Limits:
    """Between which values a number may lie, and why."""

    low: float
    high: float
    why: str

    def hold(self, number: float) -> bool:
        return self.low <= number <= self.high


class Ranges:
    """What is recorded of one lesson, as the tests ask for it.

    Parameters
    ----------
    lesson : Lesson
    recorded : dict
        As ``measured`` makes it.
    alarms : float
        The chance of a false alarm that each moved number is given.
    """

    def __init__(self, lesson: Lesson, recorded: dict, alarms: float | None = None):
        self.recorded = recorded
        self._place = {cell.id: place for place, cell in enumerate(lesson.code)}
        self._alarms = each_alarm() if alarms is None else alarms
        self._same_seed = [i for i, about in enumerate(recorded["runs"]) if about["shift"] == 0]

    def number_limits(self, cell, key: str, position: int, digits: str, unit: str) -> Limits | None:
        """The limits of one printed number; None if it is not compared. ``digits``: as stored."""
        row = self.recorded["numbers"].get(cell.id, {}).get(key, {}).get(str(position))
        stored, step = value(digits), last_place(digits)
        if not math.isfinite(stored):
            return None if row else Limits(math.nan, math.nan, "the same in every run")
        values = [float(v) for v in row or [] if v is not None and math.isfinite(float(v))]
        if _is_rounding(cell, digits, values or [stored]):
            largest = 10 * max([abs(v) for v in values] + [abs(stored), 1e-8])
            return Limits(-largest, largest, "a rounding error")
        trained = self._place[cell.id] >= self.recorded["trained_from"]
        if len(values) < 2:
            if trained and not is_whole(digits) and key in self.recorded["unreached"].get(cell.id, []):
                return None
            room = 0.0 if is_whole(digits) else 1.01 * step
            if stored == 0 or not is_whole(digits):
                room = max(room, SINGLE * max(1.0, abs(stored)))
            return Limits(stored - room, stored + room, "the same in every run")
        if unit:
            return None
        if not trained:
            same = [float(row[i]) for i in self._same_seed if row[i] is not None]
            room = 10 * (max(same) - min(same)) + 1.01 * step
            return Limits(stored - room, stored + room, "before anything is trained")
        low, high = prediction_interval(values, self._alarms)
        seen = f"{len(values)} runs: {min(values):g} to {max(values):g}"
        return Limits(min(low, stored) - 1.01 * step, max(high, stored) + 1.01 * step, seen)

    def picture_limits(self, cell, key: str) -> tuple[float, float] | None:
        """The largest mean difference and share of moved ink; None if the picture's size changes from run to run."""
        row = self.recorded["pictures"].get(cell.id, {}).get(key, [])
        seen = [each for each in row if each is not None]
        if any(each == "size" for each in seen):
            return None
        same = [row[i] for i in self._same_seed if i < len(row) and row[i] is not None]
        steady = all(map(_steady, same))
        if not seen or (steady and self._place[cell.id] < self.recorded["trained_from"]):
            return STEADY
        return tuple(max(least, 3 * max(each[i] for each in seen)) for i, least in enumerate(STEADY))

    def words_change(self, cell, key: str) -> bool:
        """Whether the words of a text were not the same in all runs."""
        return bool(self.recorded["words"].get(cell.id, {}).get(key))

    def difference(self, cell, stored, now) -> str | None:
        """What the first difference between a cell's stored outputs and its outputs now is, in words; None if none."""
        old, new = parts(stored), parts(now)
        if list(old) != list(new):
            return f"it shows other things: stored {_list(old)}; now {_list(new)}"
        for key, part in old.items():
            if part.kind in ("text", "claim"):
                found = self._text_difference(cell, key, part.text, new[key].text)
            elif part.kind == "picture":
                found = self._picture_difference(cell, key, part.data, new[key].data)
            else:
                continue
            if found:
                return found
        return None

    def _text_difference(self, cell, key, stored, now) -> str | None:
        if stored == now or self.words_change(cell, key):
            return None
        words, numbers = split(stored)
        new_words, new_numbers = split(now)
        for index, (one, other) in enumerate(zip(words, new_words)):
            if one != other:
                return f"the words differ: stored {one!r}, now {other!r}, after “{around(words, numbers, index)}”"
            if index >= min(len(numbers), len(new_numbers)):
                continue
            (digits, unit), (found, new_unit) = numbers[index], new_numbers[index]
            if unit != new_unit:
                return f"stored {digits} {unit}, now {found} {new_unit}, after “{around(words, numbers, index)}”"
            if digits == found:
                continue
            limits = self.number_limits(cell, key, index, digits, unit)
            if limits and not limits.hold(value(found)):
                between = f"{limits.low:.6g} to {limits.high:.6g}" if limits.low != limits.high else "exactly that"
                return (
                    f"stored {digits}, now {found}, after “{around(words, numbers, index)}” "
                    f"(allowed: {between}; {limits.why})"
                )
        if len(words) != len(new_words):
            return f"one text is longer: {len(numbers)} numbers stored, {len(new_numbers)} now"
        return None

    def _picture_difference(self, cell, key, stored, now) -> str | None:
        limits = self.picture_limits(cell, key)
        if limits is None:
            return None
        distance = picture_distance(stored, now)
        if distance is None:
            return f"{key} has another size"
        if any(found > limit for found, limit in zip(distance, limits)):
            return (
                f"{key} differs: mean difference {distance[0]:.4f} (allowed {limits[0]:.4f}), "
                f"share of the ink that moved {distance[1]:.3f} (allowed {limits[1]:.3f})"
            )
        return None


def _list(found) -> str:
    return ", ".join(found) or "nothing"


def prediction_interval(values, alarms: float) -> tuple[float, float]:
    """Where a further draw lies with probability 1 − alarms, given n draws of a normal distribution.

    mean ± t(1 − alarms/2, n − 1) · s · sqrt(1 + 1/n); Hahn and Meeker 1991, section 4.6.

    Parameters
    ----------
    values : sequence of n ≥ 2 floats
    """
    from scipy.stats import t

    n = len(values)
    mean = math.fsum(values) / n
    s = math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (n - 1))
    half = float(t.ppf(1 - alarms / 2, n - 1)) * s * math.sqrt(1 + 1 / n)
    return mean - half, mean + half


@cache
def each_alarm(folder: Path = FOLDER) -> float:
    """The chance of a false alarm that each number of the course that moved is given, by Bonferroni's inequality."""
    moved = sum(json.loads(path.read_text(encoding="utf-8"))["moved"] for path in sorted(folder.glob("*.json")))
    return FALSE_ALARMS / max(1, moved)


def of(lesson: Lesson) -> Ranges | None:
    """The ranges of a lesson, or None if it was never measured."""
    recorded = read(lesson)
    return Ranges(lesson, recorded) if recorded else None


def stale(lesson: Lesson) -> str | None:
    """Why the recorded ranges do not belong to the lesson as it stands, and what mends it; None if they do."""
    recorded = read(lesson)
    mend = f"run `course robust {lesson.number}`"
    if recorded is None:
        return f"it was never run with other seeds and instruction sets: {mend}"
    was, now = recorded["fingerprint"], fingerprint.of_lesson(lesson)
    if was["python"] != fingerprint.python():
        return None
    for part, what in (("lesson", "its code"), ("library", "what it uses of course_lib")):
        if was[part] != now[part]:
            return f"{what} has changed since tests/ranges/{lesson.number}.json was measured: {mend}"
    return None


def summary(lesson: Lesson) -> dict[tuple[str, str, str], str]:
    """For each recorded claim: in how many runs it held, and its smallest margin there.

    A claim is named by (cell's id, "claim 2", sentence): one sentence may stand in several cells of a lesson.
    """
    recorded = read(lesson)
    found = {}
    for cell, keys in (recorded or {}).get("claims", {}).items():
        for key, claim in keys.items():
            runs = [run for run in claim["runs"] if run]
            text = f"held in {sum(run['holds'] for run in runs)} of {len(claim['runs'])} runs"
            margins = [run["margin"] for run in runs if run["margin_in"] == "standard errors"]
            unit = " standard errors" if margins else ""
            # Where nothing spreads in some of the runs (all of 50 strings right), those have no standard error.
            margins = margins or [run["margin"] for run in runs if run["margin"] is not None]
            if margins:
                text += f", smallest margin {min(margins):.2g}{unit}"
            found[cell, key, claim["sentence"]] = text
    return found


def runs_in_words(lesson: Lesson) -> str:
    """Which runs are recorded of a lesson: "8 runs: the stored one, 6 with other seeds, …"; "" if there are none."""
    abouts = (read(lesson) or {}).get("runs", [])
    if not abouts:
        return ""
    seeds = sum(about["shift"] != 0 for about in abouts)
    others = len(abouts) - 1 - seeds
    more = [f"{seeds} with other seeds"] * bool(seeds)
    more += [f"{others} with {'another instruction set' if others == 1 else 'other instruction sets'}"] * bool(others)
    runs = "1 run" if len(abouts) == 1 else f"{len(abouts)} runs"
    return f"{runs}: {', '.join(['the stored one', *more])}"


def written(recorded: dict) -> str:
    """The file's text: one line for each cell, so that a change of one lesson's cell is a change of one line."""
    lines = []
    for key, content in recorded.items():
        if isinstance(content, dict) and content and key != "fingerprint":
            inner = ",\n".join(f"  {json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in content.items())
            lines.append(f" {json.dumps(key)}: {{\n{inner}\n }}")
        elif isinstance(content, list) and content:
            inner = ",\n".join(f"  {json.dumps(v, ensure_ascii=False)}" for v in content)
            lines.append(f" {json.dumps(key)}: [\n{inner}\n ]")
        else:
            lines.append(f" {json.dumps(key)}: {json.dumps(content, ensure_ascii=False)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def nothing() -> dict:
    """What is recorded of a notebook that was never run again: everything is the same in every run."""
    return {
        "runs": [],
        "trained_from": 0,
        "moved": 0,
        "numbers": {},
        "words": {},
        "pictures": {},
        "unreached": {},
        "claims": {},
    }
