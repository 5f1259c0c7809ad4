"""A container can be paused and resumed, as on a stalled host; paused, it can still be killed."""

import threading
import time
from pathlib import Path

TELLS = "import os, threading; print(os.getpid(), flush=True); threading.Event().wait()"


def state_of(pid):
    """As the kernel has it; empty once there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def until(condition):
    """Look again until it is so: a state of the kernel's changes without telling anybody."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "not so in time"
        threading.Event().wait(0.02)


def test_a_paused_container_does_nothing_until_it_is_resumed(aws, run):
    arn = run(TELLS)
    pid = int(aws.wait_for_output(arn, ""))

    aws.faults.pause(arn)
    until(lambda: state_of(pid) == "T")
    aws.faults.resume(arn)
    until(lambda: state_of(pid) == "S")


def test_a_paused_container_can_be_killed(aws, run):
    arn = run(TELLS)
    pid = int(aws.wait_for_output(arn, ""))

    aws.faults.pause(arn)
    until(lambda: state_of(pid) == "T")
    aws.faults.lose(arn)

    until(lambda: state_of(pid) == "")
