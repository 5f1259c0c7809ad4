"""The same commands in Airflow's own command line, with its configuration and its database."""

import hashlib
import json
import sys
from datetime import UTC, datetime, timedelta

from aws_exec.fleet.orphans import SHUTDOWN_SECONDS
from awsexec_cli.exit_codes import Exit
from tests.executors.rows import RUN, Rows
from tests.fleet.scripts import given, launched, reaching
from tests.fleet.shell import process

#: Long enough ago for a container to be gone since.
BEFORE = datetime.now(UTC) - timedelta(seconds=SHUTDOWN_SECONDS + 1)

API = "https://airflow.example.com"


def named(database, api):
    """As `compat.default_deployment` has it: a short hash of where the database and the API are, without a password.

    Written out: another hash would leave what runs behind (docs/operations.md, `deployment`).
    """
    return hashlib.sha256(f"sqlite://None:None/{database} {api}".encode()).hexdigest()[:12]


def unnamed(service, home):
    """A shell in which no deployment is configured."""
    return {**reaching(service, home), "AIRFLOW__AWS_ECS_EXECUTOR__CLUSTER": "fleet"}


def test_airflows_own_command_line_has_the_commands_and_knows_which_jobs_are_ours(service, tmp_path):
    database = tmp_path / "airflow.db"
    configuration = f"[database]\nsql_alchemy_conn = sqlite:///{database}\n[api]\nbase_url = {API}\n"
    (tmp_path / "airflow.cfg").write_text(f"{configuration}[core]\nload_examples = False\n")
    ours = launched(service, "extract", "load", deployment=named(database, API))
    launched(service, "extract", deployment="theirs")

    airflow = [sys.executable, "-m", "airflow", "awsexec"]
    done = process("terminate-all", "--dry-run", "-o", "name", program=airflow, **unnamed(service, tmp_path))

    assert (done.code, sorted(done.out.split())) == (Exit.OK, sorted(ours))
    assert "2 jobs by state: 2 running" in done.err
    assert "Traceback" not in done.err


def test_what_airflow_logs_is_not_among_the_data(service, tmp_path):
    """Nor what is printed while it is imported, as by somebody's own settings."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "airflow_local_settings.py").write_text("print('settings of our own')\n")
    (tmp_path / "airflow.cfg").write_text(f"[database]\nsql_alchemy_conn = sqlite:///{tmp_path}/airflow.db\n")
    (ours,) = launched(service, "extract", deployment=named(tmp_path / "airflow.db", ""))

    done = process("terminate-all", "--dry-run", "-o", "json", **unnamed(service, tmp_path))

    assert (done.code, [each["arn"] for each in json.loads(done.out)]) == (Exit.OK, [ours])
    assert "settings of our own" in done.err


def test_orphans_are_those_whose_rows_have_waited_for_no_container_for_a_while(service, airflow_db, airflow_home):
    with Rows() as rows:
        tasks = ("kept", "settled", "just-settled", "retried", "just-retried", "unknown")
        kept, settled, _, retried, _, unknown = launched(service, *tasks, run=RUN)
        launched(service, "unknown", run=RUN, deployment="theirs")
        rows.add("kept", state="running", external_id=kept)
        rows.add("settled", state="success", external_id=settled, updated_at=BEFORE)
        rows.add("just-settled", state="success", updated_at=datetime.now(UTC))
        rows.add("retried", state="running", try_number=2, external_id="another", queued_dttm=BEFORE)
        rows.add("just-retried", state="running", try_number=2, external_id="another", queued_dttm=datetime.now(UTC))

        done = process("list", "--orphans", "-o", "name", **given(service, airflow_home))

    assert (done.code, sorted(done.out.split())) == (Exit.FAILED, sorted([settled, retried, unknown]))
    assert done.err == ""
