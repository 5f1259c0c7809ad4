"""The wheel in an environment of its own, with a foreign package named `cli` on `PYTHONPATH`, as in Airflow images."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv

import pytest

from tests.tree import ROOT


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Run a program of an environment that has the wheel, Airflow, and a foreign `cli` on `PYTHONPATH`."""
    folder = tmp_path_factory.mktemp("installed")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder / "dist")]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (wheel,) = (folder / "dist").glob("*.whl")

    environment = folder / "environment"
    venv.create(environment)
    python = environment / "bin" / "python"
    install = [sys.executable, "-m", "uv", "pip", "install", "--offline", "--no-deps", "--python", python, wheel]
    subprocess.run(install, check=True, capture_output=True, timeout=120)
    (site_packages,) = environment.glob("lib/python*/site-packages")
    # A path that a .pth file adds is not searched for .pth files: the editable install there stays out of this.
    (site_packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))

    foreign = folder / "foreign"
    (foreign / "cli").mkdir(parents=True)
    (foreign / "cli" / "__init__.py").write_text("")
    home = folder / "home"
    home.mkdir()
    (home / "airflow.cfg").write_text(f"[database]\nsql_alchemy_conn = sqlite:///{home}/airflow.db\n")

    def run(program, *arguments):
        return subprocess.run(
            [environment / "bin" / program, *arguments],
            capture_output=True,
            text=True,
            timeout=120,
            cwd=folder,
            check=False,
            env={**os.environ, "COLUMNS": "120", "AIRFLOW_HOME": str(home), "PYTHONPATH": str(foreign)},
        )

    return run


def test_the_environment_has_the_wheel_and_the_other_package(installed):
    files = installed("python", "-c", "import aws_exec, awsexec_cli, cli; print(aws_exec.__file__, cli.__file__)")
    ours, theirs = files.stdout.split()
    assert "/environment/lib/" in ours
    assert theirs.endswith("/foreign/cli/__init__.py")


def test_awsexec_runs_beside_another_package_of_the_name_of_its_folder(installed):
    done = installed("awsexec", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "validate-config" in done.stdout


def test_airflow_has_our_commands_beside_another_package_of_the_name_of_our_folder(installed):
    done = installed("python", "-m", "airflow", "awsexec", "--help")
    assert done.returncode == 0, done.stderr
    assert "validate-config" in done.stdout
    assert "rror" not in done.stderr
