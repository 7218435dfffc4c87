"""The command ``course``: what it lists, what it answers to bad input, and what it starts."""

import os
import subprocess
import sys

import pytest

from tools import cli, lab, suite
from tools.lesson import ROOT


def course(*words, **environment):
    return subprocess.run(
        [sys.executable, "-m", "tools.cli", *words],
        cwd=ROOT, env={**os.environ, **environment}, capture_output=True, encoding="latin-1",
    )  # fmt: skip


def test_the_makefile_has_a_target_for_each_command_and_each_says_what_it_does():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for name, (text, place) in cli.COMMANDS.items():
        assert f"\n{name}: " in makefile, f"make {name}"
        assert f"$(COURSE) {name}" in makefile
        assert 20 < len(text) < 75 and place.startswith("tools.")
    assert all(f"course {name}" in cli.listing() for name in cli.COMMANDS)


def test_without_a_command_and_with_an_unknown_one_it_lists_them(capsys):
    assert cli.main([]) == 2
    assert "course check" in capsys.readouterr().out
    assert cli.main(["--help"]) == 0
    assert cli.main(["chekc"]) == 2
    assert "There is no command 'chekc'; did you mean 'check'?" in capsys.readouterr().err


@pytest.mark.parametrize("command", [name for name in cli.COMMANDS if name != "bench"])
def test_each_command_says_more_when_asked(command, capsys):
    try:
        status = cli.main([command, "--help"])
    except SystemExit as end:
        status = end.code
    assert status == 0 and len(capsys.readouterr().out) > 40


def test_an_unknown_lesson_is_answered_with_those_that_are_there():
    for words in (
        ("check", "99x"),
        ("slides", "99x"),
        ("handout", "99x"),
        ("lab", "99x"),
        ("run", "99x"),
        ("test", "99x"),
    ):
        with pytest.raises(SystemExit, match="No lesson is called '99x'.*01a_rnn_cell"):
            cli.main(list(words))


def test_what_is_not_installed_is_named_with_the_way_to_get_it(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError("No module named 'sphinx'", name="sphinx")

    monkeypatch.setattr(cli.importlib, "import_module", missing)
    with pytest.raises(SystemExit, match=r"course site needs the package sphinx.*\.\[test,pages\]"):
        cli.main(["site"])
    with pytest.raises(SystemExit, match=r"\.\[test\]"):
        cli.main(["test"])


def test_outside_a_clone_it_says_where_it_works(monkeypatch, tmp_path):
    monkeypatch.setattr("tools.lesson.NOTEBOOKS", tmp_path / "notebooks")
    with pytest.raises(SystemExit, match="works in a clone of the course"):
        cli.main(["check"])


def test_a_terminal_that_is_not_utf8_gets_the_table_all_the_same():
    finished = course("table", PYTHONIOENCODING="latin-1", PYTHONUTF8="0")
    assert finished.returncode == 0 and "CPU seconds" in finished.stdout, finished.stderr


def test_the_check_of_a_lesson_loads_neither_framework_nor_a_kernel():
    code = (
        "import sys\nfrom tools import cli\ncli.main(['check', '01a'])\n"
        "loaded = {'torch', 'keras', 'tensorflow', 'nbclient', 'nbconvert', 'matplotlib', 'IPython'} & set(sys.modules)\n"
        "sys.exit(', '.join(loaded) or 0)"
    )
    finished = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr


def test_jupyterlab_is_started_with_the_courses_settings(monkeypatch):
    monkeypatch.setattr(lab.os, "geteuid", lambda: 1000, raising=False)
    call = lab.command(["03a", "--no-browser"])
    assert call[1:3] == ["-m", "jupyterlab"] and call[-2:] == ["--no-browser", "notebooks/03a_lstm_cell.ipynb"]
    assert any(word.startswith("--config=") and word.endswith("jupyter_lab_config.py") for word in call)
    assert lab.command([])[-1] == "notebooks/00_start_here.ipynb"
    assert not any("token" in word for word in call)  # other users of the machine see a process's words


def test_root_is_told_what_to_say(monkeypatch):
    monkeypatch.setattr(lab.os, "geteuid", lambda: 0, raising=False)
    with pytest.raises(SystemExit, match="course lab --allow-root"):
        lab.command([])
    assert "--allow-root" in lab.command(["--allow-root"])


def test_the_token_is_shown_once_and_given_in_the_environment(monkeypatch, capsys):
    started = {}

    def run(call, cwd, env):
        started.update(call=call, token=env["JUPYTER_TOKEN"])
        return subprocess.CompletedProcess(call, 0)

    monkeypatch.setattr(lab.subprocess, "run", run)
    monkeypatch.delenv("JUPYTER_TOKEN", raising=False)
    assert lab.main(["--allow-root"]) == 0
    assert started["token"] in capsys.readouterr().out and started["token"] not in " ".join(started["call"])


def settings(environment):
    """JupyterLab's configuration as our file makes it."""
    config = lab.CONFIG
    code = (
        "from traitlets.config import Config\nc = Config()\n"
        f"exec(open({str(config)!r}, encoding='utf-8').read(), {{'get_config': lambda: c, '__file__': {str(config)!r}}})\n"
        "print(c.IdentityProvider.token, c.ServerApp.ip, sep='\\n')"
    )
    environment = {**os.environ, "JUPYTER_TOKEN": "", **environment}
    return subprocess.check_output([sys.executable, "-c", code], env=environment, text=True).split()


def test_jupyterlab_always_asks_for_a_token_and_listens_on_this_machine():
    one, ip = settings({})
    other, _ = settings({})
    assert len(one) == 48 and one != other and ip == "127.0.0.1"
    assert settings({"JUPYTER_TOKEN": "mine"})[0] == "mine"


def test_the_tests_of_everything_and_of_some_lessons():
    every = suite.command([])[3:]
    assert every == ["-n", "2", "--dist", "loadfile", "--nbval", "--ignore=tests/browser", "tests", "notebooks"]
    assert suite.command(["01a", "-k", "claim", "-x"])[3:] == [
        "--nbval",
        "notebooks/01a_rnn_cell.ipynb",
        "-k",
        "claim",
        "-x",
    ]
    assert suite.command(["tests/test_cli.py"])[3:] == ["--nbval", "tests/test_cli.py"]
    assert suite.command(["-k", "claim"])[-2:] == ["-k", "claim"] and "notebooks" in suite.command(["-k", "claim"])
    assert suite.command([], browser=True)[3:] == ["-n", "2", "--dist", "worksteal", "tests/browser"]
    assert "-n" not in suite.command([], workers="1")
