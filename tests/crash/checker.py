"""What must hold after a crash, whatever was killed when: read from the ledger, Airflow's database and user code.

Nothing in here knows how a case went; it is told only what was to happen to each task instance.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from aws_exec.local import Launch
from aws_exec.local.airflow.records import TaskInstance
from aws_exec.local.demo.watch import task_of

#: States of a task instance that may have a container at work.
_AT_WORK = {"queued", "running", "restarting"}


@dataclass(frozen=True, slots=True)
class Ran:
    """User code that began to run, as it wrote down itself.

    Attributes:
        task: `task` or `task[2]`.
        try_number: from 1.
        token: of the container that it ran in; empty where the executor gives none.
    """

    task: str
    try_number: int
    token: str


@dataclass(frozen=True, slots=True)
class Expected:
    """What is to happen to one task instance.

    Attributes:
        tries: the try that it ends with. Each runs user code once.
        state: how it ends.
        vain: containers that may come to nothing: those that something else than a crash ended before they began.
    """

    tries: int = 1
    state: str = "success"
    vain: int = 0


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything there is to read of one run of a DAG, when it is over.

    Attributes:
        instances: Airflow's task instances.
        launches: the cloud's ledger.
        ran: what user code wrote down.
    """

    instances: Sequence[TaskInstance]
    launches: Sequence[Launch]
    ran: Sequence[Ran]


def problems(evidence: Evidence, expected: Mapping[str, Expected]) -> list[str]:
    """What went wrong, a line each; empty if nothing did.

    Args:
        evidence: of one run of a DAG.
        expected: by task instance; all of them.
    """
    rules = (_ends, _runs, _vain, _tokens, _alive, _names)
    return [line for rule in rules for line in rule(evidence, expected)]


def _ends(evidence: Evidence, expected: Mapping[str, Expected]) -> Iterator[str]:
    """Every task instance ends as it is to end, with the try it is to end with: none was burnt."""
    instances = {one.name: one for one in evidence.instances}
    for task in sorted(instances.keys() ^ expected.keys()):
        yield f"{task}: {'was not expected' if task in instances else 'is not in the database'}"
    for task in sorted(instances.keys() & expected.keys()):
        one, want = instances[task], expected[task]
        if (one.state, one.try_number) != (want.state, want.tries):
            yield f"{task}: {one.state} on try {one.try_number}, not {want.state} on try {want.tries}"


def _runs(evidence: Evidence, expected: Mapping[str, Expected]) -> Iterator[str]:
    """Every try ran user code once."""
    ran = Counter((one.task, one.try_number) for one in evidence.ran)
    want = Counter((task, number) for task, one in expected.items() for number in range(1, one.tries + 1))
    for task, number in sorted(ran.keys() | want.keys()):
        times = ran[task, number]
        if times != want[task, number]:
            yield f"{task}: user code of try {number} ran {times} times, not {want[task, number]}"


def _vain(evidence: Evidence, expected: Mapping[str, Expected]) -> Iterator[str]:
    """Every container that was launched ran user code, and user code ran in those containers only."""
    tokens = {one.token for one in evidence.ran}
    idle = Counter(task_of(launch) for launch in evidence.launches if launch.token not in tokens)
    for task, count in sorted(idle.items()):
        allowed = expected[task].vain if task in expected else 0
        if count > allowed:
            yield f"{task}: {count} containers were launched in vain, not {allowed}"
    for token in sorted(tokens - {launch.token for launch in evidence.launches}):
        yield f"user code ran in a container that nobody launched: {token or 'no token'}"


def _tokens(evidence: Evidence, _: Mapping[str, Expected]) -> Iterator[str]:
    """No two containers have one token, and no two runs of user code were in one container."""
    for token, count in Counter(launch.token for launch in evidence.launches).items():
        if count > 1:
            yield f"{count} containers have the token {token}"
    for token, count in Counter(one.token for one in evidence.ran).items():
        if count > 1:
            yield f"user code ran {count} times with the token {token}"


def _alive(evidence: Evidence, _: Mapping[str, Expected]) -> Iterator[str]:
    """What still lives belongs to a task instance that is at work, and that names it."""
    at_work = {one.name: one.external_executor_id for one in evidence.instances if one.state in _AT_WORK}
    for launch in evidence.launches:
        if launch.over or launch.ended_at is not None:
            continue
        if at_work.get(task_of(launch)) not in _names_of(launch):
            yield f"{task_of(launch)}: {launch.arn} is {launch.status} and nobody owns it"


def _names(evidence: Evidence, _: Mapping[str, Expected]) -> Iterator[str]:
    """A task instance names no other container than the last of its own."""
    last = {task_of(launch): launch for launch in evidence.launches}
    for one in evidence.instances:
        named_by_row = one.external_executor_id
        if named_by_row and one.name in last and named_by_row not in _names_of(last[one.name]):
            yield f"{one.name}: its row names {named_by_row}, its last container is {last[one.name].arn}"


def _names_of(launch: Launch) -> set[str]:
    """What a row may call a container: its ARN, or its launch while Airflow has not read the ARN."""
    return {launch.arn, launch.token.rpartition("-")[0]}
