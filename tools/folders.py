"""Folders of things that are made: whole or not at all, and one maker at a time."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

__all__ = ["locked", "replaced"]

if os.name == "nt":
    import msvcrt

    def _try_lock(handle: int) -> bool:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _try_lock(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def _refused(target: Path, error: OSError) -> SystemExit:
    return SystemExit(
        f"{target} cannot be written ({error.strerror}). Clone the course into a folder of your own, "
        "or say where to write: --folder PATH"
    )


@contextlib.contextmanager
def locked(target: Path, wait_s: float = 3600) -> Iterator[None]:
    """Hold the right to make ``target`` (a path) while the block runs; another process that asks meanwhile waits.

    The system gives the lock back when its process ends, however it ends.

    Raises
    ------
    SystemExit
        If the folder cannot be written, or if another process has not ended after ``wait_s`` seconds.
    """
    path = target.parent / f".{target.name}.lock"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise _refused(target, error) from None
    try:
        said, begin = False, time.monotonic()
        while not _try_lock(handle):
            if not said:
                print(f"Another run is making {target.name}; this one waits for it.", file=sys.stderr, flush=True)
                said = True
            if time.monotonic() - begin >= wait_s:
                raise SystemExit(f"Another run has been making {target} for {wait_s:.0f} s. End it, and try again.")
            time.sleep(0.2)
        yield
    finally:
        os.close(handle)


def _linked(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without links
        shutil.copy2(source, target)


@contextlib.contextmanager
def replaced(target: Path, *, keep: bool = False) -> Iterator[Path]:
    """A new folder to write into, which takes the place of ``target`` when the block ends without an error.

    Parameters
    ----------
    target : Path
        What a reader sees; the old folder until the new one is whole.
    keep : bool
        Begin with the files of the old folder. They may be links: replace a file, never write into it.

    Raises
    ------
    SystemExit
        If the folder cannot be written; says what to do.
    """
    target = Path(target).absolute()
    with locked(target):
        for left in target.parent.glob(f".{target.name}-*"):  # of a run that was killed
            shutil.rmtree(left, ignore_errors=True)
        try:
            new = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}-"))
        except OSError as error:
            raise _refused(target, error) from None
        new.chmod(0o755)
        try:
            if keep and target.exists():
                shutil.copytree(target, new, copy_function=_linked, dirs_exist_ok=True)
            yield new
            old = new.with_name(new.name + "-old")
            if target.exists():
                os.replace(target, old)
            os.replace(new, target)
            shutil.rmtree(old, ignore_errors=True)
        finally:
            shutil.rmtree(new, ignore_errors=True)
