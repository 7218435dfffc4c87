"""The environment is one: what pyproject.toml asks for, what constraints.txt fixes, what environment.yml builds."""

import os
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
ASKED = [Requirement(text) for text in [*PROJECT["dependencies"], *EXTRAS["test"]]]
LATER = [Requirement(text) for text in EXTRAS["pages"]]  # installed when a deck or the site is made for the first time
FIXED = {
    canonicalize_name(requirement.name): requirement
    for requirement in map(Requirement, (ROOT / "constraints.txt").read_text(encoding="utf-8").split("\n")[:-1])
}


@pytest.mark.parametrize("requirement", [*ASKED, *LATER], ids=str)
def test_every_dependency_has_one_exact_version_that_fits(requirement):
    fixed = FIXED[canonicalize_name(requirement.name)]
    (exact,) = fixed.specifier
    assert exact.operator == "=="
    assert exact.version in requirement.specifier


@pytest.mark.skipif(
    os.environ.get("COURSE_VERSIONS") == "other", reason="COURSE_VERSIONS=other: installed without constraints.txt"
)
@pytest.mark.parametrize("requirement", ASKED, ids=str)
def test_what_is_installed_is_what_was_fixed(requirement):
    (exact,) = FIXED[canonicalize_name(requirement.name)].specifier
    assert version(requirement.name).split("+")[0] == exact.version


def test_the_constraints_are_exact_and_name_no_machine_and_no_gpu_build():
    for requirement in FIXED.values():
        assert [s.operator for s in requirement.specifier] == ["=="] and requirement.url is None
        assert not canonicalize_name(requirement.name).startswith(("nvidia-", "triton"))


def test_conda_and_binder_build_the_same_environment():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    python, *_ = [entry for entry in environment["dependencies"] if str(entry).startswith("python")]
    assert python == "python=3.11" and PROJECT["requires-python"] == ">=3.11,<3.14"
    (pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    assert pip == ["-c constraints.txt", "-e ."]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "-c constraints.txt" in makefile and "(3, 11) <= sys.version_info[:2] < (3, 14)" in makefile
    assert all(f"$(PIP) -e {what}\n" in makefile for what in (".", "'.[test]'", "'.[test,pages]'"))


@pytest.mark.parametrize("room", ["", ".data", ".explorer", ".accelerator", ".plotting", ".claims"])
def test_importing_a_room_loads_neither_framework(room):
    code = f"""
import sys, course_lib{room}
heavy = {{"torch", "tensorflow", "keras"}} & set(sys.modules)
assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_package_itself_loads_nothing():
    code = "import sys; before = set(sys.modules); import course_lib; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["course_lib"]


def test_an_unknown_room_is_an_attribute_error_and_the_known_ones_are_listed():
    import course_lib

    assert {"data", "parity", "training"} <= set(dir(course_lib))
    with pytest.raises(AttributeError, match="nonsense"):
        course_lib.nonsense  # noqa: B018


def test_everything_that_handles_lessons_is_installed_with_its_files():
    """What is found as a package, and the patterns of its data, hold every file of tools and exercises."""
    from setuptools import find_packages

    configuration = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    setuptools = configuration["tool"]["setuptools"]
    packages = find_packages(ROOT, include=setuptools["packages"]["find"]["include"])
    assert {"course_lib", "exercises", "tools", "tools.deck", "tools.site"} <= set(packages)
    assert set(setuptools["package-data"]) <= set(packages)
    patterns = {
        ROOT / package.replace(".", "/") / pattern
        for package, found in setuptools["package-data"].items()
        for pattern in found
    }
    data = {path for path in (ROOT / "tools").rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")}
    installed = {path for pattern in patterns for path in ROOT.glob(pattern.relative_to(ROOT).as_posix())}
    assert data <= installed, sorted(path.relative_to(ROOT).as_posix() for path in data - installed)
    assert configuration["project"]["scripts"]["course"] == "tools.cli:main"
