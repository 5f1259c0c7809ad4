"""The rules for ended jobs; the first that matches wins.

The order: reasons that hold whoever stopped the job, deliberate stops, AWS's reasons about the container, about its
placement, exit codes, and last the jobs that cannot be explained.
"""

from collections.abc import Mapping
from itertools import chain
from typing import Final

from aws_exec.diagnosis import (
    batch,
    ecs_agent,
    ecs_container,
    ecs_initialization,
    ecs_instances,
    ecs_placement,
    ecs_pull,
    exit_codes,
    outcomes,
    pages,
)
from aws_exec.diagnosis.model import Blame, TerminationRule, unique
from aws_exec.lifecycle.policy import Replacement

_ON_PURPOSE: Final = (
    TerminationRule(
        id="batch-terminated-by-user",
        service="batch",
        user_initiated=True,
        cause="Somebody, or another program, cancelled or terminated the job.",
        blame=Blame.PERSON,
        replacement=Replacement.NO,
        remedy="Ask who did it (the reason, CloudTrail: TerminateJob, CancelJob), then clear the task in Airflow.",
        page=pages.BATCH_TERMINATE,
    ),
    TerminationRule(
        id="stopped-by-user",
        user_initiated=True,
        cause="Somebody, or another program, stopped the task.",
        blame=Blame.PERSON,
        replacement=Replacement.NO,
        remedy="Ask who did it (the reason, CloudTrail: StopTask), then clear the task in Airflow.",
        page=pages.STOP_TASK,
    ),
    # An adapter that does not know who stopped it still passes on AWS's reason.
    TerminationRule(
        id="said-to-be-stopped-by-user",
        when=r"(?:UserInitiated|stopped by user|terminated by user|cancell?ed by user)",
        cause="AWS says that a user stopped it.",
        blame=Blame.PERSON,
        replacement=Replacement.NO,
        remedy="Ask who did it (the reason, CloudTrail), then clear the task in Airflow.",
        page=pages.STOP_TASK,
    ),
)

_LAST: Final = (
    TerminationRule(
        id="host-vanished",
        started=True,
        exited=False,
        cause="The container had started, and ended without an exit code: its host was lost.",
        blame=Blame.AWS,
        remedy="Let Airflow retry the task; on EC2 look for terminated, full or overloaded hosts.",
        page=pages.WHY_STOPPED,
    ),
    TerminationRule(
        id="unexplained",
        no_reason=True,
        cause="The container never started, and AWS gave no reason.",
        blame=Blame.UNKNOWN,
        remedy="Run the task again; if it repeats, look at the stopped task in the AWS console.",
        page=pages.STOPPED,
    ),
    TerminationRule(
        id="unknown",
        cause="AWS gave a reason that awsexec does not know.",
        blame=Blame.UNKNOWN,
        remedy="Read what AWS said, and the page on stopped tasks.",
        page=pages.STOPPED,
    ),
)

#: By service and kind, in the order in which they are tried. Batch jobs run as ECS tasks, so both have ECS's reasons.
GROUPS: Final[Mapping[str, tuple[TerminationRule, ...]]] = {
    "Batch: the job, its queue and its compute environments": batch.RULES,
    "ECS and Batch: stopped on purpose": _ON_PURPOSE,
    "ECS: Managed Instances": ecs_instances.RULES,
    "ECS and Batch: pulling the image": ecs_pull.RULES,
    "ECS and Batch: what a task needs before it starts": ecs_initialization.RULES,
    "ECS and Batch: the container runtime": ecs_container.RULES,
    "ECS and Batch: the agent of a container instance": ecs_agent.RULES,
    "ECS and Batch: what else a task needs before it starts": ecs_initialization.OTHERS,
    "ECS and Batch: placement and capacity": ecs_placement.PLACEMENT,
    "ECS and Batch: what took the task away": ecs_placement.TAKEN_AWAY,
    "ECS and Batch: no more than that it did not start": ecs_placement.UNEXPLAINED,
    "ECS and Batch: outcomes of the task, as awsexec in the container reports them": outcomes.RULES,
    "ECS and Batch: exit codes, where nothing more is said": exit_codes.RULES,
    "ECS and Batch: what is left": _LAST,
}

RULES: Final = unique(chain.from_iterable(GROUPS.values()))
