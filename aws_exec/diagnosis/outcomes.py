"""The rules for the exit codes of `aws_exec.container`: how the task itself ended (`aws_exec.container.outcome`).

AWS's own reasons come first: a task that a Spot interruption stopped fails, too, and the interruption is the cause.
"""

from typing import Final

from aws_exec.container.outcome import Outcome
from aws_exec.diagnosis import pages
from aws_exec.diagnosis.model import Blame, TerminationRule

_TASK_LOG: Final = "Read the task's log"


def _rule(outcome: Outcome, cause: str, blame: Blame, remedy: str, page: str = pages.WHY_STOPPED) -> TerminationRule:
    exits = frozenset({int(outcome)})
    return TerminationRule(id=f"task-{outcome.label}", exits=exits, cause=cause, blame=blame, remedy=remedy, page=page)


RULES: Final = (
    _rule(Outcome.FAILED, "The task failed.", Blame.TASK, f"{_TASK_LOG}: its last error says why."),
    _rule(
        Outcome.OUT_OF_MEMORY,
        "The container reached its memory limit, and the kernel killed a process of the task.",
        Blame.TASK,
        "Give the task more memory, or have it use less: the usage record in its log has peak and limit.",
        pages.MEMORY,
    ),
    _rule(
        Outcome.KILLED,
        "A signal ended the task's process.",
        Blame.TASK,
        f"{_TASK_LOG}: it names the signal. SIGSEGV and SIGABRT point to native code, SIGTERM to a stopped container.",
    ),
    _rule(
        Outcome.TIMED_OUT,
        "The task reached its execution_timeout.",
        Blame.TASK,
        "Raise execution_timeout, or make the task faster; its log shows where it was.",
    ),
    _rule(
        Outcome.DAG_NOT_FOUND,
        "The container has no such DAG or task in its DAG bundle.",
        Blame.DEPLOYMENT,
        "Put the DAG files into the image, or configure the same DAG bundles as in the DAG processor.",
    ),
    _rule(
        Outcome.API_UNAVAILABLE,
        "The container could not start the task at Airflow's Execution API.",
        Blame.DEPLOYMENT,
        "Check [core] execution_api_server_url as the container sees it, security groups and DNS: "
        "awsexec check-health --probe does. After 401 or 403: [api_auth] differs, or the token expired in the queue "
        "([scheduler] task_queued_timeout).",
    ),
    _rule(
        Outcome.RESULT_NOT_DELIVERED,
        "The task ended, but Airflow's Execution API did not accept its result.",
        Blame.DEPLOYMENT,
        "Check the API server's log and load at that time; the task's own log says how it ended.",
    ),
    _rule(
        Outcome.REFUSED,
        "Airflow refused to start the task: another container already runs it, or it no longer exists.",
        Blame.UNKNOWN,
        "Nothing to do if the task runs elsewhere or was cleared; else look into the scheduler's log.",
    ),
    _rule(
        Outcome.TERMINATED_BY_SERVER,
        "Airflow ended the task while it ran: it was cleared or marked, or missed its heartbeats.",
        Blame.PERSON,
        "Look at the task's event log in Airflow for who changed it.",
    ),
    _rule(
        Outcome.WORKLOAD_UNREADABLE,
        "The image's Airflow could not read the workload of the scheduler's Airflow.",
        Blame.DEPLOYMENT,
        "Use the scheduler's Airflow version in the image.",
    ),
    _rule(
        Outcome.WORKLOAD_GONE,
        "The workload is no longer in the workload store.",
        Blame.DEPLOYMENT,
        "Clear the task. If it repeats, check the bucket's lifecycle rule: it must keep objects for a day at least.",
    ),
    _rule(
        Outcome.WORKLOAD_NOT_FETCHED,
        "The container could not fetch the workload from the workload store.",
        Blame.DEPLOYMENT,
        "Read the container's log: it has the answer of S3. Allow the task role s3:GetObject and s3:DeleteObject on "
        "the store, and the network a route to S3.",
    ),
    _rule(
        Outcome.WORKLOAD_STORE_NEEDS_AWSEXEC,
        "The workload is in the workload store, and the image has no awsexec to fetch it.",
        Blame.DEPLOYMENT,
        "Install awsexec in the image, or remove workload_store.",
    ),
)
