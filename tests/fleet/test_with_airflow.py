"""Where Airflow is: the same commands in its own command line, whose jobs are ours by its configuration, its rows."""

import hashlib
import json
import subprocess
import sys

import pytest

from aws_exec.testing.scripted import ScriptedEcs
from cli.exits import Exit
from tests.executors.rows import RUN, Rows
from tests.fleet.scripts import given, launched
from tests.fleet.shell import ROOT, environment, process

API = "https://airflow.example.com"


@pytest.fixture
def service():
    with ScriptedEcs() as service:
        yield service


def named(database, api):
    """What README and DESIGN promise: a short hash of where the database and the API are, without user or password."""
    return hashlib.sha256(f"sqlite://None:None/{database} {api}".encode()).hexdigest()[:12]


def test_airflows_own_command_line_has_the_commands_and_knows_which_jobs_are_ours(service, tmp_path):
    database = tmp_path / "airflow.db"
    configuration = f"[database]\nsql_alchemy_conn = sqlite:///{database}\n[api]\nbase_url = {API}\n"
    (tmp_path / "airflow.cfg").write_text(f"{configuration}[core]\nload_examples = False\n")
    ours = launched(service, "extract", "load", deployment=named(database, API))
    launched(service, "extract", deployment="theirs")
    shell = given(service, tmp_path)
    del shell["AIRFLOW__AWS_ECS_EXECUTOR__DEPLOYMENT"]

    done = subprocess.run(
        [sys.executable, "-m", "airflow", "awsexec", "terminate-all", "--dry-run", "-o", "name"],
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
        cwd=ROOT,
        check=False,
        env=environment(**shell),
    )

    assert (done.returncode, sorted(done.stdout.split())) == (Exit.OK, sorted(ours))
    assert "2 jobs by state: 2 running" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_airflow_logs_is_not_among_the_data(service, tmp_path):
    (tmp_path / "airflow.cfg").write_text(f"[database]\nsql_alchemy_conn = sqlite:///{tmp_path}/airflow.db\n")
    (ours,) = launched(service, "extract", deployment=named(tmp_path / "airflow.db", ""))
    shell = given(service, tmp_path)
    del shell["AIRFLOW__AWS_ECS_EXECUTOR__DEPLOYMENT"]

    done = process("terminate-all", "--dry-run", "-o", "json", **shell)

    assert (done.code, [each["arn"] for each in json.loads(done.out)]) == (Exit.OK, [ours])


def test_orphans_are_those_whose_rows_wait_for_no_container(service, airflow_db, airflow_home):
    rows = Rows()
    try:
        kept, settled, retried, unknown = launched(service, "kept", "settled", "retried", "unknown", run=RUN)
        launched(service, "unknown", run=RUN, deployment="theirs")
        rows.add("kept", state="running", external_id=kept)
        rows.add("settled", state="success", external_id=settled)
        rows.add("retried", state="running", try_number=2, external_id="another")

        done = process("list", "--orphans", "-o", "name", **given(service, airflow_home))
    finally:
        rows.clear()

    assert (done.code, sorted(done.out.split())) == (Exit.FAILED, sorted([settled, retried, unknown]))
    assert done.err == ""
