"""What is said about the project in several places is said alike: licences, versions, commands, links, workflows."""

import functools
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

from tools import shards, versions
from tools.cli import COMMANDS

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DOCS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted((ROOT / "docs").glob("*.md"))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PYTHONS = ("3.11", "3.12", "3.13")


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def names(requirements):
    return {re.match(r"[\w.-]+", requirement)[0].lower() for requirement in requirements}


def schema(kind, *paths):
    """What check-jsonschema says, with a schema that it brings along."""
    call = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", kind, *map(str, paths)]
    done = subprocess.run(call, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


# --- licences and citing --------------------------------------------------------------------------------------------


def test_licences_are_there_whole_and_named_in_pyproject():
    assert PROJECT["license"] == "BSD-3-Clause"
    assert PROJECT["license-files"] == ["LICENSE", "LICENSE-TEXT", "course_lib/data/files/NOTICE.md"]
    assert not [line for line in PROJECT["classifiers"] if line.startswith("License")]  # PEP 639 refuses both
    code, words = text("LICENSE"), " ".join(text("LICENSE-TEXT").split())
    assert code.startswith("BSD 3-Clause License") and "The authors of the course" in code
    assert "EVEN IF ADVISED OF THE POSSIBILITY OF SUCH DAMAGE." in code
    assert "Creative Commons Attribution 4.0 International Public License" in words
    for number in range(1, 9):
        assert f"Section {number} – " in words
    assert "Licence" in text("course_lib/data/files/NOTICE.md")


def test_the_readme_names_each_licence():
    summary = text("README.md").partition("## Licences")[2]
    for name in ("BSD 3-Clause", "(LICENSE)", "CC BY 4.0", "(LICENSE-TEXT)", "NOTICE.md", "CITATION.cff"):
        assert name in summary


def test_the_citation_file_is_valid_and_says_what_pyproject_says():
    schema("vendor.citation-file-format", ROOT / "CITATION.cff")
    citation = yaml.safe_load(text("CITATION.cff"))
    assert (citation["version"], citation["license"]) == (PROJECT["version"], PROJECT["license"])
    assert [author["name"] for author in citation["authors"]] == [author["name"] for author in PROJECT["authors"]]
    assert text("README.md").startswith(f"# {citation['title']}\n")


# --- versions -------------------------------------------------------------------------------------------------------


def test_the_version_is_named_once_and_is_that_of_the_installed_package():
    import course_lib

    named = [path.name for path in (ROOT / "course_lib").rglob("*.py") if "__version__ =" in path.read_text("utf-8")]
    assert not named, f"{named} name a version; pyproject.toml does"
    assert course_lib.__version__ == version("course-lib")
    assert course_lib.__version__ == PROJECT["version"], "installed before the version changed: make setup"
    assert f"## [{PROJECT['version']}]" in text("CHANGELOG.md")


def test_the_pythons_are_the_same_everywhere():
    assert PROJECT["requires-python"] == ">=3.11,<3.14"
    told = [line.rpartition(" ")[2] for line in PROJECT["classifiers"] if "Python ::" in line]
    assert tuple(told) == PYTHONS
    for name in ("README.md", "docs/install.md", "Makefile"):
        assert "Python 3.11, 3.12 or 3.13" in text(name), f"{name} does not say which Python"
        assert "3.14" in text(name) and "Intel" in text(name), f"{name} does not say what to do on 3.14 or an Intel Mac"
    assert "(3, 11) <= sys.version_info[:2] < (3, 14)" in text("Makefile")
    tried = set(re.findall(r"python(?:-version)?: \"(3\.\d+)\"", "".join(path.read_text() for path in WORKFLOWS)))
    assert tried == set(PYTHONS)


def test_students_install_no_test_tools():
    student, extras = names(PROJECT["dependencies"]), PROJECT["optional-dependencies"]
    assert set(extras) == {"test", "pages"}
    for tool in ("pytest", "hypothesis", "ruff", "jupytext", "psutil", "nbval", "check-jsonschema"):
        assert tool in names(extras["test"]) and tool not in student
    assert not names(extras["pages"]) & student
    environment = yaml.safe_load(text("environment.yml"))["dependencies"]
    (pip,) = [entry["pip"] for entry in environment if isinstance(entry, dict)]
    assert pip == ["-c constraints.txt", "-e ."]
    (python,) = [entry for entry in environment if str(entry).startswith("python=")]
    assert python.partition("=")[2] in PYTHONS


def test_the_oldest_versions_are_the_lower_bounds_of_pyproject():
    project = {
        "dependencies": ["numpy>=2.0", "ipykernel>=7"],
        "optional-dependencies": {"test": ["pytest-xdist>=3.6.1"]},
    }
    assert versions.oldest(project) == ["ipykernel==7.0.*", "numpy==2.0.*", "pytest-xdist==3.6.1.*"]
    for line in versions.oldest(PROJECT):
        name, _, bound = line.removesuffix(".*").partition("==")
        declared = [*PROJECT["dependencies"], *sum(PROJECT["optional-dependencies"].values(), [])]
        assert f"{name}>={bound}" in declared or f"{name}>={bound.removesuffix('.0')}" in declared


def test_a_dependency_without_a_plain_lower_bound_is_refused():
    for declared in ("numpy", "numpy>=2,<3", "numpy==2.0"):
        with pytest.raises(ValueError, match="write it as name>=version"):
            versions.oldest({"dependencies": [declared]})


def test_the_oldest_versions_are_printed_as_a_constraints_file(capsys):
    assert versions.main(["--oldest"]) == 0
    assert "torch==" in capsys.readouterr().out


@pytest.fixture
def no_pip(monkeypatch, tmp_path):
    """Environments that are folders with a file for an interpreter; the calls that were made in them."""
    calls = []

    class Done:
        returncode = 0

    def create(place, clear, with_pip):
        python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        python.parent.mkdir(parents=True, exist_ok=True)
        python.touch()

    monkeypatch.setattr(versions.venv, "create", create)
    monkeypatch.setattr(versions.subprocess, "run", lambda call, **how: calls.append((call, how)) or Done())
    monkeypatch.setattr(versions.subprocess, "check_output", lambda call, text: '{"torch": "2.8.0"}')
    monkeypatch.setattr(
        versions, "environment", functools.partial(versions.environment, folder=tmp_path / "build" / "versions")
    )
    return calls, Done


def test_the_oldest_set_is_installed_once_and_the_newest_is_brought_up_to_date(no_pip, tmp_path):
    calls, _ = no_pip
    for name in 2 * versions.SETS:
        versions.environment(name)
    limits = tmp_path / "build" / "versions" / "oldest" / "constraints.txt"
    assert ["-c" in call and str(limits) in call for call, _ in calls] == [True, False, False]
    assert ["eager" in call for call, _ in calls] == [False, True, True]
    assert limits.read_text().splitlines() == versions.oldest(PROJECT)


def test_a_set_that_was_not_installed_is_not_tested_and_is_installed_again(no_pip, monkeypatch):
    calls, done = no_pip
    monkeypatch.setattr(done, "returncode", 1)
    with pytest.raises(SystemExit, match="oldest: pip could not install it"):
        versions.main(["oldest"])
    assert len(calls) == 1
    monkeypatch.setattr(done, "returncode", 0)
    assert versions.main(["oldest", "01a"]) == 0 and len(calls) == 3


def test_each_set_runs_the_tests_in_its_own_environment_and_one_that_fails_hides_no_other(no_pip, monkeypatch, capsys):
    calls, done = no_pip
    assert versions.main(["-k", "parity"]) == 0
    tests = [(call, how) for call, how in calls if "tools.cli" in call]
    for name, (call, how) in zip(versions.SETS, tests, strict=True):
        assert name in call[0] and call[-3:] == ["test", "-k", "parity"]
        assert how["env"]["COURSE_VERSIONS"] == "other" and name in how["env"]["PATH"].split(os.pathsep)[0]
    assert "oldest: torch 2.8.0" in capsys.readouterr().out
    monkeypatch.setattr(done, "returncode", 1)
    monkeypatch.setattr(versions, "environment", lambda name: ROOT / "python")
    assert versions.main([]) == 1
    assert capsys.readouterr().out.count("FAILED") == 2


# --- what the documents say -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_links_lead_to_files_that_are_there(path):
    links = re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8"))
    for link in links:
        if not re.match(r"https?:|#", link):
            assert (path.parent / link.partition("#")[0]).exists(), f"{path.name} links to {link}"


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_no_document_speaks_of_tolerances_by_tag_or_of_folders_that_are_gone(path):
    words = path.read_text(encoding="utf-8")
    assert "rtol-" not in words
    if path.name != "CHANGELOG.md":
        assert not re.search(r"\bpresent/|tests/lessons|course_lib/exercises", words)


@pytest.mark.parametrize("path", [*DOCS, *WORKFLOWS, ROOT / ".ci" / "run"], ids=lambda path: path.name)
def test_commands_that_are_named_exist(path):
    words = path.read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", text("Makefile"), re.MULTILINE))
    code = r"(?:^|[`$\"']|run: |\s{4,})\s*"
    for name in re.findall(code + r"make ([a-z][a-z-]+)", words, re.MULTILINE):
        assert name in targets, f"{path.name} names make {name}"
    for name in re.findall(code + r"course ([a-z]+)", words, re.MULTILINE):
        assert name in COMMANDS, f"{path.name} names course {name}"


def test_paths_that_the_contributors_guide_names_exist():
    for name in re.findall(r"`((?:tools|tests|exercises|course_lib)/[\w/]+(?:\.\w+)?)`", text("docs/contribute.md")):
        if not re.search(r"tests/ranges/\d", name):
            assert (ROOT / name).exists(), name


def test_the_readme_is_short():
    readme = text("README.md")
    table = readme[readme.index("<!-- lessons -->") : readme.index("<!-- /lessons -->")]
    assert len(readme.replace(table, "").split()) < 500


def test_the_walk_through_has_its_commands_in_order():
    console = re.findall(r"```console\n(.*?)```", text("docs/write-a-lesson.md"), re.DOTALL)
    commands = [line.removeprefix("$ course ") for block in console for line in block.splitlines()]
    assert commands == [f"{name} 08a" for name in ("new", "check", "run", "check", "robust")]


# --- workflows, hooks and CI ----------------------------------------------------------------------------------------


def test_workflows_are_valid_and_every_job_ends():
    assert [path.stem for path in WORKFLOWS] == ["browser", "lessons", "quick", "site", "weekly"]
    schema("vendor.github-workflows", *WORKFLOWS)
    schema("custom.github-workflows-require-timeout", *WORKFLOWS)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_only_read_and_runs_fixed_versions_of_actions(path):
    flow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert flow["permissions"] == {"contents": "read"}
    assert "group" in flow["concurrency"]
    for name, job in flow["jobs"].items():
        if (path.stem, name) == ("site", "publish"):
            # It may write, so that it runs nothing of this repository.
            assert job["permissions"] == {"pages": "write", "id-token": "write"}
            assert [step["uses"].partition("@")[0] for step in job["steps"]] == ["actions/deploy-pages"]
        else:
            assert "permissions" not in job
        assert not job.get("continue-on-error")
        for step in job["steps"]:
            if "uses" in step:
                assert re.fullmatch(r"actions/[a-z-]+@v\d+", step["uses"])
                if "checkout" in step["uses"]:
                    assert step["with"]["persist-credentials"] is False
            assert "${{" not in step.get("run", ""), "a value goes through env, where a shell does not read it as code"
            assert "|| true" not in step.get("run", "") and not step.get("continue-on-error")


def test_only_the_job_that_tries_other_versions_says_so():
    """Where it is said, test_package.py does not ask that constraints.txt is what is installed."""
    said = {}
    for path in WORKFLOWS:
        for name, job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].items():
            if "COURSE_VERSIONS" in yaml.safe_dump(job):
                said[path.stem, name] = job["env"]["COURSE_VERSIONS"]
    assert said == {("weekly", "versions"): "other"}


def test_hooks_use_the_ruff_of_constraints_and_check_changed_lessons():
    (repository,) = yaml.safe_load(text(".pre-commit-config.yaml"))["repos"]
    assert repository["repo"] == "local"
    hooks = {hook["id"]: hook for hook in repository["hooks"]}
    assert set(hooks) == {"ruff-check", "ruff-format", "course-check"}
    (fixed,) = re.findall(r"^ruff==.+$", text("constraints.txt"), re.MULTILINE)
    assert all(hooks[name]["additional_dependencies"] == [fixed] for name in ("ruff-check", "ruff-format"))
    assert re.match(hooks["course-check"]["files"], "notebooks/01a_rnn_cell.ipynb")


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=" ".join)
def test_what_the_hooks_and_the_quick_workflow_ask_is_so(command):
    done = subprocess.run([sys.executable, "-m", "ruff", *command, "."], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_git_keeps_line_ends_and_knows_what_is_generated():
    attributes = dict(
        line.split(maxsplit=1) for line in text(".gitattributes").splitlines() if line[:1] not in ("", "#")
    )
    assert attributes["*"] == "text=auto eol=lf"
    assert "diff=ipynb" in attributes["*.ipynb"]
    for path in (ROOT / "course_lib" / "data" / "files").iterdir():
        assert path.suffix == ".md" or attributes[f"*{path.suffix}"] == "binary", path.name


@pytest.fixture
def ci(tmp_path):
    """Run .ci/run with a make that only writes down its target, and fails for one; gives status, targets and text."""

    def run(fails="", **environment):
        tools = tmp_path / "bin"
        tools.mkdir(exist_ok=True)
        bash = shutil.which("bash")
        for name in ("dirname", "date"):
            if not (tools / name).exists():
                (tools / name).symlink_to(shutil.which(name))
        log = tmp_path / "log"
        log.write_text("")
        make = tools / "make"
        make.write_text(f'#!{bash}\necho "$1 ${{COURSE_ROTATION:-}}" >> "{log}"\n[ "$1" != "{fails}" ]\n')
        make.chmod(0o755)
        (tmp_path / "course" / ".ci").mkdir(parents=True, exist_ok=True)
        script = shutil.copy(ROOT / ".ci" / "run", tmp_path / "course" / ".ci" / "run")
        done = subprocess.run([bash, script], env={"PATH": str(tools), **environment}, capture_output=True, text=True)
        return done.returncode, [line.split() for line in log.read_text().splitlines()], done.stdout + done.stderr

    return run


needs_bash = pytest.mark.skipif(sys.platform == "win32", reason=".ci/run is a script for bash")


@needs_bash
def test_ci_runs_the_tests_and_then_the_browser_tests_by_rotation_and_says_how_long_each_took(ci):
    status, targets, said = ci(COURSE_CHROMIUM=sys.executable, COURSE_FIREFOX=sys.executable)
    assert status == 0, said
    assert [target[0] for target in targets] == ["setup", "test", "test-browser"]
    assert targets[2][1].isdecimal()
    assert len(re.findall(r"^== .*: \d+ min \d+ s$", said, re.MULTILINE)) == 3


@needs_bash
def test_ci_fails_at_once_if_no_browser_can_be_had(ci, tmp_path):
    for environment in ({}, {"COURSE_CHROMIUM": str(tmp_path / "missing")}):
        status, targets, said = ci(**environment)
        assert status == 1 and not targets
        assert "No Chromium or Chrome can be had here" in said
    for missing in ({}, {"COURSE_FIREFOX": str(tmp_path / "missing")}):
        status, targets, said = ci(COURSE_CHROMIUM=sys.executable, **missing)
        assert status == 1 and not targets
        assert "No Firefox can be had here" in said


@needs_bash
@pytest.mark.parametrize("part", ["setup", "test", "test-browser"])
def test_ci_fails_if_one_part_fails(ci, part):
    status, targets, said = ci(fails=part, COURSE_CHROMIUM=sys.executable, COURSE_FIREFOX=sys.executable)
    assert status == 1 and targets[-1][0] == part
    assert f"make {part}" in said and "FAILED" in said


@needs_bash
def test_ci_can_be_run():
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


# --- shards ---------------------------------------------------------------------------------------------------------


def test_shards_deal_out_every_lesson_once_and_evenly():
    seconds = {"00": 5, "01a": 12, "01b": 28, "03a": 144, "03b": 182, "04a": 59, "07b": 163}
    groups = shards.shards(seconds, 3)
    assert sorted(sum(groups, [])) == sorted(seconds)
    sums = [sum(seconds[name] for name in group) for group in groups]
    assert max(sums) <= 4 / 3 * max(max(seconds.values()), sum(seconds.values()) / 3)


def test_there_are_no_empty_shards():
    assert shards.shards({"00": 5.0}, 4) == [["00"]]
    with pytest.raises(ValueError, match="at least one"):
        shards.shards({"00": 5.0}, 0)


def test_shards_print_the_lessons_of_the_course_as_one_line_of_json(capsys):
    assert shards.main(["4"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    dealt = sorted(" ".join(json.loads(line)).split())
    assert dealt == sorted(path.stem.partition("_")[0] for path in (ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("arguments", [[], ["0"], ["four"], ["1", "2"]], ids=str)
def test_shards_need_a_number(arguments, capsys):
    assert shards.main(arguments) == 2
    assert "How many groups" in capsys.readouterr().err
