"""The wheel and the source distribution contain what belongs in them, and nothing else."""

from __future__ import annotations

import configparser
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.tree import ROOT


def files_below(*folders):
    """The files of the tree that belong to some folders, as paths from the root."""
    paths = (path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file())
    return {path.relative_to(ROOT).as_posix() for path in paths if "__pycache__" not in path.parts}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder with both packages, built as a package index would get them."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    return folder


@pytest.fixture(scope="module")
def wheel(built):
    """The wheel's files, by name."""
    (path,) = built.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def source(built):
    """The source package's files, from its own root."""
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        return {member.name.partition("/")[2] for member in archive.getmembers()}


def test_the_wheel_has_both_packages_the_samples_and_nothing_else(wheel):
    about = {name for name in wheel if name.split("/")[0].endswith(".dist-info")}
    (data,) = {name.split("/")[0] for name in wheel if name.split("/")[0].endswith(".data")}
    samples = {f"{data}/data/share/awsexec/{name}" for name in files_below("config-samples")}
    code = {name.removeprefix("cli/") for name in files_below("aws_exec", "cli")}
    assert set(wheel) - about == code | samples
    assert {name.partition("/")[2] for name in about} == {
        "METADATA",
        "RECORD",
        "WHEEL",
        "entry_points.txt",
        "licenses/LICENSE",
    }


def test_the_packages_are_code_and_the_data_of_the_demo(wheel):
    others = {
        name
        for name in wheel
        if name.startswith(("aws_exec/", "awsexec_cli/")) and not name.endswith((".py", "/py.typed"))
    }
    assert {name for name in others if not name.startswith("aws_exec/local/demo/dags/readings/")} == set()
    assert {name.rpartition(".")[2] for name in others} == {"csv"}


def test_the_wheel_says_that_it_is_typed(wheel):
    assert {"aws_exec/py.typed", "awsexec_cli/py.typed"} <= set(wheel)


def test_the_wheel_brings_the_command_and_what_airflow_looks_for(wheel):
    (text,) = [content.decode() for name, content in wheel.items() if name.endswith("entry_points.txt")]
    points = configparser.ConfigParser()
    points.read_string(text)
    assert dict(points["console_scripts"]) == {"awsexec": "awsexec_cli.__main__:main"}
    assert dict(points["apache_airflow_provider"]) == {"provider_info": "aws_exec.provider:get_provider_info"}


def test_no_file_names_the_machine_that_it_was_built_on(wheel):
    here = (str(ROOT).encode(), str(Path.home()).encode() + b"/")
    assert [name for name, content in wheel.items() if any(place in content for place in here)] == []


def test_the_source_package_has_what_it_takes_to_check_it(source):
    folders = files_below("aws_exec", "cli", "bench", "tests", "config-samples")
    pages = {name for name in files_below("docs") if not name.startswith("docs/__pycache__")}
    files = {path.name for path in ROOT.iterdir() if path.suffix in (".md", ".toml", ".yml", ".txt")}
    assert folders | pages | files | {"LICENSE", "Makefile"} <= source


def test_the_source_package_has_nothing_that_was_made_here(source):
    made = ("__pycache__", ".venv", "build", "dist", ".hypothesis", ".mypy_cache", ".git", "mutants")
    assert [name for name in source if any(part in made or part.endswith(".pyc") for part in name.split("/"))] == []
