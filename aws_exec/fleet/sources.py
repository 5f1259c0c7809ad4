"""The executors' options as Airflow finds them, read without importing Airflow, which takes seconds.

Environment (`AIRFLOW__SECTION__OPTION`), airflow.cfg, awsexec.yaml, in this order. Airflow reads options from commands
or secrets backends only for passwords and the like, which the executors do not have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from aws_exec.fleet.errors import MisusedError
from aws_exec.settings import (
    BatchOptions,
    EcsOptions,
    OptionsError,
    RunTaskBuilder,
    SubmitJobBuilder,
    load_batch_options,
    load_ecs_options,
)
from aws_exec.settings.common.launch import RequestBuilder
from aws_exec.settings.file.terms import Service
from aws_exec.settings.rules.configuration import Configuration
from aws_exec.settings.rules.sources import found_here, read_sources

_VALIDATE = "awsexec validate-config shows each error and its fix"


@dataclass(frozen=True, slots=True)
class Configured:
    """The configuration of both executors.

    Attributes:
        ecs, batch: their options; required ones may be missing.
        configuration: their source.
        team: of the executors; None: those without a team.
    """

    ecs: EcsOptions
    batch: BatchOptions
    configuration: Configuration = field(default_factory=Configuration)
    team: str | None = None

    @property
    def teams(self) -> tuple[str | None, ...]:
        """The selected team, or all."""
        return tuple(self.configuration.teams) if self.team is None else (self.team,)

    @property
    def clusters(self) -> tuple[str, ...]:
        """The clusters of the options and the templates."""
        return self._locations("ecs", partial(RunTaskBuilder, self.ecs), [self.ecs.cluster])

    @property
    def queues(self) -> tuple[str, ...]:
        """The job queues of the options and the templates."""
        named = [self.batch.job_queue, *self.batch.job_queues.values()]
        return self._locations("batch", partial(SubmitJobBuilder, self.batch), named)

    def _locations(
        self, service: Service, builder: Callable[..., RequestBuilder], named: Sequence[str]
    ) -> tuple[str, ...]:
        """Return the locations of the executor's requests; if the options are incomplete, those that they name."""
        try:
            return builder(team=self.team, templates=self.configuration.file.book(service, self.team)).locations()
        except OptionsError:
            return tuple(dict.fromkeys(filter(None, named)))


def read_configuration(
    environment: Mapping[str, str], named: Path | None = None, team: str | None = None
) -> Configured:
    """Read the options of both executors.

    Args:
        environment: of the process.
        named: the awsexec.yaml, by `--config`.
        team: of the options; as in Airflow, options without a team do not apply to it.

    Raises:
        MisusedError: it has mistakes, with all of them; or nothing is configured for that team.
    """
    sources = read_sources(found_here(environment, named), environment, with_environment=True)
    if sources.complaints:
        lines = [str(each) for each in sources.complaints]
        raise MisusedError("the configuration cannot be used", lines, _VALIDATE)
    found = sources.configurations[0]
    if unknown := found.nothing_of(team):
        raise MisusedError(unknown, hint=found.known_teams())
    try:
        ecs = load_ecs_options(
            found.getter(EcsOptions.section, team),
            team=team,
            require=False,
            file_options=found.file.options_of("ecs", team),
        )
        batch = load_batch_options(
            found.getter(BatchOptions.section, team),
            team=team,
            require=False,
            file_options=found.file.options_of("batch", team),
        )
    except OptionsError as error:
        lines = str(error).splitlines()
        raise MisusedError("the executors' options are wrong", lines, _VALIDATE) from error
    return Configured(ecs, batch, found, team)
