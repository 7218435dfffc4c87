"""Open the course in JupyterLab with the course's settings: ``course lab``, ``course lab 03a --no-browser``."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys

from tools.lesson import NOTEBOOKS, ROOT, find

__all__ = ["command", "main"]

CONFIG = ROOT / "tools" / "jupyter" / "jupyter_lab_config.py"


def command(arguments: list[str]) -> list[str]:
    """What ``course lab`` starts: JupyterLab at a lesson (00 if none is named), with further options of its own.

    Raises
    ------
    SystemExit
        If there is no such lesson, or if root does not say that it means it.
    """
    names = [word for word in arguments if not word.startswith("-")]
    options = [word for word in arguments if word.startswith("-")]
    if len(names) > 1:
        raise SystemExit("course lab opens one lesson; write options with a sign: --port=8899")
    try:
        path = find(names[0] if names else "00")
    except LookupError as error:
        raise SystemExit(str(error)) from None
    if hasattr(os, "geteuid") and os.geteuid() == 0 and "--allow-root" not in options:
        raise SystemExit(
            "You are root, and whoever reaches JupyterLab would be root too. In a container that is only yours, "
            "say: course lab --allow-root (make lab LAB=--allow-root)."
        )
    lesson = path.relative_to(NOTEBOOKS.parent).as_posix()
    return [sys.executable, "-m", "jupyterlab", f"--config={CONFIG}", *options, lesson]


def main(arguments: list[str]) -> int:
    if {"-h", "--help"} & set(arguments):
        print(__doc__ + "\nOptions go on to JupyterLab: --no-browser, --port=8899, --allow-root.")
        return 0
    call = command(arguments)
    # JupyterLab prints a token that it makes itself, and hides one that it is given. In the environment, because other
    # users of the machine can see the words of a command.
    token = os.environ.get("JUPYTER_TOKEN") or secrets.token_hex(24)
    print(f"JupyterLab opens in your browser. Its token, should it ask: {token}", flush=True)
    try:
        return subprocess.run(call, cwd=ROOT, env={**os.environ, "JUPYTER_TOKEN": token}).returncode
    except KeyboardInterrupt:
        return 0
