"""The probe of `awsexec check-health --probe`: prints one line of JSON about what a container sees from inside.

The first process (standard library only) starts a child that does what a task would do, waits for it for a limited
time, and prints the line. So there is a line even if the kernel kills the child because of the memory limit, or if a
DAG file never ends. The members of the line are documented in docs/container.md.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import sys
import time
from typing import Any

from aws_exec.container import facts, usage
from aws_exec.container.bootstrap import PROBE_EVENT
from aws_exec.container.cgroup import own_cgroup
from aws_exec.container.versions import AIRFLOW, AMAZON, AWSEXEC, version_of

#: Of the line: raised when a member changes its meaning; new members do not raise it.
VERSION = 1
#: The members of the usage record that the line has, too.
_OF_RECORD = (
    "timestamp",
    "launch_id",
    "wall_seconds",
    "cpu_limit",
    "memory_limit_bytes",
    "oom_kills",
    "pull_started_at",
    "pull_stopped_at",
)


def main() -> None:
    """Run the checks and print the line; the last word of the command line are the options, as JSON.

    Options:
        seconds: the time limit of the checks.
        subject: the ID of a task instance that does not exist.
        bearer: a token for it; empty: it is in the workload store, or there is none.
        region: of AWS; empty: as the container has it.
        stored: the address of the token in the workload store; empty: it is not there.
    """
    signal.signal(signal.SIGTERM, lambda *_: os._exit(128 + signal.SIGTERM))
    options = json.loads(sys.argv[-1])
    started, cgroup = time.time(), own_cgroup()
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        _check(facts.Facts(writing), options)
    os.close(writing)
    seen, ended = _watch(child, reading, time.monotonic() + options["seconds"])
    record = usage.record(cgroup, started, {}, None)
    disk = os.statvfs("/")
    line = {
        "event": PROBE_EVENT,
        "version": VERSION,
        **{name: record[name] for name in _OF_RECORD},
        "python": sys.version,
        "airflow": [found] if (found := version_of(AIRFLOW)) else [],
        "packages": {name: version_of(name) for name in (AWSEXEC, AMAZON)},
        "cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        # Not the cgroup's peak: that has the pages of all files that were read, which the kernel takes back.
        "memory_used_bytes": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024,
        "disk_free_bytes": disk.f_bavail * disk.f_frsize,
        "ended": ended,
        **seen,
    }
    usage.write(line, after_newline=False)


#: Seconds between two looks for the end of a child that reports nothing more.
_POLL = 0.02


def _check(reporting: facts.Facts, options: dict[str, Any]) -> None:
    """Run the checks in this process, and end it."""
    code = 1
    try:
        from aws_exec.container import probe_checks

        probe_checks.run(reporting, options)
        code = 0
    finally:
        os._exit(code)


def _watch(child: int, reading: int, until: float) -> tuple[dict[str, Any], str]:
    """Read the facts until the child has ended, or kill it when the time has passed.

    Returns:
        The facts, and how the child ended: `done`, `time limit`, the signal, as `SIGKILL`, or `exit code N`: a DAG file
        ended the process that parsed it.
    """
    seen: dict[str, Any] = {}
    while True:
        readable, _, _ = select.select([reading], [], [], max(0.0, until - time.monotonic()))
        more = facts.read(reading) if readable else {}
        seen |= more
        if not more:
            break
    # The child has closed the pipe, which does not mean that it ends.
    status = _wait(child, until)
    if status is None:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return seen, "time limit"
    code = os.waitstatus_to_exitcode(status)
    if code == 0:
        return seen, "done"
    return seen, signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _wait(child: int, until: float) -> int | None:
    """Return the wait status of a child; None if it has not ended by then, on the monotonic clock."""
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status
        if time.monotonic() >= until:
            return None
        time.sleep(_POLL)
