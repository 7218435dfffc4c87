"""Train the networks of the papers' tables in both frameworks and keep their figures: ``course papers``.

    course papers                 every figure that was not measured with this code
    course papers code30 lstm     two of them

Each training runs in a process of its own, in the full profile. A training that was done is kept in ``build/papers`` and
not done again, as long as the code is the same. What was measured lies in ``tests/full/papers.json``, and ``course full``
shows it in ``docs/full.md``.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tools import fingerprint, ranges
from tools.kernel import write_atomically
from tools.lesson import ROOT
from tools.robust import processor

HERE = Path(__file__).resolve().parent
CACHE = ROOT / "build" / "papers"
RECORD = ROOT / "tests" / "full" / "papers.json"
FRAMEWORKS = ("PyTorch", "Keras")


@dataclass(frozen=True)
class Figure:
    """One figure of a paper, and what we ask of our own.

    Attributes
    ----------
    what : str
        What is measured, with its unit.
    paper : str
        Whose figure it is, with its address.
    theirs : str
        Their figure, and after how much training if they say.
    function : str
        "module:function" of ``tools.papers``; called with the framework, the machine and ``options``.
    at_most, at_least : float, optional
        What ours has to reach. Neither: it stands beside the others.
    """

    what: str
    paper: str
    theirs: str
    lesson: str
    function: str
    options: dict = field(default_factory=dict)
    at_most: float | None = None
    at_least: float | None = None

    def measure(self, framework: str, machine, **more) -> dict:
        """Train in one framework: {"value": …, "setting": …, …}."""
        module, name = self.function.split(":")
        function: Callable = getattr(importlib.import_module(f"tools.papers.{module}"), name)
        return function(framework, machine, **{**self.options, **more})

    def reached(self, value: float) -> bool | None:
        """Whether ``value`` is what we ask; None if we ask nothing."""
        if self.at_most is not None:
            return value <= self.at_most
        return value >= self.at_least if self.at_least is not None else None

    def asked(self) -> str:
        """What is asked, in words."""
        if self.at_most is not None:
            return f"at most {self.at_most:g}"
        return f"at least {self.at_least:g}" if self.at_least is not None else ""

    def checksum(self) -> str:
        """Of the code that measures it, and of what that uses of ``course_lib``: 16 hexadecimal digits."""
        source = (HERE / f"{self.function.split(':')[0]}.py").read_text(encoding="utf-8")
        return fingerprint.of_code([source, repr(sorted(self.options.items()))])


HINTON = "Hinton and Salakhutdinov (2006), [doi:10.1126/science.1127647](https://doi.org/10.1126/science.1127647)"
BURDA = "Burda, Grosse and Salakhutdinov (2016), [arXiv:1509.00519](https://arxiv.org/abs/1509.00519), table 1"
LECUN = "LeCun and others (1998), [doi:10.1109/5.726791](https://doi.org/10.1109/5.726791)"
HOCHREITER = (
    "Hochreiter and Schmidhuber (1997), [doi:10.1162/neco.1997.9.8.1735](https://doi.org/10.1162/neco.1997.9.8.1735)"
)
WITTEN = "counting: Witten and Bell (1991), [doi:10.1109/18.87000](https://doi.org/10.1109/18.87000)"

FIGURES = {
    "code30": Figure(
        "A code of 30 numbers: squared error per test digit, over 784 pixels", HINTON,
        "3.00, pretrained layer by layer", "06f", "digits:code_of_30", {"epochs": 65}, at_most=2.6,
    ),
    "vae": Figure(
        "VAE: −log p of a binarised test digit, in nats", BURDA, "86.76, after 3280 epochs", "07b",
        "digits:variational", at_most=87.0,
    ),
    "iwae": Figure(
        "The same network, importance-weighted with k = 5: −log p, in nats", BURDA, "85.54, after 3280 epochs", "07b",
        "digits:variational", {"k": 5, "epochs": 150},
    ),
    "lstm": Figure(
        "An LSTM reads digits row by row: share of the test digits named", LECUN, "0.989, a support vector machine", "03c",
        "digits:rows_of_digits", at_least=0.99,
    ),
    "names": Figure(
        "The language of a name, of twelve: balanced accuracy", "counting: lesson 1d", "naive Bayes, see the setting", "01d",
        "names:languages", at_least=0.69,
    ),
    "letters": Figure(
        "Names letter by letter: bits per character below the interpolated 4-gram", WITTEN, "0: the 4-gram itself", "01e",
        "sequences:letters", at_least=0.05,
    ),
    "adding-gru": Figure(
        "The adding problem at a lag of 400, GRU: networks of 5 that solve it", HOCHREITER,
        "an LSTM solves lags up to 1000", "03b", "sequences:adding_problem", {"kind": "GRU"}, at_least=4,
    ),
    "adding-lstm": Figure(
        "The adding problem at a lag of 400, LSTM: networks of 5 that solve it", HOCHREITER,
        "an LSTM solves lags up to 1000", "03b", "sequences:adding_problem", {"kind": "LSTM"}, at_least=4,
    ),
}  # fmt: skip


def train(name: str, framework: str, target: Path, **more) -> None:
    """Measure one figure in one framework, in this process, and write it to ``target``."""
    os.environ.setdefault("COURSE_PROFILE", "full")
    from course_lib import accelerator

    machine = accelerator.start(seed=0, quiet=True)
    wall, cpu = time.perf_counter(), time.process_time()
    found = FIGURES[name].measure(framework, machine, **more)
    found |= {
        "wall_s": round(time.perf_counter() - wall, 1),
        "cpu_s": round(time.process_time() - cpu, 1),
        "device": machine.lines[0].split(" on ", 1)[1].split(";")[0],
        "processor": processor(),
        "versions": ranges.versions(),
    }
    write_atomically(target, json.dumps(found, indent=1, ensure_ascii=False) + "\n")


def known(path: Path = RECORD) -> dict:
    """What was measured, by name: {"checksum": …, "python": …, "PyTorch": {…}, "Keras": {…}}.

    Without what other code measured; another Python's checksums do not compare, and what has them is believed.
    """
    if not path.exists():
        return {}
    kept = json.loads(path.read_text(encoding="utf-8"))
    return {
        name: one
        for name, one in kept.items()
        if name in FIGURES and (one["python"] != fingerprint.python() or one["checksum"] == FIGURES[name].checksum())
    }


def measure(names: list[str], cache: Path = CACHE, path: Path = RECORD) -> bool:
    """Do the missing trainings and store what they measured; True if every figure is what we ask of it."""
    held = True
    for name in names:
        figure, mark = FIGURES[name], FIGURES[name].checksum()
        for framework in FRAMEWORKS:
            kept = known(path)
            if framework not in kept.get(name, {}):
                target = cache / f"{name}-{framework}-{mark}.json"
                if not target.exists():
                    print(f"{name}, {framework}: training …", flush=True)
                    cache.mkdir(parents=True, exist_ok=True)
                    call = [sys.executable, "-m", "tools.papers", "--one", name, framework, str(target)]
                    if subprocess.run(call, cwd=ROOT).returncode or not target.exists():
                        print(f"{name}, {framework}: it failed; what it says stands above", flush=True)
                        held = False
                        continue
                found = json.loads(target.read_text(encoding="utf-8"))
                before = kept.get(name, {"checksum": mark, "python": fingerprint.python()})
                one = {**before, framework: found}
                kept = known(path) | {name: one}
                write_atomically(path, json.dumps(kept, indent=1, ensure_ascii=False, sort_keys=True) + "\n")
            found = kept[name][framework]
            reached = figure.reached(found["value"])
            mark_of = {True: "✓", False: "✗", None: "·"}[reached]
            print(
                f"{mark_of} {name}, {framework}: {found['value']:.4g} {figure.asked()}; {found['cpu_s']:.0f} CPU s",
                flush=True,
            )
            held &= reached is not False
    return held


def table(kept: dict) -> list[str]:
    """The figures as lines of Markdown; none if nothing was measured."""
    if not kept:
        return []
    lines = [
        "", "## The papers' figures", "",
        "`course papers` trains networks of the papers' size, on all of MNIST or on a lesson's names, the same weights and rows",
        "in both frameworks; the test part is used at the end of each. −log p is the importance-weighted bound with 1000 draws, which is never",
        "too small on average.", "",
        "| what | theirs | asked | PyTorch | Keras | setting | CPU minutes |", "|---|---|---|--:|--:|---|--:|",
    ]  # fmt: skip
    for name, figure in FIGURES.items():
        if name not in kept:
            continue
        ours = [kept[name].get(framework) for framework in FRAMEWORKS]
        values = [
            f"{one['value']:.4g}{' (not reached)' * (figure.reached(one['value']) is False)}" if one else ""
            for one in ours
        ]
        minutes = ", ".join(f"{one['cpu_s'] / 60:.1f}" for one in ours if one)
        setting = next(one["setting"] for one in ours if one)
        cells = (
            f"{figure.what} ({figure.lesson})",
            f"{figure.theirs}: {figure.paper}",
            figure.asked(),
            *values,
            setting,
            minutes,
        )
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="course papers", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(FIGURES)}; nothing for all")
    parser.add_argument("--one", nargs=3, metavar=("NAME", "FRAMEWORK", "FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.one:
        train(options.one[0], options.one[1], Path(options.one[2]))
        return 0
    unknown = [name for name in options.names if name not in FIGURES]
    if unknown:
        print(f"There is no figure {unknown[0]!r}. There are: {', '.join(FIGURES)}.", file=sys.stderr)
        return 2
    try:
        held = measure(options.names or list(FIGURES))
    except KeyboardInterrupt:
        print("\nInterrupted. What was done is kept; the same command goes on from here.")
        return 130
    from tools import full
    from tools.lesson import lessons

    full.write_page(lessons())
    return 0 if held else 1
