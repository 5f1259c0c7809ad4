"""The checks of everything that a configuration launches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

from aws_exec.aws_checks.airflow import check_containers
from aws_exec.aws_checks.batch import check_submit_job
from aws_exec.aws_checks.calls import CONTAINER, STORE, CachedCalls, Outcome, Status
from aws_exec.aws_checks.capacity import check_compute, check_fargate
from aws_exec.aws_checks.ecs import check_run_task
from aws_exec.aws_checks.store import check_store
from aws_exec.clouds.session import check_region, open_session, session_client
from aws_exec.settings.common.problems import OptionsError
from aws_exec.settings.file.positions import Complaint, Position
from aws_exec.settings.file.terms import Service
from aws_exec.settings.rules.check import Checked
from aws_exec.settings.rules.configuration import Configuration
from aws_exec.settings.rules.origins import Origins

#: What a request needs in order to run.
CHECKS: Mapping[Service, Callable[[CachedCalls, Mapping[str, Any], str], Iterator[Outcome]]] = {
    "ecs": check_run_task,
    "batch": check_submit_job,
}

#: Whether the capacity suffices for as many tasks as Airflow runs at a time.
CAPACITY: Mapping[Service, Callable[[CachedCalls, Mapping[str, Any], float], Iterator[Outcome]]] = {
    "ecs": check_fargate,
    "batch": check_compute,
}

#: The rule that is violated if no call was answered.
NO_ANSWER_RULE = "live-answer"

Clients = Callable[[str | None], Callable[[str], Any]]


@dataclass(frozen=True, slots=True)
class AwsReport:
    """The result of all checks.

    Attributes:
        outcomes: of all checks, without duplicates.
        complaints: what is wrong, and where it is written; in order of position.
    """

    outcomes: Sequence[Outcome]
    complaints: Sequence[Complaint]


def clients_of(
    region: str | None, profile: str | None, endpoint_url: str | None, *, may_prompt: bool = False
) -> Clients:
    """Return a source of clients for a shell, each built once: boto3's own chain of credentials.

    Args:
        region: overrides the configured one and the environment's.
        profile: of the credentials.
        endpoint_url: of a local AWS emulator.
        may_prompt: whether botocore may prompt for the code of an MFA device.

    Raises:
        CloudError: the profile does not exist; later, the Region does not exist or a client cannot be built.
    """
    session = open_session(profile, may_prompt=may_prompt)

    @cache
    def client(where: str, service: str) -> Any:
        return session_client(session, service, where, endpoint_url)

    def clients(configured: str | None) -> Callable[[str], Any]:
        where = region or configured or session.region_name or ""
        check_region(where, endpoint_url)
        return partial(client, where)

    return clients


def check_against_aws(configuration: Configuration, clients: Clients) -> AwsReport:
    """Check the requests of every executor and every template against AWS; invalid requests are left out.

    Args:
        configuration: to check.
        clients: returns, for a Region (None: the environment's), a function from service to client.

    Raises:
        CredentialsError: AWS accepts no credentials.
        CloudError: as `clients`.
    """
    outcomes: dict[Outcome, None] = {}
    complaints: dict[tuple[str, Position, str], Complaint] = {}
    for service, team in configuration.configured:
        for outcome, position in _of_executor(Checked(configuration, service, team), clients):
            outcomes[outcome] = None
            if outcome.status in (Status.FAIL, Status.WARN):
                # What a template inherits is reported once, where it is written.
                complaints.setdefault((outcome.rule, position, outcome.subject), _complaint(outcome, position))
    return AwsReport(list(outcomes), sorted(complaints.values(), key=lambda one: (one.position, one.rule)))


def _of_executor(checked: Checked, clients: Clients) -> Iterator[tuple[Outcome, Position]]:
    """Yield the outcomes for one executor of one team, each with its position in the configuration."""
    try:
        section = checked.section()
    except OptionsError:
        return  # the rules report it
    calls = CachedCalls(clients(section.options.region_name))
    seen: list[Outcome] = []
    for request, origins, home in checked.requests(section):
        needs = CHECKS[checked.service](calls, request, section.options.container_name)
        name = section.options.container_name
        airflow = check_containers(calls, checked.service, request, name, checked.configuration)
        capacity = CAPACITY[checked.service](calls, request, checked.configuration.parallelism)
        for outcome in (*needs, *airflow, *check_store(calls, section.options), *capacity):
            seen.append(outcome)
            yield outcome, _position(checked, outcome, origins, home)
    if seen and all(outcome.unanswered for outcome in seen):
        yield _no_answer(seen[0]), checked.configuration.position(checked.service, "", checked.team)


def _no_answer(first: Outcome) -> Outcome:
    """Return a failure for an executor none of whose checks has a result: only skips would read like success."""
    return replace(
        first, status=Status.FAIL, subject="AWS", message=f"answered nothing: {first.message}", rule=NO_ANSWER_RULE
    )


def _position(checked: Checked, outcome: Outcome, origins: Origins, home: Position) -> Position:
    if outcome.path in (CONTAINER, STORE):
        return checked.configuration.position(checked.service, *outcome.path, checked.team)
    return origins.position(outcome.path) or home


def _complaint(outcome: Outcome, position: Position) -> Complaint:
    return Complaint(outcome.rule, position, f"{outcome.subject} {outcome.message}", outcome.hint, outcome.call)
