"""Lessons in groups that take about equally long, for machines that test side by side: ``python -m tools.shards 4``.

Prints one line of JSON, a list of strings of lesson numbers, ``["03b 01a", "07b 00", …]``.
"""

from __future__ import annotations

import json
import sys

from tools.lesson import lessons

__all__ = ["main", "shards"]


def shards(seconds: dict[str, float], count: int) -> list[list[str]]:
    """Deal lessons out, the longest first, each to the group that has least so far (Graham's rule, 1969).

    No group takes more than 4/3 of what the best deal would.

    Parameters
    ----------
    seconds : dict
        What each lesson takes, by its number.
    count : int
        How many groups; there are fewer if there are fewer lessons.
    """
    if count < 1:
        raise ValueError(f"{count} groups; there must be at least one.")
    groups: list[list[str]] = [[] for _ in range(min(count, len(seconds)))]
    filled = [0.0] * len(groups)
    for name in sorted(seconds, key=lambda name: (-seconds[name], name)):
        least = filled.index(min(filled))
        groups[least].append(name)
        filled[least] += seconds[name]
    return groups


def stored_seconds(chosen) -> dict[str, float]:
    """The CPU seconds of each lesson's stored run; its budget, or a minute, if it was never run."""
    return {one.number: one.facts.get("cpu_s") or one.facts.get("budget_cpu_s") or 60.0 for one in chosen}


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or not arguments[0].isdecimal() or int(arguments[0]) < 1:
        print("How many groups? For example: python -m tools.shards 4", file=sys.stderr)
        return 2
    print(json.dumps([" ".join(group) for group in shards(stored_seconds(lessons()), int(arguments[0]))]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
