"""Asks AWS about everything that a configuration would launch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from aws_exec.clouds.session import open_session, session_client
from aws_exec.live.asking import Asking, Outcome, outcomes
from aws_exec.live.batch import check_submit_job
from aws_exec.live.ecs import check_quota, check_run_task
from aws_exec.settings.file.templates import service_of
from aws_exec.settings.file.terms import SERVICES, Service
from aws_exec.settings.launch import TYPICAL
from aws_exec.settings.problems import InvalidExecutorConfig, OptionsError
from aws_exec.settings.rules.check import Checked, Section
from aws_exec.settings.rules.configuration import Configuration
from aws_exec.settings.rules.options import PARALLELISM

_CHECKS: Mapping[Service, Callable[[Asking, Mapping[str, Any], str], Iterator[Outcome]]] = {
    "ecs": check_run_task,
    "batch": check_submit_job,
}


def clients_of(region: str | None, profile: str | None, endpoint_url: str | None) -> Callable[[str], Any]:
    """Clients for a person at a shell: boto3's own chain of credentials.

    Raises:
        CloudError: there is no such profile; a client, when it is asked for, may raise it too.
    """
    session = open_session(profile)
    return lambda service: session_client(session, service, region or session.region_name or "", endpoint_url)


def check_live(configuration: Configuration, clients: Callable[[str | None], Callable[[str], Any]]) -> list[Outcome]:
    """What AWS says of the request of every executor and every template; nothing of what cannot be sent anyway.

    Args:
        configuration: what is checked.
        clients: gives, for a Region (None: the environment's), what gives the client of a service.

    Raises:
        CredentialsError: nothing can be asked.
    """
    found: dict[Outcome, None] = {}
    parallelism, _ = configuration.number("core", "parallelism", PARALLELISM)
    for team in configuration.teams:
        for service in SERVICES:
            if not configuration.says(service, team):
                continue
            try:
                section = Checked(configuration, service, team).section()
            except OptionsError:
                continue  # told by the rules
            asking = Asking(clients(section.options.region_name))
            container = getattr(section.options, "container_name", "")
            for request in _requests(configuration, service, section):
                found.update(dict.fromkeys(_CHECKS[service](asking, request, container)))
                if service == "ecs":
                    found.update(dict.fromkeys(outcomes(check_quota(asking, request, parallelism))))
    return list(found)


def _requests(configuration: Configuration, service: Service, section: Section) -> Iterator[Mapping[str, Any]]:
    yield section.builder.build(TYPICAL, ["x"]).arguments
    for name, levels in configuration.file.templates.items():
        if service_of([level.terms for level in levels]) not in (None, service):
            continue
        try:
            yield section.builder.build(TYPICAL, ["x"], {"template": name}).arguments
        except InvalidExecutorConfig:
            continue  # told by the rules
