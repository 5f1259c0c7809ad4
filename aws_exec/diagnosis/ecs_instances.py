"""The rules for ECS Managed Instances that launched no instance for a task. EC2's error follows the provider's name.

They are tried before the rules for what a task needs on its host: the sentence has the same category, and the name may
be any word.
"""

from typing import Final

from aws_exec.diagnosis import pages
from aws_exec.diagnosis.model import Blame, TerminationRule
from aws_exec.lifecycle.policy import Replacement

_LAUNCH: Final = r"Unable to launch instance\(s\) for capacity provider [\w-]+\.\s+"

RULES: Final = (
    TerminationRule(
        id="managed-instances-quota",
        general=("managed-instances-failed",),
        when=_LAUNCH + r"\w*(?:Limit|Count)Exceeded\b",
        cause="A quota of the account on EC2 instances, On-Demand or Spot, is used up.",
        blame=Blame.DEPLOYMENT,
        replacement=Replacement.FREE,
        remedy="Have the quota of Amazon EC2 raised in Service Quotas, or run fewer or smaller tasks at once.",
        page=pages.MANAGED_INSTANCES,
    ),
    TerminationRule(
        id="managed-instances-capacity",
        general=("managed-instances-failed",),
        when=_LAUNCH + r"\w*Capacity\b",
        cause="Amazon EC2 has no capacity for what the capacity provider and the task ask for at the moment.",
        blame=Blame.AWS,
        replacement=Replacement.FREE,
        remedy="Wait, or allow the capacity provider more instance types, Availability Zones or On-Demand instances.",
        page=pages.MANAGED_INSTANCES,
    ),
    TerminationRule(
        id="managed-instances-denied",
        general=("managed-instances-failed",),
        when=_LAUNCH + r"(?:UnauthorizedOperation|AccessDenied\w*)\b",
        cause="The infrastructure role of the capacity provider may not launch instances.",
        blame=Blame.DEPLOYMENT,
        replacement=Replacement.NO,
        remedy="Allow the role what the message names; AWS's own policy passes only roles called ecsInstanceRole* on.",
        page=pages.MANAGED_INSTANCES,
    ),
    TerminationRule(
        id="managed-instances-failed",
        general=("init-failed",),
        when=r"Unable to launch instance\(s\) for capacity provider",
        cause="Amazon ECS could not launch an instance for the capacity provider.",
        blame=Blame.DEPLOYMENT,
        remedy="Read the message: it names the error of Amazon EC2; check the capacity provider.",
        page=pages.MANAGED_INSTANCES,
    ),
)
