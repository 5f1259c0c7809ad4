"""Every example of every `--help`, typed into a shell on a terminal, against the local AWS emulator."""

import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import typer

from awsexec_cli.app import app
from awsexec_cli.exit_codes import Exit
from tests.fleet.fleet import FAILS, FOREVER, OURS, Fleet, identity
from tests.fleet.terminal import CTRL_C, SHELL, Terminal
from tests.tree import ROOT

SUCCEEDS = "print('up and running')"
SCHEDULED = "scheduled__2026-11-22T00:00:00+00:00"
#: Examples that start a whole Airflow: tests/e2e runs them.
ELSEWHERE = {"awsexec demo", "awsexec demo --keep --port 8080"}
#: What ends only with Ctrl-C, and what it shows before.
ENDLESS = {
    "awsexec local up": "Ctrl-C stops it",
    "awsexec local up --port 5566 --env OMP_NUM_THREADS=2 --log-directory logs": "Ctrl-C stops it",
    "awsexec list --watch": "Ctrl-C ends",
    "awsexec logs --dag etl -f": "up and running",
}
#: What asks before it acts.
ASKS = {
    'awsexec terminate 0d6a9c1e --reason "wrong parameters"',
    'awsexec terminate-all --dag backfill_2025 --reason "wrong source"',
    "awsexec check-health --probe --template large",
}
#: What the jobs of an example run if not for ever, and the example's exit code.
ENDED = {
    "awsexec explain 0d6a9c1e": (FAILS, Exit.FAILED),
    "awsexec wait 0d6a9c1e && echo done": (SUCCEEDS, Exit.OK),
    "awsexec wait 0d6a9c1e --outcome container": (FAILS, Exit.FAILED),
    # Nothing answers at the URL of the Execution API, and the image has no DAGs.
    "awsexec check-health --probe --template large": (SUCCEEDS, Exit.FAILED),
}
IDS = ("0d6a9c1e", "6f70b2aa")
FILE = """\
version: 1
templates:
  large: {executor: ecs, cpu: 4, memory: 16GiB}
  gpu: {executor: batch, cpu: 4, memory: 16GiB, gpu: 1}
"""


def commands(group, path="awsexec"):
    """Each command of the tree with its full name."""
    yield path, group
    context = typer.Context(group, info_name=path)
    for name in group.list_commands(context) if hasattr(group, "list_commands") else ():
        yield from commands(group.get_command(context, name), f"{path} {name}")


def examples():
    """The lines below `Examples:`, without the remark behind them."""
    for _, command in commands(typer.main.get_command(app)):
        section = (command.help or "").partition("Examples:\n")[2].partition("\n\n")[0]
        lines = (re.split(r"\s{3,}", line.strip())[0] for line in section.splitlines())
        yield from (line for line in lines if not line.startswith("#"))


EXAMPLES = sorted(set(examples()))


@pytest.fixture(scope="module")
def fleet(aws):
    """Jobs of the names that examples have; jobs are launched for whoever names one by its id."""
    fleet = Fleet(aws)
    done = fleet.task(identity("load", run="manual__1"), SUCCEEDS)
    fleet.task(identity("load", run=SCHEDULED, map_index="3"))
    fleet.task(identity("load", dag="backfill_2025"))
    ended(aws, done)
    return fleet


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project: its awsexec.yaml, a table of prices, DAGs."""
    (tmp_path / "awsexec.yaml").write_text(FILE)
    shutil.copy(ROOT / "config-samples" / "prices.yaml", tmp_path / "eu-central-1.yaml")
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "etl.py").write_text("from airflow.sdk import dag\n")
    return tmp_path


@pytest.fixture
def given(aws, folder: Path, airflow_home: Path, airflow_db) -> dict[str, str]:
    """The environment of the shell."""
    return {
        **aws.environment(),
        **{f"AIRFLOW__AWS_{name}_EXECUTOR__DEPLOYMENT": OURS for name in ("ECS", "BATCH")},
        "AIRFLOW__CORE__EXECUTOR": "aws_exec.AwsEcsExecutor,aws_exec.AwsBatchExecutor",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{airflow_home}/airflow.db",
        "AIRFLOW_HOME": str(folder),
        "TMPDIR": str(folder),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }


def ended(aws, arn: str) -> None:
    aws.wait_until(lambda: next(one for one in aws.ledger() if one.arn == arn).over, timeout=30)


def with_real_ids(fleet: Fleet, example: str) -> str:
    program = ENDED.get(example, (FOREVER, 0))[0]
    line = example
    if "[3]@manual__1" in example:
        fleet.job(identity("load", run="manual__1", map_index="3"))
    for name in IDS:
        if name in example:
            arn = fleet.task(identity(name, dag="by_id"), program)
            fleet.aws.wait_for_output(arn, "")
            if program is FAILS:
                ended(fleet.aws, arn)
            line = line.replace(name, arn.rpartition("/")[2])
    return line


@contextmanager
def emulator(example: str, folder: Path, given: dict[str, str]) -> Iterator[None]:
    """What `local env` needs."""
    if "local env" not in example:
        yield
        return
    with Terminal("local", "up", folder=folder, **given) as shell:
        shell.shows("Ctrl-C stops it")
        yield
        shell.type(CTRL_C)
        shell.ends()


def test_the_examples_are_found():
    assert len(EXAMPLES) > 40
    assert {*ELSEWHERE, *ENDLESS, *ASKS, *ENDED} <= {*EXAMPLES}


@pytest.mark.parametrize("example", [each for each in EXAMPLES if each not in ELSEWHERE])
def test_an_example_runs(fleet, folder, given, example):
    line = with_real_ids(fleet, example).replace("COMMAND", "list")
    if not shutil.which("fish"):
        line = line.removesuffix(" | source")
    with emulator(example, folder, given), Terminal(line, program=SHELL, folder=folder, **given) as shell:
        if example in ENDLESS:
            shell.shows(ENDLESS[example])
            shell.type(CTRL_C)
        if example in ASKS:
            shell.shows("[y/N]")
            shell.type("y\n")
        code = shell.ends()
    assert ("Traceback" in shell.text, "error:" in shell.text) == (False, False), shell.text
    assert code == (Exit.INTERRUPTED if example in ENDLESS else ENDED.get(example, (FOREVER, Exit.OK))[1])
