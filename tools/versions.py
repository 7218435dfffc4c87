"""Test the course with other versions of its packages than those of constraints.txt: ``course versions``.

    course versions                       the oldest that pyproject.toml declares, and the newest that are released
    course versions oldest 00 01a         one set, with two lessons alone
    course versions newest -k parity      what stands behind the set goes on to ``course test``
    course versions --oldest              print the oldest set as a constraints file, for pip's -c

Each set has an environment of its own in ``build/versions``. It is made when it is first asked for, and again when the
interpreter or pyproject.toml has changed; the newest set is brought up to date each time. Needs a package registry, and
5 GB of disk for each set.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

__all__ = ["SETS", "environment", "main", "oldest"]

ROOT = Path(__file__).resolve().parent.parent  # nothing else of the course is imported: pip has not been here yet
PROJECT = ROOT / "pyproject.toml"
FOLDER = ROOT / "build" / "versions"
DECLARED = re.compile(r"([A-Za-z0-9._-]+)>=([0-9][0-9.]*)")
SETS = ("oldest", "newest")
SHOWN = ("torch", "tensorflow", "keras", "numpy", "scipy", "scikit-learn", "matplotlib", "jupyterlab")
ASK = f"""
import json
from importlib.metadata import PackageNotFoundError, version
found = {{}}
for name in {SHOWN!r}:
    try:
        found[name] = version(name)
    except PackageNotFoundError:
        pass
print(json.dumps(found))
"""


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


def environment(name: str, folder: Path = FOLDER) -> Path:
    """The interpreter of the environment of a set, made if it is missing or made for something else.

    Raises
    ------
    SystemExit
        If pip does not install the set; what it says stands above.
    """
    place = folder / name
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    text = PROJECT.read_text(encoding="utf-8")
    limits, stamp = place / "constraints.txt", place / "made.json"
    wanted = json.dumps([sys.version, text])
    whole = stamp.exists() and stamp.read_text(encoding="utf-8") == wanted and python.exists()
    if whole and name == "oldest":
        return python
    call = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if not whole:
        print(
            f"{name}: making its environment in {place.relative_to(folder.parent.parent)} (some minutes, 5 GB)",
            flush=True,
        )
        venv.create(place, clear=True, with_pip=True)
    if name == "oldest":
        limits.write_text("\n".join(oldest(tomllib.loads(text)["project"])) + "\n", encoding="utf-8")
        call += ["-c", str(limits)]
    else:
        call += ["--upgrade", "--upgrade-strategy", "eager"]
    if subprocess.run([*call, "-e", f"{ROOT}[test]"]).returncode:
        raise SystemExit(f"{name}: pip could not install it; what it says stands above. Nothing was tested.")
    stamp.write_text(wanted, encoding="utf-8")  # last: an interrupted installation is made again
    return python


def test(name: str, words: list[str]) -> bool:
    """Run ``course test`` with a set; whether everything passed."""
    python = environment(name)
    found = json.loads(subprocess.check_output([str(python), "-c", ASK], text=True))
    print(f"{name}: {', '.join(' '.join(pair) for pair in found.items())}", flush=True)
    # The workers' and the kernels' commands are those beside the interpreter.
    path = f"{python.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    variables = {**os.environ, "COURSE_VERSIONS": "other", "PATH": path}
    passed = subprocess.run([str(python), "-m", "tools.cli", "test", *words], cwd=ROOT, env=variables).returncode == 0
    print(f"{name}: {'passed' if passed else 'FAILED'}", flush=True)
    return passed


def main(arguments: list[str] | None = None) -> int:
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words and words[0] in ("-h", "--help"):
        print(__doc__)
        return 0
    if words == ["--oldest"]:
        print("\n".join(oldest(tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"])))
        return 0
    chosen = SETS
    if words and words[0] in SETS:
        chosen, words = (words[0],), words[1:]
    return 0 if all([test(name, words) for name in chosen]) else 1


if __name__ == "__main__":
    sys.exit(main())
