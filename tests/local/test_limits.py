"""Containers of the local AWS emulator have the memory and the CPU that they ask for: the kernel enforces it.

Skipped where this process cannot make control groups (it takes root, as a rule): containers have no limits there.
"""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from aws_exec.local import EmbeddedAws
from aws_exec.local.cgroups import Enforcement, Limits, find, make
from tests.local.helpers import client_of, command_of, register, request_of, several_of
from tests.tree import ROOT

PROBLEM = Enforcement.of("all").problem

pytestmark = pytest.mark.skipif(bool(PROBLEM), reason=f"cannot limit containers here: {PROBLEM}")

OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"

#: Names the container's control group.
GROUP = """
    import os, re, signal
    own = open("/proc/self/cgroup").read()
    group = (re.findall(r"awsexec-[0-9]+-[0-9a-f]+", own) or ["none"])[0]
    print("group", group)
"""
#: Needs more memory than the 512 MiB of the emulator's own definitions.
TOO_MUCH = "bytearray(600 * 1024 * 1024)"
IN_A_CHILD = f"""
    if (child := os.fork()) == 0:
        {TOO_MUCH}
        os._exit(0)
    print("child", os.waitpid(child, 0)[1])
"""
UP = f"{GROUP}\n    signal.pause()"


def directories(name: str) -> list[Path]:
    """The directories of a group, by its name."""
    return [parent / name for parent in find().directories]


def read(name: str, *files: str) -> str:
    """What is in a file of a group, by the file's name in version 1 or 2."""
    (path,) = (path for folder in directories(name) for file in files if (path := folder / file).exists())
    return path.read_text()


def limit(name: str) -> int:
    """The memory that a group has, MiB."""
    return int(read(name, "memory.limit_in_bytes", "memory.max")) // 1024**2


@pytest.fixture
def group(aws: EmbeddedAws) -> Callable[[str], str]:
    """The name of the control group of a task's or job's container."""

    def group(arn: str, container: str | None = None) -> str:
        return aws.wait_for_output(arn, "group", container).split()[1]

    return group


def test_a_child_that_needs_too_much_memory_is_killed_and_its_parent_lives(aws, run, group, described):
    arn = run(f"{GROUP}{IN_A_CHILD}\n    signal.pause()")

    assert aws.wait_for_output(arn, "child") == f"child {signal.SIGKILL.value}"

    assert described(arn)["lastStatus"] == "RUNNING"
    events = read(group(arn), "memory.oom_control", "memory.events").splitlines()
    assert "oom_kill 1" in events
    peak = int(read(group(arn), "memory.max_usage_in_bytes", "memory.peak"))
    assert 511 * 1024**2 < peak <= 512 * 1024**2


@pytest.mark.parametrize("code", [0, 3])
def test_a_container_of_which_a_process_was_killed_for_memory_says_so_whatever_its_exit_code(aws, run, described, code):
    arn = run(f"{GROUP}{IN_A_CHILD}\n    raise SystemExit({code})")

    aws.wait_for_status(arn, "STOPPED")

    (container,) = described(arn)["containers"]
    assert (container["exitCode"], container["reason"]) == (code, OUT_OF_MEMORY)
    assert described(arn)["stoppedReason"] == "Essential container in task exited"


def test_a_task_whose_main_process_needs_too_much_memory_ends_with_137_and_the_reason(aws, run, described):
    arn = run(TOO_MUCH)

    aws.wait_for_status(arn, "STOPPED")

    (container,) = described(arn)["containers"]
    assert (container["exitCode"], container["reason"]) == (137, OUT_OF_MEMORY)
    assert described(arn)["stopCode"] == "EssentialContainerExited"


def test_a_job_whose_main_process_needs_too_much_memory_fails_with_137_and_the_reason(aws, submit, job):
    rules = [{"onReason": "OutOfMemoryError*", "action": "EXIT"}]
    arn = submit(TOO_MUCH, retryStrategy={"attempts": 2, "evaluateOnExit": rules})

    aws.wait_for_status(arn, "FAILED")

    told = job(arn)
    (attempt,) = told["attempts"]
    for container in (told["container"], attempt["container"]):
        assert (container["exitCode"], container["reason"]) == (137, OUT_OF_MEMORY)
    assert told["statusReason"] == "Essential container in task exited"


def test_sigkill_alone_is_not_a_lack_of_memory(aws, run, described):
    arn = run("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")

    aws.wait_for_status(arn, "STOPPED")

    (container,) = described(arn)["containers"]
    assert container["exitCode"] == 137
    assert "reason" not in container


def test_every_process_of_a_container_is_in_its_group_from_the_start(aws, run, group):
    """Also the one above the command, PID 1 of a real container."""
    arn = run(UP)

    name = group(arn)

    (container,) = aws._all_tasks()[arn].containers
    main = Path(f"/proc/{container.process.pid}/task/{container.process.pid}/children").read_text().split()
    for directory in directories(name):
        assert (directory / "cgroup.procs").read_text().split() == [str(container.process.pid), *main]


@pytest.mark.parametrize(
    ("of_task", "of_container", "expected"),
    [
        (None, None, 512),
        ("1024", None, 1024),
        ("1 GB", None, 1024),
        (None, 128, 128),
        ("256", 300, 256),
    ],
)
def test_a_container_has_the_memory_of_its_task_or_less_of_its_own(run, group, of_task, of_container, expected):
    override = {"name": "airflow", "command": command_of(UP)}
    task, container = ({"memory": one} if one else {} for one in (of_task, of_container))

    arn = run(overrides={**task, "containerOverrides": [{**override, **container}]})

    assert limit(group(arn)) == expected


def test_a_container_has_the_memory_of_its_definition_where_the_task_has_none(aws, ecs, run, group):
    arn = run(UP, taskDefinition=register(ecs, "small", {"name": "airflow", "memory": 100}))

    assert limit(group(arn)) == 100


def test_a_task_that_asks_for_no_amount_is_refused(aws, ecs):
    request = request_of(aws)
    request["overrides"]["memory"] = "lots"

    with pytest.raises(ecs.exceptions.InvalidParameterException, match="not an amount of memory"):
        ecs.run_task(**request)


@pytest.mark.parametrize(("required", "expected"), [([], 512), ([{"type": "MEMORY", "value": "300"}], 300)])
def test_a_job_has_the_memory_that_it_requires(aws, submit, group, required, expected):
    arn = submit(containerOverrides={"command": command_of(UP), "resourceRequirements": required})

    assert limit(group(arn)) == expected


def test_each_container_of_a_job_has_its_own_memory_and_no_group_where_it_requires_none(aws, batch, group):
    sidecar = {"name": "sidecar", "command": command_of(UP)}
    arn = batch.submit_job(**several_of(aws, UP, sidecar))["jobArn"]

    assert limit(group(arn, aws.names.container)) == 512
    assert group(arn, "sidecar") == "none"
    batch.terminate_job(jobId=arn, reason="the test is over")
    aws.wait_for_status(arn, "FAILED")


def test_a_job_that_requires_no_amount_is_refused(aws, batch):
    request = several_of(aws)
    required = [{"type": "MEMORY", "value": "lots"}]
    request["ecsPropertiesOverride"]["taskProperties"][0]["containers"][0]["resourceRequirements"] = required

    with pytest.raises(batch.exceptions.ClientException, match="resourceRequirements"):
        batch.submit_job(**request)


def test_the_memory_alone_is_limited_by_default(aws, run, group):
    arn = run(UP)

    assert read(group(arn), "cpu.cfs_quota_us", "cpu.max").split()[0] in {"-1", "max"}


@pytest.fixture
def capped() -> Iterator[tuple[EmbeddedAws, Any]]:
    with EmbeddedAws(start_delay=0, stop_delay=0, limits="all") as aws:
        yield aws, client_of(aws, "ecs")


def test_a_container_is_throttled_to_the_cpu_of_its_task_if_that_is_asked_for(capped):
    aws, ecs = capped
    aws.container_environment["PARENT"] = str(find().parents["cpu"])
    burn = f"""{GROUP}
    def throttled():
        with open(os.path.join(os.environ["PARENT"], group, "cpu.stat")) as file:
            return int(dict(line.split() for line in file)["nr_throttled"])
    while not throttled():
        pass
    print("throttled")
    signal.pause()
    """
    arn = ecs.run_task(**request_of(aws, burn))["tasks"][0]["taskArn"]

    aws.wait_for_output(arn, "throttled")

    name = aws.wait_for_output(arn, "group").split()[1]
    quota = read(name, "cpu.cfs_quota_us", "cpu.max").split()[0]
    assert quota == "25000", "a quarter of 0.1 s, since the task has 256 CPU units"


def test_a_job_has_the_vcpus_that_it_requires(capped):
    aws, _ = capped
    required = [{"type": "VCPU", "value": "0.5"}]
    override = {"command": command_of(UP), "resourceRequirements": required}
    request = {"jobQueue": aws.names.job_queue, "jobDefinition": aws.names.job_definition, "jobName": "half"}
    arn = client_of(aws, "batch").submit_job(**request, containerOverrides=override)["jobArn"]

    name = aws.wait_for_output(arn, "group").split()[1]

    assert read(name, "cpu.cfs_quota_us", "cpu.max").split()[0] == "50000"


def test_without_limits_containers_stay_in_the_group_of_the_emulator():
    with EmbeddedAws(start_delay=0, stop_delay=0, limits="none") as aws:
        program = f"{GROUP}\n    print('own', repr(own))"
        arn = client_of(aws, "ecs").run_task(**request_of(aws, program))["tasks"][0]["taskArn"]

        assert aws.wait_for_output(arn, "own") == f"own {Path('/proc/self/cgroup').read_text()!r}"


#: Deaf to SIGTERM, with a child in a session of its own.
DEAF = f"""{GROUP}
    import subprocess
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    subprocess.Popen(["sleep", "600"], start_new_session=True)
    print("ready")
    signal.pause()
"""


@pytest.mark.parametrize("how", ["exit", "StopTask", "the host is lost", "its first process is killed"])
def test_the_group_is_gone_with_its_container(how):
    with EmbeddedAws(start_delay=0, stop_delay=0, stop_timeout=0) as aws:
        ecs = client_of(aws, "ecs")
        program = f"{GROUP}\n    print('ready')" if how == "exit" else DEAF
        arn = ecs.run_task(**request_of(aws, program))["tasks"][0]["taskArn"]
        aws.wait_for_output(arn, "ready")
        name = aws.wait_for_output(arn, "group").split()[1]
        process = aws._all_tasks()[arn].containers[0].process

        if how == "StopTask":
            ecs.stop_task(cluster=aws.names.cluster, task=arn)
        elif how == "the host is lost":
            aws.faults.lose(arn)
        elif how != "exit":
            os.kill(process.pid, signal.SIGKILL)
        process.join()

        assert [directory.exists() for directory in directories(name)] == [False] * len(find().directories)


def test_closing_the_emulator_leaves_no_group():
    with EmbeddedAws(start_delay=0) as aws:
        arn = client_of(aws, "ecs").run_task(**request_of(aws, DEAF))["tasks"][0]["taskArn"]
        aws.wait_for_output(arn, "ready")
        name = aws.wait_for_output(arn, "group").split()[1]
        assert all(directory.exists() for directory in directories(name))

    assert not any(directory.exists() for directory in directories(name))


def test_a_container_that_cannot_start_leaves_no_group(aws, ecs, run, described):
    before = set(_groups())
    definition = register(ecs, "nowhere", {"name": "airflow", "workingDirectory": "/no/such/directory"})

    arn = run(taskDefinition=definition)

    aws.wait_for_status(arn, "STOPPED")
    assert described(arn)["stopCode"] == "TaskFailedToStart"
    assert set(_groups()) <= before


def _groups() -> list[Path]:
    """Every group that this process has made and not removed."""
    return [path for parent in find().directories for path in parent.glob(f"awsexec-{os.getpid()}-*")]


def test_an_emulator_that_starts_leaves_the_groups_of_one_that_runs():
    """As with several workers of pytest; also a group that no process has joined yet."""
    made = make(find(), Limits(memory=64))
    start = "from aws_exec.local.cgroups import Enforcement; print(repr(Enforcement.of('memory').problem))"
    try:
        other = subprocess.run([sys.executable, "-c", start], capture_output=True, text=True, check=True, cwd=ROOT)

        assert other.stdout == "''\n"
        assert all(directory.exists() for directory in made.directories)
    finally:
        made.remove()
    assert not any(directory.exists() for directory in made.directories)


def test_where_groups_cannot_be_made_the_emulator_says_so_and_containers_run():
    """In a mount namespace without their file system."""
    program = """
        import logging
        from aws_exec.local import EmbeddedAws
        from tests.local.helpers import client_of, request_of

        logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
        with EmbeddedAws(start_delay=0) as aws:
            arn = client_of(aws, "ecs").run_task(**request_of(aws, "print('ran')"))["tasks"][0]["taskArn"]
            print(aws.wait_for_output(arn, "ran"), aws.limits_problem, sep=": ")
    """
    without = 'umount --recursive --lazy /sys/fs/cgroup && exec "$@"'
    command = ["unshare", "--mount", "sh", "-c", without, "sh", sys.executable, "-c", textwrap.dedent(program)]

    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)

    if ended.returncode and ended.stderr.startswith("unshare: "):
        pytest.skip(ended.stderr.strip())
    problem = "no control groups are mounted for memory"
    assert ended.stdout == f"ran: {problem}\n"
    assert ended.stderr.count(f"INFO containers have no memory limits: {problem}\n") == 1
