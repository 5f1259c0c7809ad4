"""Whether the executors could work: what AWS says of everything that they need, as a tree for each executor.

Nothing is changed at AWS. What the requests name is looked up by `aws_exec.live`; here is what is asked beside that:
credentials and identity, the rights to read and to stop, and whether the quotas are enough for `[core] parallelism`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from aws_exec.fleet.ecs_surroundings import FARGATE_QUOTA, SPOT_QUOTA
from aws_exec.fleet.opening import Fleet
from aws_exec.lifecycle.identity import started_by
from aws_exec.live.asking import Asking, CredentialsError, Outcome, Status, Unanswered, outcomes
from aws_exec.live.batch import check_submit_job
from aws_exec.live.ecs import check_run_task
from aws_exec.settings import OptionsError
from aws_exec.settings.file.terms import SERVICES, Service
from aws_exec.settings.file.units import UNITS_PER_VCPU
from aws_exec.settings.launch import TYPICAL
from aws_exec.settings.options import AwsOptions
from aws_exec.settings.rules.check import Checked, Section

_EXECUTORS: Mapping[Service, str] = {"ecs": "AwsEcsExecutor", "batch": "AwsBatchExecutor"}
_CHECKS = {"ecs": check_run_task, "batch": check_submit_job}
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
    container = getattr(section.options, "container_name", "")
    yield from outcomes(_identity(asking, section.options))
    yield from _CHECKS[service](asking, request, container)
    rights = _ecs_rights(asking, request, fleet) if service == "ecs" else _batch_rights(asking, request)
    quotas = _fargate(asking, request, fleet) if service == "ecs" else _batch_size(asking, request, fleet)
    yield from outcomes(rights)
    for outcome in outcomes(quotas):
        # What is not told of a quota is no reason for anything to fail.
        yield replace(outcome, status=Status.SKIP) if outcome.status is Status.FAIL else outcome


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


def _fargate(asking: Asking, request: Mapping[str, Any], fleet: Fleet) -> Iterator[Outcome]:
    strategy = request.get("capacityProviderStrategy") or ()
    providers = {str(item.get("capacityProvider")) for item in strategy}
    if request.get("launchType") not in (None, "FARGATE") or (providers and "FARGATE_SPOT" not in providers):
        return
    code = SPOT_QUOTA if "FARGATE_SPOT" in providers else FARGATE_QUOTA
    definition = asking.ask(
        "ecs", "DescribeTaskDefinition", "the size of a task", taskDefinition=request["taskDefinition"]
    )["taskDefinition"]
    units = (request.get("overrides") or {}).get("cpu") or definition.get("cpu")
    if not units or not str(units).isdecimal():
        return
    subject = "Fargate quota"
    answer = asking.ask("service-quotas", "GetServiceQuota", subject, ServiceCode="fargate", QuotaCode=code)
    have = float(answer["Quota"]["Value"])
    yield _enough(
        "service-quotas:GetServiceQuota", subject, have, int(units) / UNITS_PER_VCPU, fleet.configured.parallelism
    )


def _batch_size(asking: Asking, request: Mapping[str, Any], fleet: Fleet) -> Iterator[Outcome]:
    call, subject = "batch:DescribeComputeEnvironments", "size of the compute environments"
    queues = asking.ask("batch", "DescribeJobQueues", subject, jobQueues=[request["jobQueue"]]).get("jobQueues", [])
    names = [each["computeEnvironment"] for queue in queues for each in queue.get("computeEnvironmentOrder", ())]
    if not names:
        return
    answer = asking.ask("batch", "DescribeComputeEnvironments", subject, computeEnvironments=names)
    most: list[Any] = [
        (each.get("computeResources") or {}).get("maxvCpus") for each in answer.get("computeEnvironments", ())
    ]
    vcpu = _vcpus(asking, request)
    if vcpu and all(each is not None for each in most):
        yield _enough(call, subject, float(sum(map(int, most))), vcpu, fleet.configured.parallelism)


def _vcpus(asking: Asking, request: Mapping[str, Any]) -> float:
    """How many vCPUs one job has; 0 if that is not said."""
    override = request.get("containerOverrides") or {}
    name = str(request["jobDefinition"])
    exact = name.startswith("arn:") or ":" in name
    how: dict[str, Any] = {"jobDefinitions": [name]} if exact else {"jobDefinitionName": name, "status": "ACTIVE"}
    found = asking.ask("batch", "DescribeJobDefinitions", "the size of a job", **how).get("jobDefinitions", [])
    own = (found[-1].get("containerProperties") or {}) if found else {}
    for needs in (override.get("resourceRequirements") or (), own.get("resourceRequirements") or ()):
        for need in needs:
            if need.get("type") == "VCPU":
                return float(need["value"])
    return float(own.get("vcpus") or 0)


def _enough(call: str, subject: str, have: float, each: float, parallelism: int) -> Outcome:
    need = parallelism * each
    said = f"{have:g} vCPUs at a time; [core] parallelism {parallelism} x {each:g} vCPU is {need:g}"
    if have >= need:
        return Outcome(Status.PASS, call, subject, said)
    mend = "Have it raised, or run fewer tasks at a time: the rest waits for capacity"
    return Outcome(Status.WARN, call, subject, said, mend)


def no_credentials(branches: Sequence[Branch]) -> bool:
    """Whether it is for credentials that something failed."""
    return any(branch.refused for branch in branches)
