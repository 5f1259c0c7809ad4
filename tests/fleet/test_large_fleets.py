"""A large fleet: read within what AWS allows and in little memory; rows come at once if nobody wants them sorted.

What was done until the first row is counted, in calls; how long that took on this machine is only recorded.
"""

import json
import time

import pytest

from aws_exec.lifecycle.identity import Identity
from tests.fleet import scripts
from tests.fleet.shell import AWSEXEC, running
from tests.scripted.services import AWS_QUOTAS, ScriptedBatch, ScriptedEcs, held, in_a_process

JOBS = 2500
#: What listing all of them may take, in MiB; 73 are in use before the first is read.
MEMORY = 150


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
        with running(
            "list", "--unsorted", "--state", "running", program=program, **scripts.given(service, tmp_path)
        ) as process:
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


#: Reports the most memory that the process had: a child of `fork` has had its parent's (getrusage(2)).
_MEASURED = """
import atexit, sys
def peak():
    status = open("/proc/self/status").read()
    print(int(status.partition("VmHWM:")[2].split()[0]) // 1024, file=sys.stderr)
atexit.register(peak)
"""


@pytest.mark.parametrize("order", [[], ["--unsorted"], ["-o", "json"]], ids=["sorted", "unsorted", "json"])
def test_all_of_them_are_listed_within_the_quota(order, services, tmp_path, record_property):
    ecs, batch = services
    before = ecs.calls(), batch.calls()
    given = {**scripts.reaching(ecs, tmp_path), "AWS_ENDPOINT_URL_BATCH": batch.get_url()}
    begun = time.monotonic()
    program = [*AWSEXEC[:2], _MEASURED + AWSEXEC[2]]
    with running("list", "--cluster", "fleet", "--queue", "fleet", *order, program=program, **given) as process:
        header, first = process.stdout.readline(), process.stdout.readline()
        wall = time.monotonic() - begun
        rest = process.stdout.read().splitlines()
        errors = process.stderr.read()
        process.wait(60)
    record_property("first_row_seconds", wall)
    record_property("all_rows_seconds", time.monotonic() - begun)
    record_property("memory", errors)

    assert (process.returncode, errors.count("\n")) == (0, 1)
    assert int(errors) < MEMORY
    if "json" in order:
        tasks = {(job["task_id"], job["map_index"]) for job in json.loads("".join([header, first, *rest]))}
        assert tasks == {(f"on_{name}", index) for name in ("ecs", "batch") for index in range(JOBS)}
    else:
        assert header.split()[:3] == ["DAG", "TASK", "RUN"]
        tasks = {line.split()[1] for line in [first, *rest]}
        assert tasks == {f"on_{name}[{index}]" for name in ("ecs", "batch") for index in range(JOBS)}
    assert ecs.played()["quota"] == 0
    # A page of each listing and each description: 100 and 1,000 at a time; and one of those that are stopping.
    assert ecs.calls() - before[0] == {"ListTasks": JOBS / 100 + 1, "DescribeTasks": JOBS / 100}
    assert (batch.calls() - before[1])["DescribeJobs"] == pytest.approx(JOBS / 100, abs=5)
