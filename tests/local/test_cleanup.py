"""However the local AWS emulator ends, no container outlives it."""

import os
import select
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from aws_exec.local import EmbeddedAws
from aws_exec.local.cgroups import Enforcement, find
from tests.local.helpers import client_of, is_gone, request_of
from tests.tree import ROOT

PROBLEM = Enforcement.of("memory").problem

#: Deaf to SIGTERM, and its child is in a session of its own.
DEAF = """
    import os, signal, subprocess
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    print("pids", os.getpid(), child.pid)
    signal.pause()
"""

OWNER = """
    import signal, sys
    from aws_exec.local import EmbeddedAws
    from tests.local.helpers import client_of, request_of

    with EmbeddedAws(start_delay=0) as aws:
        arn = client_of(aws, "ecs").run_task(**request_of(aws, sys.argv[1]))["tasks"][0]["taskArn"]
        print(aws.wait_for_output(arn, "pids"), flush=True)
        print([module for module in sys.modules if module.startswith("airflow")], flush=True)
        signal.pause()
"""


def _deaf_in(aws: EmbeddedAws) -> list[int]:
    arn = client_of(aws, "ecs").run_task(**request_of(aws, DEAF))["tasks"][0]["taskArn"]
    return [int(pid) for pid in aws.wait_for_output(arn, "pids").split()[1:]]


def _wait_until_gone(pid: int) -> None:
    """Wait for the end of a process that is nobody's child; the kernel tells, nothing is polled."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        ready, _, _ = select.select([handle], [], [], 10)
    finally:
        os.close(handle)
    assert ready, f"process {pid} is still there"


def _owner(scratch: Path) -> tuple[subprocess.Popen[str], list[int]]:
    owner = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(OWNER), textwrap.dedent(DEAF)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(scratch)},
    )
    return owner, [int(pid) for pid in owner.stdout.readline().split()[1:]]


def test_closing_kills_every_process_of_every_container():
    with EmbeddedAws(start_delay=0) as aws:
        pids = _deaf_in(aws) + _deaf_in(aws)

    assert [is_gone(pid) for pid in pids] == [True] * 4


def test_an_exception_in_the_owner_kills_them_too():
    pids = []

    def broken():
        with EmbeddedAws(start_delay=0) as aws:
            pids.extend(_deaf_in(aws))
            raise LookupError("the owner's own")

    with pytest.raises(LookupError, match="the owner's own"):
        broken()
    assert [is_gone(pid) for pid in pids] == [True] * 2


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_an_owner_ended_by_a_signal_leaves_no_process(number, tmp_path):
    owner, pids = _owner(tmp_path)
    with owner:
        assert owner.stdout.readline() == "[]\n", "the embedded AWS needs no Airflow"
        owner.send_signal(number)
        owner.wait(10)

        for pid in pids:
            _wait_until_gone(pid)


@pytest.mark.skipif(bool(PROBLEM), reason=f"cannot limit containers here: {PROBLEM}")
def test_the_control_groups_of_a_killed_emulator_are_removed_by_the_next_one(tmp_path):
    owner, (main, child) = _owner(tmp_path)
    with owner:
        groups = [group for parent in find().directories for group in parent.glob(f"awsexec-{owner.pid}-*")]
        assert len(groups) == len(find().directories)
        first = int(Path(f"/proc/{main}/stat").read_text().rpartition(")")[2].split()[1])
        owner.kill()
        for pid in (main, child, first):
            _wait_until_gone(pid)

    with EmbeddedAws():
        assert not any(group.exists() for group in groups)


def test_the_first_process_of_a_container_killed_alone_takes_the_command_with_it():
    with EmbeddedAws(start_delay=0, stop_delay=0) as aws:
        arn = client_of(aws, "ecs").run_task(**request_of(aws, DEAF))["tasks"][0]["taskArn"]
        main = int(aws.wait_for_output(arn, "pids").split()[1])
        (container,) = aws._all_tasks()[arn].containers

        os.kill(container.process.pid, signal.SIGKILL)

        _wait_until_gone(main)


def test_closing_twice_or_before_anything_ran_is_harmless():
    aws = EmbeddedAws()
    aws.close()
    with EmbeddedAws() as other:
        other.close()


def test_the_scratch_directory_is_removed():
    with EmbeddedAws(start_delay=0) as aws:
        arn = client_of(aws, "ecs").run_task(**request_of(aws, "import os; print(os.getcwd())"))["tasks"][0]["taskArn"]
        directory = Path(aws.wait_for_output(arn, "/"))
        assert directory.is_dir()

    assert not directory.exists()
