"""Every rule, once: its id, how grave it is, and what it holds. Data only: the checks name a rule by its id.

`docs/configuration.md` has the table that is made of this; an id is also the anchor there.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Severity(StrEnum):
    """How grave: an error fails tasks or the start; a warning is something that the author probably did not mean."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        id: as `--ignore` takes it; never changes.
        severity: of all its findings.
        holds: what must be so, and why, in a sentence or two.
    """

    id: str
    severity: Severity
    holds: str

    @property
    def anchor(self) -> str:
        """Where it is documented."""
        return f"docs/configuration.md#{self.id}"


_ERRORS = {
    # -- the text -----------------------------------------------------------------------------------------------------
    "file-unreadable": "A file is there, can be read, is UTF-8 and at most 1 MiB long.",
    "yaml-syntax": "The text is one document of YAML (or JSON).",
    "yaml-limits": "A file has at most 20,000 values, each use of an alias counted, and is nested at most 40 deep.",
    "yaml-duplicate-key": "A key is given once: of two, YAML would silently take the last.",
    "yaml-tag": "YAML tags (`!!python/...`) mean nothing here.",
    "yaml-key": "Keys are text.",
    "cfg-syntax": "An airflow.cfg has sections and `option = value`; an environment file has `NAME=value`.",
    "dag-syntax": "A DAG file is Python that can be parsed.",
    "variable-unset": "`${NAME}` is set in the environment, or has a default: `${NAME:-default}`.",
    "variable-syntax": "`${` begins `${NAME}` or `${NAME:-default}`; a dollar sign is `$$`.",
    # -- the file -----------------------------------------------------------------------------------------------------
    "file-version": "`version` is 1.",
    "file-type": "A member of the file is of its kind: text, a number, a mapping.",
    "file-foreign": "The file is an awsexec.yaml, not a CloudFormation template, a price table or the like.",
    "file-unknown-key": "A member of the file is one that there is.",
    "option-unknown": "An option is one that the executor has.",
    "option-value": "An option has a value that it can have.",
    "option-required": "An executor has all that it cannot start without.",
    "option-conflict": "`launch_type` and `capacity_provider_strategy` exclude each other.",
    "option-arn": "An ARN names the kind of thing that its option or member wants, in a partition that exists.",
    "option-region": "`region_name` is the name of a Region (of botocore's partitions), as in eu-central-1.",
    "executor-name": "`[core] executor` lists executors as Airflow reads them: `path` or `alias:path`, then teams.",
    # -- templates ----------------------------------------------------------------------------------------------------
    "template-unknown-term": "A term of a template is one that there is.",
    "template-value": "A term has a value that it can have.",
    "template-conflict": "A template has one of `spot`, `launch_type` and `capacity_provider` at most.",
    "template-extends-unknown": "The template that another extends exists.",
    "template-extends-cycle": "No template extends itself, by whatever way round.",
    "template-executor": "A template is used by the executor that it is for, which is configured.",
    "template-unknown": "The template that an `executor_config` names exists.",
    "queue-unknown-template": "The template of an Airflow queue exists.",
    # -- the request, as AWS takes it ---------------------------------------------------------------------------------
    "request-unknown": "A member of a request is one that AWS knows, and stands where it belongs.",
    "request-type": "A member of a request is of AWS's type.",
    "request-required": "What AWS requires is there.",
    "request-enum": "A member of a request is one of the values that AWS knows.",
    "request-range": "A number is within AWS's bounds.",
    "request-length": "A text or list is as long as AWS allows.",
    "request-pattern": "A text has the characters that AWS allows.",
    "request-reserved": "What awsexec decides (command, clientToken, startedBy, count) is not set.",
    "request-unsupported": "Array jobs, multi-node jobs and jobs on EKS are not used: one task is one container.",
    "request-twice": "A member of a request is given once, in one spelling.",
    "request-depth": "A request is not nested deeper than 20.",
    "request-invalid": "A member that takes exactly one of several has one.",
    "launch-type-conflict": "`launchType` and `capacityProviderStrategy` exclude each other in one request.",
    "env-reserved": "Names of environment variables do not begin with `AWSEXEC_`, nor with `AWS_BATCH` on Batch.",
    "env-name": "Environment variables have names.",
    "tag-key": "Tags have keys, which do not begin with `aws:`.",
    "override-budget": "The overrides with a typical workload are at most 8,192 characters of JSON.",
    "container-name": "It is known which of several containers is Airflow's.",
    "container-larger": "A container is not larger than its task.",
    # -- Fargate and networks -----------------------------------------------------------------------------------------
    "fargate-size": "CPU and memory on Fargate are one of the sizes that there are.",
    "fargate-gpu": "There are no GPUs on Fargate.",
    "fargate-storage": "Ephemeral storage on Fargate is 21 to 200 GiB.",
    "fargate-placement": "Placement constraints and strategies are not for Fargate.",
    "network-subnets": "Tasks on Fargate have at least one subnet: their network mode is awsvpc.",
    "network-count": "At most 16 subnets and 5 security groups.",
    "network-id": "Subnets are `subnet-...`, security groups `sg-...`.",
    "capacity-strategy": "A strategy has at most 20 providers, Fargate's or one's own, one base, and a weight above 0.",
    # -- Batch --------------------------------------------------------------------------------------------------------
    "batch-timeout": "The timeout of a Batch job is at least 60 seconds.",
    "batch-retry-attempts": "`attempts` is 1 to 10, and `evaluateOnExit` has at most 5 rules.",
    "batch-resource": "The value of a resource requirement is a number, as text.",
    "batch-priority": "`schedulingPriorityOverride` is 0 to 9999.",
    # -- what AWS says (`--live`) -------------------------------------------------------------------------------------
    "live-answer": "AWS answers something of what is asked for an executor: otherwise nothing was checked.",
    "live-cluster": "The cluster exists, and is ACTIVE.",
    "live-capacity-provider": "A capacity provider is associated with the cluster.",
    "live-task-definition": "The task definition exists, is ACTIVE, and fits network and launch type.",
    "live-size": "CPU and memory, with what the definition says of them, are one of the sizes of Fargate.",
    "live-container": "The task or job definition has the Airflow container, and those that are overridden.",
    "live-role": "The roles of a task or job exist, and a job definition for Fargate has an execution role.",
    "live-network": "Subnets and security groups exist, in one VPC.",
    "live-log-group": "The log group exists, or is made when it is first used: containers cannot start without.",
    "live-job-queue": "The job queue exists, is ENABLED and VALID.",
    "live-compute-environment": "The compute environments of the job queue are ENABLED and VALID.",
    "live-job-definition": "The job definition exists, and is ACTIVE.",
}

_WARNINGS = {
    "template-no-effect": "A term means something to the service that the template is for.",
    "request-spelling": "Numbers are numbers and texts are texts, as AWS has them; awsexec mends it, others do not.",
    "tag-room": "There is room for awsexec's own tags beside the user's: 50 in all.",
    "secret-plain": "No secret is written in plain text: it would be seen by everybody who can describe a task.",
    "env-base-url": "A container that is told the address of the execution API is told `[api] base_url`, too: "
    "operator links are made in the container, and are relative without it.",
    "override-budget-tight": "The overrides leave room for a workload with the longest names.",
    "container-unknown": "A container's name is not almost that of the Airflow container.",
    "list-replaces": "A list that replaces the configured one was meant to: only lists of named things merge.",
    "kwargs-no-effect": "What the `*_kwargs` set has an effect.",
    "job-name": "`job_name` is one that AWS Batch takes.",
    "fargate-size-maybe": "CPU and memory fit Fargate, where tasks run if the cluster has no strategy of its own.",
    "fargate-only": "What only Fargate has is not set for tasks that run elsewhere.",
    "batch-retry-twice": "AWS Batch does not try again by itself: Airflow refuses a second container of a launch.",
    "batch-retry-final": "`evaluateOnExit` ends with a rule for everything else: no match means retry.",
    "rate-quota": "`launch_rate` is not above the documented quota.",
    "queued-timeout": "`[scheduler] task_queued_timeout` is longer than instances take to start.",
    "launch-timeout": "`launch_timeout` is shorter than `[scheduler] task_queued_timeout`, which ends first.",
    "executor-ignored": "Airflow starts what is configured: `[core] executor` names the executors that have options, "
    "and `[core] multi_team` is set for those of teams.",
    "retired-package": "Nothing is configured for the retired package `airflow-aws-executors`: nobody reads it.",
    "parallelism-quota": "As many tasks as `[core] parallelism` fit into the vCPU quota that `quotas` names.",
    "legacy-flat": "An `executor_config` says where its members belong; flat ones are the Airflow container's.",
    "legacy-tags": "Tags are a mapping of keys and values; the amazon provider's example is one tag.",
    "legacy-literal": "A capacity provider strategy is JSON, not a Python literal.",
    "live-log-driver": "The Airflow container has a log driver: without, one that dies early leaves no word.",
    "live-container-limit": "A container's own limit in the task definition is not below the memory its task is given.",
    "live-quota": "As many tasks as `[core] parallelism` fit: Fargate's vCPU quota, the compute environments' maximum.",
    "legacy-vcpus": "`vcpus` and `memory` are `resourceRequirements` to AWS Batch by now.",
}

RULES = MappingProxyType(
    {
        **{name: Rule(name, Severity.ERROR, holds) for name, holds in _ERRORS.items()},
        **{name: Rule(name, Severity.WARNING, holds) for name, holds in _WARNINGS.items()},
    }
)
