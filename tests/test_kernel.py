"""The kernel in which lessons are stored, tested and measured."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tools.kernel import INSTRUCTION_SETS, Meter, Runner, instruction_sets, kernel_environment, write_atomically


def test_the_callers_settings_do_not_reach_the_kernel(monkeypatch, tmp_path):
    for name in ("COURSE_PROFILE", "PYTHONOPTIMIZE", "PYTHONWARNINGS", "MPLBACKEND"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path))
    environment = kernel_environment()
    assert not {"COURSE_PROFILE", "PYTHONOPTIMIZE", "PYTHONWARNINGS", "MPLBACKEND"} & set(environment)
    assert str(tmp_path) not in (environment["IPYTHONDIR"], environment["MPLCONFIGDIR"])
    # kernels that ran before leave a profile there, but no settings
    assert not list(Path(environment["IPYTHONDIR"]).rglob("*config*"))


def test_instruction_sets(monkeypatch):
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "avx2")
    assert kernel_environment()["ATEN_CPU_CAPABILITY"] == "avx2"  # what the shell asks for stays
    assert kernel_environment("sse").items() >= INSTRUCTION_SETS["sse"].items()
    assert instruction_sets()[0] == "native"
    with pytest.raises(ValueError, match="sse, avx2"):
        kernel_environment("avx9")


def test_cells_run_one_at_a_time_and_say_what_they_raised(tmp_path):
    cells = [new_code_cell(source) for source in ("import sys, os", "print(sys.executable, os.getcwd())", "1 / 0", "2")]
    with Runner(new_notebook(cells=cells), tmp_path) as runner:
        assert runner.run(cells[0]) is None
        runner.run(cells[1])
        assert cells[1].outputs[0].text.split() == [sys.executable, str(tmp_path)]
        assert runner.run(cells[2]) == "ZeroDivisionError: division by zero"
        assert runner.run(cells[3]) is None
        assert [cell.execution_count for cell in cells] == [1, 2, 3, 4]
        assert runner.ask("print(3)")[0].text == "3\n"
        assert len(runner.notebook.cells) == 4
        runner.meter.sample()
        assert runner.meter.peak_bytes > 1e7


def test_the_meter_counts_a_child_too():
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'sum(range(30_000_000))'])"
    process = subprocess.Popen([sys.executable, "-c", code])
    meter = Meter(process.pid, every=0.02)
    meter.start()
    process.wait()
    meter.stop()
    assert meter.cpu_s > 0.1


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    write_atomically(path, "one")
    write_atomically(path, b"two")
    assert path.read_text() == "two"

    def broken(*_):
        raise OSError("no space")

    monkeypatch.setattr(os, "replace", broken)
    with pytest.raises(OSError, match="no space"):
        write_atomically(path, "three")
    assert path.read_text() == "two"
    assert os.listdir(tmp_path) == ["a.txt"]
    assert time.time() - path.stat().st_mtime < 60
