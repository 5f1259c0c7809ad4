"""What AWS Batch says in `statusReason`: of ended jobs, and of jobs that wait in RUNNABLE for ever.

A job that its queue's jobStateTimeLimitActions cancelled repeats the reason it was stuck for.
"""

from typing import Final

from aws_exec.diagnosis import pages
from aws_exec.diagnosis.model import Blame, StopRule
from aws_exec.lifecycle.policy import Replacement

RULES: Final = (
    StopRule(
        id="batch-timeout",
        when=r"attempt duration exceeded timeout",
        service="batch",
        cause="The job ran longer than its timeout, and AWS Batch terminated it.",
        blame=Blame.TASK,
        remedy="Raise the timeout (attemptDurationSeconds) of the template or job definition, or make the task faster.",
        page=pages.BATCH_TIMEOUTS,
    ),
    StopRule(
        id="batch-no-capacity",
        when=r"\bCAPACITY:\w",
        service="batch",
        cause="No compute environment of the job queue can get instances for the job at the moment.",
        blame=Blame.AWS,
        new=Replacement.FREE,
        remedy="Allow more instance types and Availability Zones, or add an On-Demand environment to the queue.",
        page=pages.BATCH_STUCK_CAPACITY,
    ),
    StopRule(
        id="batch-max-vcpus",
        when=r"COMPUTE_ENVIRONMENT_MAX_RESOURCE",
        service="batch",
        cause="The job asks for more vCPUs than any compute environment of its queue may have.",
        blame=Blame.DEPLOYMENT,
        new=Replacement.NO,
        remedy="Raise maxvCpus of the compute environment, or ask for fewer vCPUs.",
        page=pages.BATCH_STUCK,
    ),
    StopRule(
        id="batch-too-large",
        when=r"JOB_RESOURCE_REQUIREMENT",
        service="batch",
        cause="No instance type of the queue's compute environments has the vCPUs, memory or GPUs the job asks for.",
        blame=Blame.DEPLOYMENT,
        new=Replacement.NO,
        remedy="Allow larger instance types in the compute environment, or ask for less.",
        page=pages.BATCH_STUCK,
    ),
    StopRule(
        id="batch-service-role",
        when=r"SERVICE_ROLE_PERMISSIONS",
        service="batch",
        cause="The service role of the compute environment lacks permissions.",
        blame=Blame.DEPLOYMENT,
        remedy="Use the service-linked role of AWS Batch, or give the role what its managed policy has.",
        page=pages.BATCH_STUCK,
    ),
    StopRule(
        id="batch-instance-type",
        when=r"EC2_INSTANCE_CONFIGURATION_UNSUPPORTED",
        service="batch",
        cause="The compute environment's instance types are not offered there, or do not fit its launch template.",
        blame=Blame.DEPLOYMENT,
        new=Replacement.NO,
        remedy="Choose instance types that the Availability Zones offer and that suit the launch template.",
        page=pages.BATCH_STUCK,
    ),
    StopRule(
        id="batch-misconfigured",
        when=r"MISCONFIGURATION:",
        service="batch",
        cause="The job queue or its compute environments are misconfigured: the job cannot be placed.",
        blame=Blame.DEPLOYMENT,
        remedy="Read what AWS Batch says, and mend the compute environment.",
        page=pages.BATCH_STUCK,
    ),
    StopRule(
        id="batch-environment-invalid",
        when=r"(?:ACTION_REQUIRED|CE\(s\) associated with the job queue are (?:invalid|disabled))",
        service="batch",
        cause="The compute environments of the job queue are INVALID or disabled.",
        blame=Blame.DEPLOYMENT,
        remedy="Enable them; where one is INVALID, read its own statusReason and repair it.",
        page=pages.BATCH_INVALID,
    ),
    StopRule(
        id="batch-undetermined",
        when=r"UNDETERMINED",
        service="batch",
        cause="The head of the job queue is blocked, and AWS Batch does not know why.",
        blame=Blame.UNKNOWN,
        remedy="Check log driver, network, ECS agent and user data of the compute resources, and the EC2 quotas.",
        page=pages.BATCH_UNDETERMINED,
    ),
    StopRule(
        id="batch-time-limit",
        when=r"JobStateTimeLimit",
        service="batch",
        cause="The job waited longer than its queue allows, and the queue's time limit cancelled it.",
        blame=Blame.DEPLOYMENT,
        remedy="Give the queue more capacity, or a longer limit in jobStateTimeLimitActions.",
        page=pages.BATCH_LIMITS,
    ),
    StopRule(
        id="batch-dependency",
        when=r"dependent job failed",
        service="batch",
        cause="A job that this one depends on failed, so it never ran.",
        blame=Blame.DEPLOYMENT,
        new=Replacement.NO,
        remedy="Drop dependsOn from the request: Airflow's own dependencies decide when a task runs.",
        page=pages.BATCH_DEPENDENCIES,
    ),
    StopRule(
        id="batch-array-child",
        when=r"array child job failed",
        service="batch",
        cause="A child of the array job failed.",
        blame=Blame.DEPLOYMENT,
        new=Replacement.NO,
        remedy="Drop arrayProperties from the request: one Airflow task is one container.",
        page=pages.BATCH_DEFINITION,
    ),
    StopRule(
        id="batch-definition-invalid",
        when=r"(?:Error executing request|JobDefinition.*(?:invalid|inactive|deregister)|CLIENT_ERROR|"
        r"overrides length must be at most)",
        service="batch",
        cause="AWS Batch could not make an ECS task of the job: the job definition or its overrides are invalid.",
        blame=Blame.DEPLOYMENT,
        new=Replacement.NO,
        remedy="Read the message and correct the job definition or the overrides.",
        page=pages.BATCH_DEFINITION,
    ),
)
