"""`make compat`: the tests that start no scheduler of a real Airflow, on the Airflows and Pythons that are supported.

Each environment is built by uv in `.compat/`, runs the tests in two processes, and becomes a row of the table in
docs/compatibility.md. Ends with 1 if any test failed.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from packaging.version import Version

from docs.parts import part, replaced
from tests.tree import ROOT

PAGE = ROOT / "docs" / "compatibility.md"
ENVIRONMENTS = ROOT / ".compat"

#: What is run: all but what starts a real scheduler (e2e, the crash matrix), the command line and the scripts.
TESTS = (
    "tests/lifecycle",
    "tests/settings",
    "tests/clouds",
    "tests/dispatch",
    "tests/diagnosis",
    "tests/executors",
    "tests/container",
    "tests/third_cloud",
    "tests/provider",
)

#: What an environment's Python is asked: which Airflow, which Python.
ASKED = "import platform, importlib.metadata as m; print(m.version('apache-airflow'), platform.python_version())"


@dataclass(frozen=True)
class Combination:
    """One environment.

    Attributes:
        name: of its folder, and of its row.
        python: version.
        packages: what is asked of uv, beside awsexec and its test group.
        optional: left out, with a message, where this machine has no such Python.
    """

    name: str
    python: str
    packages: tuple[str, ...]
    optional: bool = False


#: A pre-release is only taken for what names it: all other packages are releases.
NEXT = ("apache-airflow==3.4.0b2", "apache-airflow-core==3.4.0b2", "apache-airflow-task-sdk==1.4.0b2")

#: The newest ones are as constraints.txt pins them. Airflow 3.1.0 cannot be imported with structlog 25.5 or newer.
COMBINATIONS = (
    Combination("lowest-3.11", "3.11", ("apache-airflow==3.1.0", "structlog<25.5")),
    Combination("middle-3.12", "3.12", ("apache-airflow==3.2.2",)),
    Combination("newest-3.11", "3.11", ("--constraint", "constraints.txt")),
    Combination("newest-3.13", "3.13", ("--constraint", "constraints.txt")),
    Combination("newest-3.14", "3.14", ("--constraint", "constraints.txt"), optional=True),
    Combination("next-3.13", "3.13", NEXT),
)


def interpreter(version: str) -> str | None:
    """A Python of this version on this machine; None if there is none.

    A command of that name may be a shim of pyenv that finds nothing: each is asked. Then what pyenv has installed.
    """
    name = f"python{version}"
    installed = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    folders = [*os.get_exec_path(), *(str(folder / "bin") for folder in sorted(installed.glob(f"{version}.*")))]
    for folder in folders:
        if (found := shutil.which(name, path=folder)) and _is(found, version):
            return found
    return None


def _is(python: str, version: str) -> bool:
    asked = [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    answer = subprocess.run(asked, check=False, capture_output=True, text=True)
    return answer.stdout.strip() == version


def built(one: Combination, groups: Sequence[str] = ("test",)) -> Path:
    """The Python of an environment that is there by now, with these dependency groups."""
    folder = ENVIRONMENTS / one.name
    python = folder / "bin" / "python"
    uv = [sys.executable, "-m", "uv"]
    if not python.exists():
        base = interpreter(one.python) or one.python  # where there is none, uv looks for one
        subprocess.run([*uv, "venv", "--quiet", "--python", base, folder], cwd=ROOT, check=True)
    install = [*uv, "pip", "install", "--quiet", "--python", python, "--editable", ".[local]"]
    subprocess.run([*install, *(f"--group={group}" for group in groups), *one.packages], cwd=ROOT, check=True)
    return python


def row(one: Combination) -> tuple[str, bool]:
    """Run the tests; the row of the table, and whether all passed."""
    python = built(one)
    report = ENVIRONMENTS / f"{one.name}.xml"
    report.unlink(missing_ok=True)
    subprocess.run(
        [
            python,
            "-m",
            "pytest",
            "-q",
            "--numprocesses=2",
            "-p",
            "no:cacheprovider",
            "--continue-on-collection-errors",
            "-m",
            "not faults and not growth",
            f"--junit-xml={report}",
            *TESTS,
        ],
        cwd=ROOT,
        check=False,
    )
    versions = subprocess.run(
        [
            python,
            "-c",
            ASKED,
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    airflow, version = versions.stdout.split()
    suite = ET.parse(report).getroot().find("testsuite")
    ran, failed, skipped = (int(suite.get(name)) for name in ("tests", "failures", "skipped"))
    failed += int(suite.get("errors"))
    today = datetime.now(UTC).date()
    cells = (airflow, version, ran - failed - skipped, failed, skipped, today)
    return f"| {' | '.join(map(str, cells))} |", failed == 0


def write(line: str) -> None:
    """Put a row into the table of the page, in the place of the one for the same Airflow and Python."""
    text = PAGE.read_text(encoding="utf-8")
    rows = [*re.findall(r"^\| \d.*$", part(text, "compat"), re.MULTILINE), line]
    latest = {tuple(Version(cell) for cell in row.split("|")[1:3]): row for row in rows}
    header = ["| Airflow | Python | passed | failed | skipped | on |", "| --- | --- | --- | --- | --- | --- |"]
    table = "\n".join([*header, *(latest[key] for key in sorted(latest))])
    PAGE.write_text(replaced(text, "compat", table), encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", help="the name of one combination")
    parser.add_argument("--build", help="the name of one combination: build its environment only, for ON=NAME")
    arguments = parser.parse_args()
    if arguments.build:
        (one,) = (one for one in COMBINATIONS if one.name == arguments.build)
        built(one, ("test", "crash", "bench"))
        return 0
    only = arguments.only
    chosen = [one for one in COMBINATIONS if only in {None, one.name}]
    all_passed = bool(chosen)
    for one in chosen:
        if one.optional and interpreter(one.python) is None:
            sys.stdout.write(f"{one.name}: skipped, no Python {one.python} found\n")
            continue
        line, passed = row(one)
        sys.stdout.write(f"{line}\n")
        write(line)
        all_passed &= passed
    return 0 if all_passed else 1


if __name__ == "__main__":
    sys.exit(main())
