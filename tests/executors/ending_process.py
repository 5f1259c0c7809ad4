"""A process like Airflow's scheduler, for `test_sigterm_process.py`: sends heartbeats until SIGTERM, then ends.

Airflow 3.3.2, `SchedulerJobRunner`: the handler is `sys.exit(os.EX_OK)` in whatever frame runs, and `executor.end()`
is called on the way out.
"""

from __future__ import annotations

import os
import signal
import sys
import time

from tests.executors.harness import task
from tests.executors.services import BATCH, ECS, without_checks
from tests.executors.versions import queued_tasks


def say(word):
    """What the test waits for."""
    print(word, flush=True)  # noqa: T201 - to the test, through a pipe


def main(service):
    executor = without_checks(service.executor)(parallelism=100)
    executor.job_id = 1
    executor.start()
    for number in range(3):
        executor.queue_workload(task(f"task-{number}"), session=None)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(os.EX_OK))
    try:
        # Every launch is with the lanes, and waits there for AWS.
        while queued_tasks(executor) or not executor._heartbeat.dispatcher.outstanding:
            executor.heartbeat()
        say("sending heartbeats")
        while True:
            executor.heartbeat()
            time.sleep(0.02)
    finally:
        say("ending")
        executor.end()
        say("ended")


if __name__ == "__main__":
    main({"ecs": ECS, "batch": BATCH}[sys.argv[1]])
