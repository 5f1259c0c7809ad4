"""A large fleet: rows come at once, and reading all of it stays within what AWS allows.

What was done until the first row is counted, in calls; how long that took on this machine is only recorded.
"""

import time

import pytest

from aws_exec.lifecycle.identity import Identity
from tests.fleet import scripts
from tests.fleet.shell import AWSEXEC, running
from tests.scripted.services import AWS_QUOTAS, ScriptedBatch, ScriptedEcs, held, in_a_process

JOBS = 2500


def added(service, location, name):
    """As many jobs, each of its own task."""
    for index in range(JOBS):
        who = Identity("ours", f"0d6a9c1e-1111-4222-8333-44445555{index:04d}-1", "etl", name, "r1", str(index), "1")
        pairs = [{"name": key, "value": value} for key, value in who.environment().items()]
        container = {"environment": pairs}
        service.add(
            {location: "fleet", "overrides": {"containerOverrides": [container]}, "containerOverrides": container}
        )


@pytest.fixture(scope="module")
def services():
    with (
        in_a_process(ScriptedEcs, quotas=AWS_QUOTAS) as ecs,
        in_a_process(ScriptedBatch) as batch,
    ):
        added(ecs, "cluster", "on_ecs")
        added(batch, "jobQueue", "on_batch")
        yield ecs, batch


def test_rows_are_shown_while_the_rest_is_asked_for(tmp_path):
    gate = scripts.Gate(free=1)
    told = "import atexit, sys; atexit.register(lambda: print('airflow' in sys.modules, file=sys.stderr))\n"
    program = [*AWSEXEC[:2], told + AWSEXEC[2]]
    with ScriptedEcs(later=gate) as service:
        scripts.launched(service, *(f"load_{number}" for number in range(450)))
        service.goes_wrong(held(1.0), "DescribeTasks")
        with running("list", program=program, **scripts.given(service, tmp_path)) as process:
            shown = [process.stdout.readline() for _ in range(101)]
            gate.wait_for(4)
            asked = dict(service.calls())
            gate.open()
            rest = process.stdout.readlines()
            imported = process.stderr.read()
            process.wait(60)

    assert shown[0].split()[:3] == ["DAG", "TASK", "RUN"]
    assert len({line.split()[1] for line in [*shown[1:], *rest]}) == 450
    assert asked == {"ListTasks": 5, "DescribeTasks": 5}
    assert (process.returncode, imported) == (0, "False\n")


def test_all_of_them_are_listed_within_the_quota(services, tmp_path, record_property):
    ecs, batch = services
    given = {**scripts.reaching(ecs, tmp_path), "AWS_ENDPOINT_URL_BATCH": batch.get_url()}
    begun = time.monotonic()
    with running("list", "--cluster", "fleet", "--queue", "fleet", **given) as process:
        header, first = process.stdout.readline(), process.stdout.readline()
        wall = time.monotonic() - begun
        rest = process.stdout.read().splitlines()
        errors = process.stderr.read()
        process.wait(60)
    record_property("first_row_seconds", wall)
    record_property("all_rows_seconds", time.monotonic() - begun)

    assert (process.returncode, errors) == (0, "")
    assert header.split()[:3] == ["DAG", "TASK", "RUN"]
    tasks = {line.split()[1] for line in [first, *rest]}
    assert tasks == {f"on_{name}[{index}]" for name in ("ecs", "batch") for index in range(JOBS)}
    assert ecs.played()["quota"] == 0
    # A page of each listing and each description: 100 and 1,000 at a time.
    assert ecs.calls() == {"ListTasks": JOBS / 100, "DescribeTasks": JOBS / 100}
    assert batch.calls()["DescribeJobs"] == pytest.approx(JOBS / 100, abs=5)
