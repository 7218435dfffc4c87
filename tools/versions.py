"""The oldest versions that pyproject.toml declares, as a constraints file: ``python -m tools.versions --oldest``.

python -m tools.versions --oldest > constraints-oldest.txt
python -m pip install -c constraints-oldest.txt -e '.[test]'
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

__all__ = ["main", "oldest"]

PROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"
DECLARED = re.compile(r"([A-Za-z0-9._-]+)>=([0-9][0-9.]*)")


def oldest(project: dict) -> list[str]:
    """Each dependency, the extras' among them, fixed to the newest patch of its lower bound: ``torch==2.8.*``.

    Parameters
    ----------
    project : dict
        The table ``[project]`` of pyproject.toml.

    Raises
    ------
    ValueError
        If a dependency is not declared as ``name>=version`` and nothing else.
    """
    extras = project.get("optional-dependencies", {}).values()
    found = {}
    for text in [*project["dependencies"], *(text for extra in extras for text in extra)]:
        declared = DECLARED.fullmatch(text)
        if declared is None:
            raise ValueError(f"pyproject.toml declares {text!r}; write it as name>=version.")
        found[declared[1]] = declared[2] if "." in declared[2] else f"{declared[2]}.0"
    return [f"{name}=={version}.*" for name, version in sorted(found.items())]


def main(arguments: list[str]) -> int:
    if arguments != ["--oldest"]:
        print(__doc__, file=sys.stderr)
        return 2
    print("\n".join(oldest(tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"])))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
