"""Asks AWS about everything that a configuration would launch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

from aws_exec.aws_checks.batch import check_submit_job
from aws_exec.aws_checks.calls import CONTAINER, Asking, Outcome, Status
from aws_exec.aws_checks.capacity import check_compute, check_fargate
from aws_exec.aws_checks.ecs import check_run_task
from aws_exec.clouds.session import check_region, open_session, session_client
from aws_exec.settings.common.problems import OptionsError
from aws_exec.settings.file.positions import Complaint, Position
from aws_exec.settings.file.terms import Service
from aws_exec.settings.rules.check import Checked
from aws_exec.settings.rules.configuration import Configuration
from aws_exec.settings.rules.origins import Origins

#: What has to be so for a request to run.
CHECKS: Mapping[Service, Callable[[Asking, Mapping[str, Any], str], Iterator[Outcome]]] = {
    "ecs": check_run_task,
    "batch": check_submit_job,
}

#: Whether as much of it as Airflow runs at a time fits.
CAPACITY: Mapping[Service, Callable[[Asking, Mapping[str, Any], float], Iterator[Outcome]]] = {
    "ecs": check_fargate,
    "batch": check_compute,
}

#: The rule that does not hold where nothing at all was answered.
SILENCE = "live-answer"

Clients = Callable[[str | None], Callable[[str], Any]]


@dataclass(frozen=True, slots=True)
class Live:
    """What AWS says of a configuration.

    Attributes:
        outcomes: all of it, each thing once.
        complaints: what is wrong, where it is written; in order of place.
    """

    outcomes: Sequence[Outcome]
    complaints: Sequence[Complaint]


def clients_of(region: str | None, profile: str | None, endpoint_url: str | None, *, may_ask: bool = False) -> Clients:
    """Clients for a person at a shell, each built once: boto3's own chain of credentials.

    Args:
        region: in place of the configured one, and of the environment's.
        profile: of the credentials.
        endpoint_url: of an AWS of one's own.
        may_ask: whether botocore may ask on the terminal for the code of an MFA device.

    Raises:
        CloudError: there is no such profile; for a Region, there is none such; for a service, no client can be built.
    """
    session = open_session(profile, may_ask=may_ask)

    @cache
    def client(where: str, service: str) -> Any:
        return session_client(session, service, where, endpoint_url)

    def clients(configured: str | None) -> Callable[[str], Any]:
        where = region or configured or session.region_name or ""
        check_region(where, endpoint_url)
        return partial(client, where)

    return clients


def check_live(configuration: Configuration, clients: Clients) -> Live:
    """What AWS says of the request of every executor and every template; nothing of what cannot be sent anyway.

    Args:
        configuration: what is checked.
        clients: gives, for a Region (None: the environment's), what gives the client of a service.

    Raises:
        CredentialsError: nothing can be asked.
        CloudError: as `clients`.
    """
    told: dict[Outcome, None] = {}
    complaints: dict[tuple[str, Position, str], Complaint] = {}
    for service, team in configuration.configured:
        for outcome, position in _of_executor(Checked(configuration, service, team), clients):
            told[outcome] = None
            if outcome.status in (Status.FAIL, Status.WARN):
                # What a template inherits is told once, where it is written.
                complaints.setdefault((outcome.rule, position, outcome.subject), _complaint(outcome, position))
    return Live(list(told), sorted(complaints.values(), key=lambda one: (one.position, one.rule)))


def _of_executor(checked: Checked, clients: Clients) -> Iterator[tuple[Outcome, Position]]:
    """What is said of one executor of one team, and the place that each outcome is about."""
    try:
        section = checked.section()
    except OptionsError:
        return  # told by the rules
    asking = Asking(clients(section.options.region_name))
    told: list[Outcome] = []
    for request, origins, home in checked.requests(section):
        said = CHECKS[checked.service](asking, request, section.options.container_name)
        fits = CAPACITY[checked.service](asking, request, checked.configuration.parallelism)
        for outcome in (*said, *fits):
            told.append(outcome)
            yield outcome, _position(checked, outcome, origins, home)
    if told and all(outcome.unanswered for outcome in told):
        yield _silence(told[0]), checked.configuration.position(checked.service, "", checked.team)


def _silence(first: Outcome) -> Outcome:
    """What stands for an executor of which nothing is known: all of it skipped would read as if all were well."""
    return replace(first, status=Status.FAIL, subject="AWS", message=f"answered nothing: {first.message}", rule=SILENCE)


def _position(checked: Checked, outcome: Outcome, origins: Origins, home: Position) -> Position:
    if outcome.path == CONTAINER:
        return checked.configuration.position(checked.service, *CONTAINER, checked.team)
    return origins.position(outcome.path) or home


def _complaint(outcome: Outcome, position: Position) -> Complaint:
    return Complaint(outcome.rule, position, f"{outcome.subject} {outcome.message}", outcome.hint, outcome.call)
