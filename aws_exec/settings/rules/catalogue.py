"""The catalogue of rules: id, severity and what each requires. Data only: the checks refer to a rule by its id.

`docs/configuration.md` has the table that is made of this; an id is also the anchor there.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

#: The site that `make docs` builds; `[project.urls]` has the same.
DOCUMENTATION: Final = "https://awsexec.readthedocs.io/en/latest/"


class Severity(StrEnum):
    """The severity: an error fails tasks or the start; a warning is probably a mistake."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        id: for `--ignore`; never changes.
        severity: of all its findings.
        holds: what must hold, and why, in a sentence or two.
    """

    id: str
    severity: Severity
    holds: str

    @property
    def anchor(self) -> str:
        """The URL of its documentation."""
        return f"{DOCUMENTATION}docs/configuration.html#{self.id}"


_ERRORS = {
    # -- the text -----------------------------------------------------------------------------------------------------
    "file-unreadable": "A file exists, is readable, is UTF-8 and at most 1 MiB long.",
    "yaml-syntax": "The text is one document of YAML (or JSON).",
    "yaml-limits": "A file has at most 20,000 values, each use of an alias counted, and is nested at most 40 deep.",
    "yaml-duplicate-key": "A key is given once: of two, YAML would silently take the last.",
    "yaml-tag": "YAML tags (`!!python/...`) are not used.",
    "yaml-key": "Keys are text.",
    "cfg-syntax": "An airflow.cfg has sections and `option = value`; an environment file has `NAME=value`.",
    "dag-syntax": "A DAG file is Python that can be parsed.",
    "variable-unset": "`${NAME}` is set in the environment, or has a default: `${NAME:-default}`.",
    "variable-syntax": "`${` begins `${NAME}` or `${NAME:-default}`; a dollar sign is `$$`.",
    # -- the file -----------------------------------------------------------------------------------------------------
    "file-version": "`version` is 1.",
    "file-type": "A member of the file has the right type: text, a number, a mapping.",
    "file-foreign": "The file is an awsexec.yaml, not a CloudFormation template, a price table or the like.",
    "file-unknown-key": "Every key of the file is known.",
    "option-unknown": "Every option is known to the executor.",
    "option-value": "Every option has a valid value.",
    "option-required": "All required options of an executor are set.",
    "option-conflict": "`launch_type` and `capacity_provider_strategy` exclude each other, and `workload_store` is not "
    "set together with `container_entry = False`.",
    "option-arn": "An ARN has the kind of resource that its option or member needs, in an existing partition.",
    "option-region": "`region_name` is the name of a Region (of botocore's partitions), as in eu-central-1.",
    "executor-name": "`[core] executor` lists executors as Airflow reads them: `path` or `alias:path`, then teams.",
    "execution-api-url": "`[core] execution_api_server_url` is the URL at which containers reach the API server: not "
    "localhost, and its path ends in /execution/.",
    # -- templates ----------------------------------------------------------------------------------------------------
    "template-unknown-term": "Every term of a template is known.",
    "template-value": "Every term has a valid value.",
    "template-conflict": "A template has one of `spot`, `launch_type` and `capacity_provider` at most.",
    "template-extends-unknown": "The template that another extends exists.",
    "template-extends-cycle": "No template extends itself, directly or indirectly.",
    "template-executor": "A template is used by the executor that it is for, and this executor is configured.",
    "template-unknown": "The template that an `executor_config` names exists.",
    "queue-unknown-template": "The template of an Airflow queue exists.",
    # -- the request --------------------------------------------------------------------------------------------------
    "request-unknown": "Every member of a request is known to AWS, and is at the right level.",
    "request-type": "A member of a request is of AWS's type.",
    "request-required": "All members that AWS requires are set.",
    "request-enum": "A member of a request has one of the values that AWS allows.",
    "request-range": "A number is within AWS's bounds.",
    "request-length": "A text or list has a length that AWS allows.",
    "request-pattern": "A text has only characters that AWS allows.",
    "request-reserved": "Members that awsexec sets itself (command, clientToken, startedBy, count) are not set.",
    "request-unsupported": "Array jobs, multi-node jobs and jobs on EKS are not used: one task is one container.",
    "request-twice": "A member of a request is given once, in one spelling.",
    "request-depth": "A request is not nested deeper than 20.",
    "request-invalid": "A member that requires exactly one of several members has one.",
    "launch-type-conflict": "`launchType` and `capacityProviderStrategy` exclude each other in one request.",
    "env-reserved": "Names of environment variables do not begin with `AWSEXEC_`, nor with `AWS_BATCH` on Batch.",
    "env-name": "Environment variables have names.",
    "tag-key": "Tags have keys, which do not begin with `aws:`.",
    "override-budget": "The overrides with a typical workload are at most 8,192 characters of JSON.",
    "container-name": "If a job has several containers, the name of the Airflow container is known.",
    "container-larger": "A container is not larger than its task.",
    # -- Fargate and networks -----------------------------------------------------------------------------------------
    "fargate-size": "CPU and memory on Fargate are one of its sizes.",
    "fargate-gpu": "There are no GPUs on Fargate.",
    "fargate-storage": "Ephemeral storage on Fargate is 21 to 200 GiB.",
    "fargate-placement": "Placement constraints and strategies are not for Fargate.",
    "network-subnets": "Tasks on Fargate have at least one subnet: their network mode is awsvpc.",
    "network-count": "At most 16 subnets and 5 security groups.",
    "network-id": "Subnets are `subnet-...`, security groups `sg-...`.",
    "capacity-strategy": "A strategy has at most 20 providers, Fargate's or your own, one base, and a weight above 0.",
    # -- Batch --------------------------------------------------------------------------------------------------------
    "batch-timeout": "The timeout of a Batch job is at least 60 seconds.",
    "batch-retry-attempts": "`attempts` is 1 to 10, and `evaluateOnExit` has at most 5 rules.",
    "batch-resource": "The value of a resource requirement is a number, as text.",
    "batch-priority": "`schedulingPriorityOverride` is 0 to 9999.",
    # -- checks against AWS (`--live`) --------------------------------------------------------------------------------
    "live-answer": "AWS answers at least one call for an executor: otherwise nothing was checked.",
    "live-cluster": "The cluster exists, and is ACTIVE.",
    "live-capacity-provider": "A capacity provider is associated with the cluster.",
    "live-task-definition": "The task definition exists, is ACTIVE, and fits network and launch type.",
    "live-size": "CPU and memory, including those of the definition, are one of Fargate's sizes.",
    "live-container": "The task or job definition has the Airflow container, and all overridden containers.",
    "live-role": "The roles of a task or job exist, and a job definition for Fargate has an execution role.",
    "live-network": "Subnets and security groups exist, in one VPC.",
    "live-log-group": "The log group exists, or is created on first use: containers cannot start without it.",
    "live-job-queue": "The job queue exists, is ENABLED and VALID.",
    "live-compute-environment": "The compute environments of the job queue are ENABLED and VALID.",
    "live-job-definition": "The job definition exists, and is ACTIVE.",
    "live-execution-api": "The Airflow container can use the URL of the Execution API in its environment.",
    "live-log-folder": "The bucket of `[logging] remote_base_log_folder` exists.",
    "live-workload-store": "The bucket of `workload_store` exists.",
}

_WARNINGS = {
    "template-no-effect": "Every term has an effect on the service that the template is for.",
    "request-spelling": "Numbers are numbers and texts are texts, as AWS defines them; awsexec converts them.",
    "tag-room": "There is room for awsexec's own tags beside the user's: 50 in all.",
    "secret-plain": "No secret is in plain text: everybody who can describe a task could read it.",
    "execution-api-unset": "`[core] execution_api_server_url` is set: without it and `[api] base_url`, containers look "
    "for the API server at localhost:8080.",
    "api-auth-differs": "`[api_auth]` options are the same in every source: a component that reads only one of them "
    "refuses the tokens of the others.",
    "remote-logging": "`[logging] remote_logging` and `remote_base_log_folder` are set together, and for containers as "
    "for Airflow: a container's own log files are lost with it.",
    "env-base-url": "A container that has the address of the execution API also has `[api] base_url`: "
    "operator links are created in the container, and are relative without it.",
    "override-budget-tight": "The overrides leave room for a workload with the longest names.",
    "container-unknown": "A container's name is not almost that of the Airflow container.",
    "list-replaces": "A list replaces the configured one only intentionally: only lists of named items merge.",
    "kwargs-no-effect": "All members of the `*_kwargs` have an effect.",
    "job-name": "AWS Batch accepts `job_name`.",
    "fargate-size-maybe": "CPU and memory fit Fargate, where tasks run if the cluster has no default strategy.",
    "fargate-only": "Members that only Fargate supports are not set for other tasks.",
    "batch-retry-twice": "AWS Batch does not retry by itself: Airflow refuses a second container of a launch.",
    "batch-retry-full": "`evaluateOnExit` has room for awsexec's rule, which ends the job once its task has ended.",
    "batch-retry-final": "`evaluateOnExit` ends with a rule for everything else: no match means retry.",
    "rate-quota": "`launch_rate` is not above the documented quota.",
    "queued-timeout": "`[scheduler] task_queued_timeout` is longer than instances take to start.",
    "launch-timeout": "`launch_timeout` is shorter than `[scheduler] task_queued_timeout`, which ends first.",
    "executor-ignored": "Airflow starts every configured executor: `[core] executor` names those with options, "
    "and `[core] multi_team` is set for those of teams.",
    "retired-package": "Nothing is configured for the retired package `airflow-aws-executors`: it has no effect.",
    "parallelism-quota": "As many tasks as `[core] parallelism` fit into the vCPU quota in `quotas`.",
    "legacy-flat": "An `executor_config` has its members at the right level; flat ones apply to the Airflow container.",
    "legacy-tags": "Tags are a mapping of keys and values; the Amazon provider's example is one tag.",
    "legacy-literal": "A capacity provider strategy is JSON, not a Python literal.",
    "live-image-version": "The image of the Airflow container has the version of Airflow that the scheduler has.",
    "live-log-driver": "The Airflow container has a log driver: without one, an early failure leaves no log.",
    "live-container-limit": "A container's own limit in the task definition is not below the memory of its task.",
    "live-quota": "As many tasks as `[core] parallelism` fit: Fargate's vCPU quota, the compute environments' maximum.",
    "legacy-vcpus": "`vcpus` and `memory` are deprecated: AWS Batch uses `resourceRequirements`.",
}

RULES = MappingProxyType(
    {
        **{name: Rule(name, Severity.ERROR, holds) for name, holds in _ERRORS.items()},
        **{name: Rule(name, Severity.WARNING, holds) for name, holds in _WARNINGS.items()},
    }
)
