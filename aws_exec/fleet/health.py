"""Whether the executors could work: what AWS says of everything that they need, as a tree for each executor.

Nothing is changed at AWS. What the requests name is looked up by `aws_exec.live`; here is what is asked beside that:
credentials and identity, the rights to read and to stop, and whether the quotas are enough for `[core] parallelism`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws_exec.fleet.opening import Fleet
from aws_exec.lifecycle.identity import started_by
from aws_exec.live.asking import Asking, CredentialsError, Outcome, Status, Unanswered, outcomes
from aws_exec.live.running import CAPACITY, CHECKS
from aws_exec.settings import OptionsError
from aws_exec.settings.file.terms import SERVICES, Service
from aws_exec.settings.launch import TYPICAL
from aws_exec.settings.options import AwsOptions
from aws_exec.settings.rules.check import Checked, Section

_EXECUTORS: Mapping[Service, str] = {"ecs": "AwsEcsExecutor", "batch": "AwsBatchExecutor"}
#: An id that no task has.
_NO_TASK = "a" * 32


@dataclass(frozen=True, slots=True)
class Branch:
    """What was found of one executor.

    Attributes:
        executor: its name, with the team's.
        outcomes: of each check, in order.
        refused: whether there are no credentials that AWS takes.
    """

    executor: str
    outcomes: Sequence[Outcome]
    refused: bool = False

    @property
    def failed(self) -> bool:
        """Whether anything is wrong."""
        return any(outcome.status is Status.FAIL for outcome in self.outcomes)


def check_health(fleet: Fleet) -> list[Branch]:
    """Check every executor that is configured, of the teams and services that were asked for; none: an empty list.

    Raises:
        CloudError: no client can be built for another reason than credentials.
    """
    configuration = fleet.configured.configuration
    return [
        _branch(fleet, service, team)
        for team in fleet.configured.teams
        for service in SERVICES
        if service in fleet.services and configuration.says(service, team)
    ]


def _branch(fleet: Fleet, service: Service, team: str | None) -> Branch:
    name = _EXECUTORS[service] + (f" of team {team}" if team else "")
    found: list[Outcome] = []
    try:
        section = Checked(fleet.configured.configuration, service, team).section()
    except OptionsError as error:
        first, *more = str(error).splitlines()
        mend = " ".join(more) or "awsexec validate-config says more"
        return Branch(name, [Outcome(Status.FAIL, "", "options", first, mend)])
    asking = Asking(lambda api: fleet.client(api, fleet.region_of(section.options)))
    try:
        for outcome in _checks(fleet, service, section, asking):
            found.append(outcome)  # noqa: PERF402 - what was found before it ends is kept
    except CredentialsError as error:
        mend = "Log in, name a --profile, or mend the role of this machine"
        found.append(Outcome(Status.FAIL, "sts:GetCallerIdentity", "credentials", str(error), mend))
        found.append(Outcome(Status.SKIP, "", "everything else", "nothing can be asked without credentials"))
        return Branch(name, found, refused=True)
    return Branch(name, found)


def _checks(fleet: Fleet, service: Service, section: Section, asking: Asking) -> Iterator[Outcome]:
    request: Mapping[str, Any] = section.builder.build(TYPICAL, ["x"]).arguments
    yield from outcomes(_identity(asking, section.options))
    yield from CHECKS[service](asking, request, section.options.container_name)
    rights = _ecs_rights(asking, request, fleet) if service == "ecs" else _batch_rights(asking, request)
    yield from outcomes(rights)
    yield from CAPACITY[service](asking, request, fleet.configured.configuration.parallelism)


def _identity(asking: Asking, options: AwsOptions) -> Iterator[Outcome]:
    call = "sts:GetCallerIdentity"
    answer = asking.ask("sts", "GetCallerIdentity", "credentials")
    arn = str(answer.get("Arn", ""))
    yield Outcome(Status.PASS, call, "credentials", "are accepted")
    if arn.endswith(":root"):
        mend = "Use a role with the policy of awsexec check-health --policy"
        yield Outcome(Status.WARN, call, "identity", f"{arn} is the account's root user", mend)
    else:
        yield Outcome(Status.PASS, call, "identity", arn)
    if options.conn_id not in ("", "aws_default"):
        message = f"the executor uses the Airflow connection {options.conn_id}; these are this shell's credentials"
        yield Outcome(Status.WARN, call, "conn_id", message, "Check again with that connection's credentials")


def _ecs_rights(asking: Asking, request: Mapping[str, Any], fleet: Fleet) -> Iterator[Outcome]:
    cluster = str(request.get("cluster", "default"))
    deployment = fleet.configured.ecs.deployment or "awsexec"
    yield from outcomes(
        _allowed(asking, "ecs", "ListTasks", "adoption", cluster=cluster, startedBy=started_by(deployment)),
        _allowed(asking, "ecs", "DescribeTasks", "following tasks", cluster=cluster, tasks=[_NO_TASK]),
        _stop(asking, cluster),
    )
    said = "cannot be tried without launching; awsexec check-health --policy has what it takes"
    yield Outcome(Status.SKIP, "ecs:RunTask", "launching", said)


def _batch_rights(asking: Asking, request: Mapping[str, Any]) -> Iterator[Outcome]:
    queue = str(request["jobQueue"])
    yield from outcomes(
        _allowed(asking, "batch", "ListJobs", "adoption", jobQueue=queue, jobStatus="RUNNING"),
        _allowed(asking, "batch", "DescribeJobs", "following jobs", jobs=[_NO_TASK]),
    )
    said = "cannot be tried without launching; awsexec check-health --policy has what it takes"
    yield Outcome(Status.SKIP, "batch:SubmitJob", "launching", said)


def _allowed(asking: Asking, service: str, operation: str, subject: str, **arguments: Any) -> Iterator[Outcome]:
    """A read that the executor makes: a right that is missing is a failure here, and not only unknown."""
    call = f"{service}:{operation}"
    try:
        asking.ask(service, operation, subject, **arguments)
    except Unanswered as unanswered:
        denied = "not allowed" in unanswered.outcome.message
        if not denied:
            raise
        degraded = operation.startswith("List")
        mend = f"Allow {call}" + ("; docs/degradation.md says what it costs" if degraded else "")
        status = Status.WARN if degraded else Status.FAIL
        yield Outcome(status, call, subject, unanswered.outcome.message, mend)
    else:
        yield Outcome(Status.PASS, call, subject, "is allowed")


def _stop(asking: Asking, cluster: str) -> Iterator[Outcome]:
    """Stop a task that cannot exist: not to find it takes the right to stop."""
    call, subject = "ecs:StopTask", "stopping tasks"
    try:
        asking.ask("ecs", "StopTask", subject, cluster=cluster, task=_NO_TASK, reason="awsexec check-health")
    except Unanswered as unanswered:
        said = unanswered.outcome.message
        if "not found" in said.lower() and "cluster" not in said.lower():
            yield Outcome(Status.PASS, call, subject, "is allowed")
        elif "not allowed" in said:
            yield Outcome(Status.FAIL, call, subject, said, f"Allow {call}")
        else:
            raise


def no_credentials(branches: Sequence[Branch]) -> bool:
    """Whether it is for credentials that something failed."""
    return any(branch.refused for branch in branches)
