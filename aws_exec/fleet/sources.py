"""Where the fleet is: the executors' options, as Airflow would find them, read without Airflow, which takes seconds.

Environment (`AIRFLOW__SECTION__OPTION`), airflow.cfg, awsexec.yaml, in this order. Options that Airflow can take from
commands or secrets backends are passwords and the like; none of the executors' is one.
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


@dataclass(frozen=True, slots=True)
class Configured:
    """What is configured of both executors.

    Attributes:
        ecs, batch: their options; what is required may be missing.
        configuration: where they come from.
        team: whose they are; None: those of no team.
    """

    ecs: EcsOptions
    batch: BatchOptions
    configuration: Configuration = field(default_factory=Configuration)
    team: str | None = None

    @property
    def teams(self) -> tuple[str | None, ...]:
        """Those that are meant: the one that was asked for, or all."""
        return tuple(self.configuration.teams) if self.team is None else (self.team,)

    @property
    def clusters(self) -> tuple[str, ...]:
        """The clusters that tasks are sent to, by the options or a template."""
        return self._locations("ecs", partial(RunTaskBuilder, self.ecs), [self.ecs.cluster])

    @property
    def queues(self) -> tuple[str, ...]:
        """The job queues that tasks are sent to, likewise."""
        named = [self.batch.job_queue, *self.batch.job_queues.values()]
        return self._locations("batch", partial(SubmitJobBuilder, self.batch), named)

    def _locations(
        self, service: Service, builder: Callable[..., RequestBuilder], named: Sequence[str]
    ) -> tuple[str, ...]:
        """As the executor would send them; what the options alone name, where they do not suffice to send any."""
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
        team: whose options; as in Airflow, there is no fall-back to those of no team.

    Raises:
        MisusedError: something in it is wrong, with everything that is; or nothing is said of that team.
    """
    sources = read_sources(found_here(environment, named), environment, with_environment=True)
    if sources.complaints:
        lines = [str(each) for each in sources.complaints]
        raise MisusedError("the configuration cannot be used (awsexec validate-config says more)", lines)
    found = sources.configurations[0]
    if unknown := found.nothing_of(team):
        raise MisusedError(unknown)
    try:
        ecs = load_ecs_options(
            found.getter(EcsOptions.section, team), team=team, require=False, said=found.file.said("ecs", team)
        )
        batch = load_batch_options(
            found.getter(BatchOptions.section, team), team=team, require=False, said=found.file.said("batch", team)
        )
    except OptionsError as error:
        lines = str(error).splitlines()
        raise MisusedError("the executors' options are wrong (awsexec validate-config says more)", lines) from error
    return Configured(ecs, batch, found, team)
