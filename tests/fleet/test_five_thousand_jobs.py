"""A large fleet: rows come at once, and reading all of it stays within what AWS allows.

Time is counted in CPU seconds of the command up to its first row: on a machine with nothing else to do that is how long
it takes, and on a busy one it is the same.
"""

import os
import subprocess
import time

import pytest

from aws_exec.lifecycle.identity import Identity
from aws_exec.testing.scripted import AWS_QUOTAS, ScriptedBatch, ScriptedEcs, in_a_process
from tests.fleet.shell import AWSEXEC, ROOT, environment

JOBS = 2500


def added(service, place, name):
    """As many jobs, each of its own task."""
    for index in range(JOBS):
        who = Identity("ours", f"0d6a9c1e-1111-4222-8333-44445555{index:04d}-1", "etl", name, "r1", str(index), "1")
        pairs = [{"name": key, "value": value} for key, value in who.environment().items()]
        container = {"environment": pairs}
        service.add({place: "fleet", "overrides": {"containerOverrides": [container]}, "containerOverrides": container})


@pytest.fixture(scope="module")
def services():
    with (
        in_a_process(ScriptedEcs, quotas=AWS_QUOTAS) as ecs,
        in_a_process(ScriptedBatch) as batch,
    ):
        added(ecs, "cluster", "on_ecs")
        added(batch, "jobQueue", "on_batch")
        yield ecs, batch


def cpu_of(pid):
    """CPU seconds of a process that runs."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:  # noqa: PTH123 - no file, but the kernel
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_the_first_row_comes_at_once_and_all_of_them_within_the_quota(services, tmp_path, record_property):
    ecs, batch = services
    given = environment(
        AWS_ENDPOINT_URL_ECS=ecs.get_url(),
        AWS_ENDPOINT_URL_BATCH=batch.get_url(),
        AWS_DEFAULT_REGION="eu-central-1",
        AWS_ACCESS_KEY_ID="testing",
        AWS_SECRET_ACCESS_KEY="testing",
        AIRFLOW_HOME=str(tmp_path),
    )
    begun = time.monotonic()
    with subprocess.Popen(
        [*AWSEXEC, "list", "--cluster", "fleet", "--queue", "fleet"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=given,
        cwd=ROOT,
    ) as process:
        header, first = process.stdout.readline(), process.stdout.readline()
        cpu, wall = cpu_of(process.pid), time.monotonic() - begun
        rest = process.stdout.read().splitlines()
        errors = process.stderr.read()
    record_property("first_row_seconds", wall)
    record_property("all_rows_seconds", time.monotonic() - begun)

    assert (process.returncode, errors) == (0, "")
    assert header.split()[:3] == ["DAG", "TASK", "RUN"]
    tasks = {line.split()[1] for line in [first, *rest]}
    assert tasks == {f"on_{name}[{index}]" for name in ("ecs", "batch") for index in range(JOBS)}
    assert cpu <= 2.0
    assert ecs.played()["quota"] == 0
    # A page of each listing and each description: 100 and 1,000 at a time.
    assert ecs.calls() == {"ListTasks": JOBS / 100, "DescribeTasks": JOBS / 100}
    assert batch.calls()["DescribeJobs"] == pytest.approx(JOBS / 100, abs=5)
