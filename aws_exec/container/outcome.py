"""How a task ended, as the exit code of its container: the table of docs/container.md. Standard library only."""

from __future__ import annotations

from enum import IntEnum

#: States of a task that its container ended well with, as Airflow writes them.
DONE_STATES = frozenset({"success", "skipped", "deferred", "up_for_reschedule", "awaiting_input"})


class Outcome(IntEnum):
    """How a workload ended: the container's exit code.

    `DONE` is a task that succeeded, was skipped, deferred or rescheduled, or waits for input. The others are from 80
    to 89, and 77 to 79: no shell (126, 127), no runtime (125), no signal (128 and above), no Airflow exits so. 77 and
    78 are EX_NOPERM and EX_CONFIG of sysexits.h, which a program around Airflow's may use.
    """

    DONE = 0
    WORKLOAD_NOT_FETCHED = 77  #: the container could not read the workload in its store: no right, or S3 not reached
    WORKLOAD_STORE_NEEDS_AWSEXEC = 78  #: the workload is in a store, and the image has no awsexec that reads it
    WORKLOAD_GONE = 79  #: the workload is not in the store any more
    FAILED = 80  #: the task failed, or its callback did; Airflow knows
    OUT_OF_MEMORY = 81  #: the kernel killed a process of the container that reached its memory limit
    KILLED = 82  #: a signal ended the task's process
    TIMED_OUT = 83  #: the task reached its `execution_timeout`
    DAG_NOT_FOUND = 84  #: the DAG bundle, the DAG or the task is not in the container
    API_UNAVAILABLE = 85  #: the Execution API was not reached, or did not let the task start
    RESULT_NOT_DELIVERED = 86  #: the task ended, and the Execution API did not take its result
    REFUSED = 87  #: the Execution API refused the start: another container has the task, or it is gone (409, 404)
    TERMINATED_BY_SERVER = 88  #: the Execution API ended the task while it ran: cleared or marked in Airflow
    WORKLOAD_UNREADABLE = 89  #: this Airflow cannot read the workload

    @property
    def label(self) -> str:
        """The outcome as the usage record and the command line write it: `out-of-memory`."""
        return self.name.lower().replace("_", "-")


def outcome_of(exit_code: int | None) -> Outcome | None:
    """Return the outcome that an exit code says; None if it says none: 0 of an image without awsexec is one, too."""
    try:
        return Outcome(exit_code) if exit_code else None
    except ValueError:
        return None
