"""Folders are replaced whole or not at all, and two makers wait for each other."""

import os
import subprocess
import sys
import threading
import time

import pytest

from tools import folders
from tools.folders import locked, replaced
from tools.lesson import ROOT


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_is_replaced_whole(tmp_path):
    target = tmp_path / "made"
    with replaced(target) as new:
        (new / "a").write_text("1")
        assert not target.exists()
    assert names(target) == ["a"]
    with replaced(target) as new:
        (new / "b").write_text("2")
        assert names(target) == ["a"]
    assert names(target) == ["b"]
    assert names(tmp_path) == [".made.lock", "made"]


def test_an_error_leaves_the_old_folder_and_nothing_beside_it(tmp_path):
    target = tmp_path / "made"
    with replaced(target) as new:
        (new / "a").write_text("1")
    with pytest.raises(RuntimeError), replaced(target) as new:
        (new / "a").write_text("half")
        raise RuntimeError
    assert (target / "a").read_text() == "1"
    assert names(tmp_path) == [".made.lock", "made"]


def test_what_a_killed_run_left_is_removed(tmp_path):
    (tmp_path / ".made-abc").mkdir()
    with replaced(tmp_path / "made"):
        pass
    assert names(tmp_path) == [".made.lock", "made"]


@pytest.mark.parametrize("links", [True, False])
def test_files_are_kept_if_asked(tmp_path, monkeypatch, links):
    if not links:
        monkeypatch.setattr(folders.os, "link", lambda *_: (_ for _ in ()).throw(OSError))
    target = tmp_path / "made"
    with replaced(target) as new:
        (new / "a").write_text("1")
    with replaced(target, keep=True) as new:
        (new / "b").write_text("2")
    assert names(target) == ["a", "b"] and (target / "a").read_text() == "1"


def test_a_second_maker_waits_and_both_succeed(tmp_path, capsys):
    target, order = tmp_path / "made", []

    def second():
        with replaced(target) as new:
            order.append("second begins")
            (new / "b").write_text("2")

    with replaced(target) as new:
        other = threading.Thread(target=second)
        other.start()
        time.sleep(0.6)
        order.append("first ends")
        (new / "a").write_text("1")
    other.join(20)
    assert order == ["first ends", "second begins"] and names(target) == ["b"]
    assert "Another run is making made; this one waits for it." in capsys.readouterr().err


def test_a_lock_ends_with_its_process_and_a_long_wait_says_what_to_do(tmp_path):
    target = tmp_path / "made"
    code = f"""
import sys, time, pathlib
from tools.folders import locked
with locked(pathlib.Path({str(target)!r})):
    print("held", flush=True)
    time.sleep(60)
"""
    holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(SystemExit, match="End it, and try again"), locked(target, wait_s=0.3):
            pass
    finally:
        holder.kill()
        holder.wait()
    with locked(target, wait_s=5):
        pass


def test_a_place_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit, match=r"cannot be written .*--folder"), replaced(tmp_path / "file" / "made"):
        pass


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_checkout_is_said(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(SystemExit, match="Clone the course into a folder of your own"), replaced(tmp_path / "made"):
        pass
