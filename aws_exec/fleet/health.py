"""The health check of the executors: everything that they need at AWS, as a tree for each executor.

It changes nothing at AWS. `aws_exec.aws_checks` checks the resources that the requests name; this module adds the
credentials, the identity, the permissions to read (and to stop on ECS: the others cannot be tried without a job), and
the quotas for `[core] parallelism`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from aws_exec.aws_checks.airflow import check_containers
from aws_exec.aws_checks.batch import queue_named, queue_of
from aws_exec.aws_checks.calls import CachedCalls, CallFailed, CredentialsError, Outcome, Status, outcomes
from aws_exec.aws_checks.checks import CAPACITY, CHECKS
from aws_exec.aws_checks.ecs import cluster_named, cluster_of
from aws_exec.aws_checks.store import check_store
from aws_exec.clouds.errors import is_denied
from aws_exec.fleet.errors import MisusedError
from aws_exec.fleet.opening import Fleet
from aws_exec.fleet.policy import Needs, policy
from aws_exec.lifecycle.identity import started_by
from aws_exec.lifecycle.values import CallFailure, FailureKind
from aws_exec.settings import OptionsError
from aws_exec.settings.common.launch import TYPICAL
from aws_exec.settings.common.options import AwsOptions
from aws_exec.settings.common.problems import InvalidExecutorConfig, Problem
from aws_exec.settings.file.positions import Complaint
from aws_exec.settings.file.rendering import levels_of
from aws_exec.settings.file.templates import MEMBER, service_of
from aws_exec.settings.file.terms import SERVICES, Service
from aws_exec.settings.rules.airflow_options import check_airflow
from aws_exec.settings.rules.catalogue import RULES, Severity
from aws_exec.settings.rules.check import Checked, Section
from aws_exec.settings.rules.sources import missing_executor

_EXECUTORS: Mapping[Service, str] = {"ecs": "AwsEcsExecutor", "batch": "AwsBatchExecutor"}
_DEFINITION: Mapping[Service, str] = {"ecs": "taskDefinition", "batch": "jobDefinition"}
_IDENTITY = "sts:GetCallerIdentity"
#: An ID that no task has.
_NO_TASK = "a" * 32
#: The subjects of the outcomes that say that something was not tried, which a probe tries.
LAUNCHING = "launching"
WRITING = "writing workloads"
_UNWRITTEN = "cannot be tried without writing; awsexec check-health --probe does"
_UNTRIED = "cannot be tried without launching; awsexec check-health --policy has what it takes"


@dataclass(frozen=True, slots=True)
class Branch:
    """The results for one executor.

    Attributes:
        executor: its name, with the team's.
        outcomes: of each check, in order.
        refused: whether AWS accepts no credentials.
    """

    executor: str
    outcomes: Sequence[Outcome]
    refused: bool = False

    @property
    def failed(self) -> bool:
        """Whether a check failed."""
        return any(outcome.status is Status.FAIL for outcome in self.outcomes)


def executors(fleet: Fleet, template: str = "") -> list[tuple[Service, str | None]]:
    """Return every configured executor of the selected services and teams; with a template, those that it is for.

    One without a cluster or job queue is among them: `check_health` reports that.

    Raises:
        LookupError: the template does not exist.
    """
    configured = fleet.configured
    services = _services_of(fleet, template) if template else SERVICES
    pairs = [(service, team) for team in configured.teams for service in services if fleet.wants(service)]
    return [(service, team) for service, team in pairs if configured.configuration.configures(service, team)]


def _services_of(fleet: Fleet, template: str) -> tuple[Service, ...]:
    service = service_of(levels_of(fleet.configured.configuration.file, template, {}))
    return SERVICES if service is None else (service,)


def executor_config_of(template: str) -> dict[str, str]:
    """Return the executor_config of a task with this template; empty: of one without."""
    return {MEMBER: template} if template else {}


def _missing(fleet: Fleet) -> str:
    """Return why there are no `executors`: none is configured, or none of the selected service and team."""
    configuration = fleet.configured.configuration
    if not configuration.configured:
        return missing_executor([configuration])
    others = ", ".join(executor_name(service, team) for service, team in configuration.configured)
    return f"no such executor is configured, only {others}"


def check_health(fleet: Fleet, template: str = "") -> list[Branch]:
    """Check each of the `executors`.

    Raises:
        MisusedError: there is none, and why; or `[core] executor` is wrong, so that Airflow does not start.
        LookupError: the template does not exist.
        CloudError: no call is possible: the Region or the profile does not exist.
    """
    wrong = next((one for one in fleet.configured.configuration.check_executors() if one.rule == "executor-name"), None)
    if wrong is not None:
        raise MisusedError(f"[core] executor is wrong: {wrong.message} ({wrong.position})", hint=wrong.hint)
    pairs = executors(fleet, template)
    if not pairs:
        raise MisusedError(
            _missing(fleet), hint="set [core] executor and its options, or name an awsexec.yaml with --config"
        )
    others = [pair for pair in executors(fleet) if pair not in pairs]
    return [
        *(_branch(fleet, service, team, template) for service, team in pairs),
        *(_not_meant(service, team, template) for service, team in others),
    ]


def _not_meant(service: Service, team: str | None, template: str) -> Branch:
    """Return the results for an executor that the template is not for."""
    skipped = Outcome(Status.SKIP, "", "everything", f"template {template} is for the other executor")
    return Branch(executor_name(service, team), [skipped])


def least_policy(fleet: Fleet) -> dict[str, Any]:
    """Return the IAM policy of the `executors`; if none is configured, of the selected services."""
    pairs = executors(fleet)
    needs: dict[Service, list[Needs]] = {service: [] for service, _ in pairs}
    for service, team in pairs:
        needs[service].append(_needs(fleet, service, team))
    return policy(needs or {each: [] for each in SERVICES if fleet.wants(each)}, fleet.partition)


def _needs(fleet: Fleet, service: Service, team: str | None) -> Needs:
    """Return the resources of an executor's requests; any, if its options are wrong."""
    try:
        section = Checked(fleet.configured.configuration, service, team).section()
    except OptionsError:
        return Needs(fleet.region)
    plans = list(section.builder.typical())
    locations = dict.fromkeys(plan.location for plan in plans)
    definitions = dict.fromkeys(str(plan.arguments[_DEFINITION[service]]) for plan in plans)
    stores = (section.options.workload_store,) if section.options.workload_store else ()
    return Needs(fleet.region_of(section.options), tuple(locations), tuple(definitions), stores)


def executor_name(service: Service, team: str | None) -> str:
    """Return how outcomes name an executor."""
    return _EXECUTORS[service] + (f" of team {team}" if team else "")


def _branch(fleet: Fleet, service: Service, team: str | None, template: str) -> Branch:
    name = executor_name(service, team)
    checked = Checked(fleet.configured.configuration, service, team)
    try:
        section = checked.section()
        found = [_of_template(complaint) for complaint in checked.template(template)] if template else []
    except OptionsError as error:
        return Branch(name, [_unusable(problem) for problem in error.problems])
    found += [_of_airflow(complaint) for complaint in check_airflow(checked.configuration)]
    region = fleet.region_of(section.options)
    fleet.client("sts", region)  # raises here if the Region is wrong
    calls = CachedCalls(lambda api: fleet.client(api, region))
    try:
        for outcome in _checks(fleet, service, section, calls, executor_config_of(template)):
            found.append(outcome)
    except InvalidExecutorConfig as error:
        hint = "awsexec validate-config shows where it is wrong"
        return Branch(name, [*found, Outcome(Status.FAIL, "", f"template {template}", str(error), hint)])
    except CredentialsError as error:
        hint = "Log in, name a --profile, or fix the role of this machine"
        found.append(Outcome(Status.FAIL, _IDENTITY, "credentials", str(error), hint))
        found.append(Outcome(Status.SKIP, "", "everything else", "no call is possible without credentials"))
        return Branch(name, found, refused=True)
    except CallFailed as failed:
        found.append(replace(failed.outcome, status=Status.FAIL))
        found.append(Outcome(Status.SKIP, "", "everything else", "AWS does not answer"))
    return Branch(name, found)


def _unusable(problem: Problem) -> Outcome:
    hint = f"{problem.remedy} ({problem.where or problem.variable})"
    return Outcome(Status.FAIL, "", f"option {problem.option}", problem.message, hint)


def _of_airflow(complaint: Complaint) -> Outcome:
    return replace(_of_template(complaint), subject="Airflow's configuration")


def _of_template(complaint: Complaint) -> Outcome:
    status = Status.FAIL if RULES[complaint.rule].severity is Severity.ERROR else Status.WARN
    hint = f"{complaint.hint} ({complaint.position})".lstrip()
    return Outcome(status, "", "template", complaint.message, hint)


def _checks(
    fleet: Fleet, service: Service, section: Section, calls: CachedCalls, executor_config: object
) -> Iterator[Outcome]:
    request: Mapping[str, Any] = section.builder.build(TYPICAL, ["x"], executor_config).arguments
    yield from _identity(calls, section.options)
    needed = chain(
        CHECKS[service](calls, request, section.options.container_name),
        check_containers(calls, service, request, section.options.container_name, fleet.configured.configuration),
        check_store(calls, section.options),
        outcomes(_PERMISSIONS[service](calls, request, section.options)),
    )
    yield from (_reached(outcome, service) for outcome in needed)
    if section.options.workload_store:
        yield Outcome(Status.SKIP, "s3:PutObject", WRITING, _UNWRITTEN)
    yield from CAPACITY[service](calls, request, fleet.configured.configuration.parallelism)


def _reached(outcome: Outcome, service: Service) -> Outcome:
    """Return a failure if the executor's own service is unreachable; other services and throttles only skip a check."""
    unreached = outcome.failure_kind in (FailureKind.UNREACHED, FailureKind.NO_ANSWER)
    return replace(outcome, status=Status.FAIL) if unreached and outcome.call.startswith(f"{service}:") else outcome


def _identity(calls: CachedCalls, options: AwsOptions) -> Iterator[Outcome]:
    """Check the credentials and the identity.

    Raises:
        CredentialsError: AWS does not accept them.
        CallFailed: AWS does not answer at all.
    """
    call = _IDENTITY
    try:
        answer = calls.call("sts", "GetCallerIdentity", "credentials")
    except CallFailed as failed:
        if failed.outcome.unanswered:
            raise
        yield failed.outcome
        return
    arn = str(answer.get("Arn", ""))
    yield Outcome(Status.PASS, call, "credentials", "are accepted")
    if arn.endswith(":root"):
        hint = "Use a role with the policy of awsexec check-health --policy"
        yield Outcome(Status.WARN, call, "identity", f"{arn} is the account's root user", hint)
    else:
        yield Outcome(Status.PASS, call, "identity", arn)
    if options.conn_id not in ("", "aws_default"):
        message = f"the executor uses the Airflow connection {options.conn_id}; these are this shell's credentials"
        yield Outcome(Status.WARN, call, "conn_id", message, "Check again with that connection's credentials")


def _ecs_permissions(calls: CachedCalls, request: Mapping[str, Any], options: AwsOptions) -> Iterator[Outcome]:
    cluster = str(request.get("cluster", "default"))
    ours = started_by(options.deployment or "awsexec")
    lacks = _lacks(lambda: cluster_of(calls, request), cluster_named(request))
    yield from outcomes(
        _allowed(calls, "ecs", "ListTasks", "adoption", lacks, cluster=cluster, startedBy=ours),
        _allowed(calls, "ecs", "DescribeTasks", "following tasks", lacks, cluster=cluster, tasks=[_NO_TASK]),
        _stop(calls, cluster, lacks),
    )
    yield Outcome(Status.SKIP, "ecs:RunTask", LAUNCHING, _UNTRIED)


def _batch_permissions(calls: CachedCalls, request: Mapping[str, Any], _: AwsOptions) -> Iterator[Outcome]:
    queue = str(request["jobQueue"])
    lacks = _lacks(lambda: queue_of(calls, request), queue_named(request))
    yield from outcomes(
        _allowed(calls, "batch", "ListJobs", "adoption", lacks, jobQueue=queue, jobStatus="RUNNING"),
        _allowed(calls, "batch", "DescribeJobs", "following jobs", jobs=[_NO_TASK]),
    )
    yield Outcome(Status.SKIP, "batch:TerminateJob", "stopping jobs", _UNTRIED)
    yield Outcome(Status.SKIP, "batch:SubmitJob", LAUNCHING, _UNTRIED)


#: The permissions that an executor needs, as far as they can be tried.
_PERMISSIONS: Mapping[Service, Callable[[CachedCalls, Mapping[str, Any], AwsOptions], Iterator[Outcome]]] = {
    "ecs": _ecs_permissions,
    "batch": _batch_permissions,
}


def _lacks(find: Callable[[], Mapping[str, Any] | None], named: str) -> str:
    """Return the name of a resource if it is missing, so that this fails once and not for each permission; or empty."""
    try:
        found = find()
    except CallFailed as failed:
        unknown = is_denied(failed.failure) or failed.failure.kind is FailureKind.THROTTLED
        return "" if unknown else named
    return named if found is None or found.get("status") == "INACTIVE" else ""


def _allowed(
    calls: CachedCalls, service: str, operation: str, subject: str, lacks: str = "", **arguments: Any
) -> Iterator[Outcome]:
    """Try a read that the executor makes: a missing permission is a failure here, and not only unknown."""
    call = f"{service}:{operation}"
    if lacks:
        yield Outcome(Status.SKIP, call, subject, f"cannot be tried without {lacks}")
        return
    try:
        calls.call(service, operation, subject, **arguments)
    except CallFailed as failed:
        if not is_denied(failed.failure):
            raise
        degraded = operation.startswith("List")
        hint = f"Allow {call}" + ("; docs/degradation.md says what it costs" if degraded else "")
        status = Status.WARN if degraded else Status.FAIL
        yield Outcome(status, call, subject, failed.outcome.message, hint)
    else:
        yield Outcome(Status.PASS, call, subject, "is allowed")


def _stop(calls: CachedCalls, cluster: str, lacks: str) -> Iterator[Outcome]:
    """Stop a task that cannot exist: "not found" proves the permission to stop."""
    call, subject = "ecs:StopTask", "stopping tasks"
    if lacks:
        yield Outcome(Status.SKIP, call, subject, f"cannot be tried without {lacks}")
        return
    try:
        calls.call("ecs", "StopTask", subject, cluster=cluster, task=_NO_TASK, reason="awsexec check-health")
    except CallFailed as failed:
        if _is_no_task(failed.failure):
            yield Outcome(Status.PASS, call, subject, "is allowed")
        elif is_denied(failed.failure):
            yield Outcome(Status.FAIL, call, subject, failed.outcome.message, f"Allow {call}")
        else:
            raise


def _is_no_task(failure: CallFailure) -> bool:
    """Return whether it is `The referenced task was not found`; a missing cluster has a different code."""
    return failure.code == "InvalidParameterException" and "not found" in failure.message.lower()


def no_credentials(branches: Sequence[Branch]) -> bool:
    """Return whether a check failed because of the credentials."""
    return any(branch.refused for branch in branches)
