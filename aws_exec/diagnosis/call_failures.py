"""The rules for failed calls: the kind of failure, what happened, what to do.

The adapters and the diagnosis read this one table. `kind_of_message` returns the kind of failure that a sentence means
where AWS's error code is too vague (`CallFailureRule.sentences`, in the order of `About`). `diagnose_call_failure`
explains a failure whose kind is known: the first rule of that kind wins. RunTask refuses a placement in the same words
in which AWS explains why a task failed to start, so these rules are shared.

AWS quotes names that a task's author chose (containers, definitions, queues, subnets) in the middle of its sentences.
So the sentences about named things are tried first, and a failure that slows or pauses the executor (a throttle, bad
credentials) matches only if AWS's complete phrase begins or ends the message: a job definition may be called
`throttle-test:3`.

The strings are AWS's: ECS event messages and failure reasons (developer guide), `Tasks provisioning capacity limit
exceeded.` (quota of PROVISIONING tasks), errors of EC2 that RunTask passes on (`Error retrieving security group
information ...: Request limit exceeded. (ErrorCode: RequestLimitExceeded)`), Batch's `Error executing request,
Exception : ..., RequestId: ...`, and refusals of Batch that users have reported (nextflow, metaflow, redun).
"""

import re
from collections.abc import Mapping
from typing import Final

from aws_exec.diagnosis import pages
from aws_exec.diagnosis.ecs_placement import PLACEMENT
from aws_exec.diagnosis.model import About, Blame, CallFailureRule, Sentence, TerminationRule, ends_of, unique
from aws_exec.lifecycle.policy import Replacement
from aws_exec.lifecycle.values import FailureKind

#: The beginning of AWS's own sentence: after the prefix of a wrapper, if any.
_BEGINS: Final = r"\A\s*(?:(?:Error executing request, Exception|\w+Exception) ?: )*"
#: Its end: before what Batch and the SDK for Java append.
_ENDS: Final = r"\.?(?:,? RequestId: [\w-]+)?\s*\Z"
#: Codes of EC2 and of the SDK for Java for a throttle, in the brackets at a message's end.
_THROTTLES: Final = r"RequestLimitExceeded|Throttling\w*|ThrottledException|TooManyRequests\w*|SlowDown"
_DEFINITION: Final = r"(?:task|job) ?definition\b"
_QUEUE_MISMATCH: Final = r"attached to Compute Environment that can ?not run Jobs\b"

_INVALID: Final = frozenset({FailureKind.INVALID})


def _about(about: About, *patterns: str) -> tuple[Sentence, ...]:
    return tuple(Sentence(about, pattern) for pattern in patterns)


#: The rules for tasks that failed to start that also explain RunTask's refusals, and what the sentence is about if it
#: alone means a kind of failure.
_SHARED: Final[Mapping[str, About | None]] = {
    "role-not-assumed": About.PERMISSION,
    "capacity-quota": About.CAPACITY,
    "capacity-fargate": None,
    "capacity-gpu": None,
    "capacity-interfaces": None,
    "capacity-instances": None,
    "capacity-no-instances": None,
    "placement-constraint": None,
    "placement-attribute": None,
    "placement-location": None,
}


def _refusal(rule: TerminationRule) -> CallFailureRule:
    """Return the rule that recognises the same reason in an answer; only a refused call can have one."""
    about = _SHARED[rule.id]
    return CallFailureRule(
        id=f"call-{rule.id}",
        when=rule.when,
        sentences=_about(about, rule.when) if about else (),
        kinds=frozenset({FailureKind.NO_CAPACITY, FailureKind.REFUSED}),
        cause=rule.cause,
        blame=rule.blame,
        replacement=rule.replacement,
        general=tuple(f"call-{name}" for name in rule.general),
        remedy=rule.remedy,
        page=rule.page,
    )


RULES: Final = unique(
    (
        CallFailureRule(
            id="held",
            rest=True,
            kinds=frozenset({FailureKind.HELD}),
            cause="The executor held the request back; nothing was sent.",
            blame=Blame.UNKNOWN,
            remedy="Nothing: it is looked at again.",
            page=pages.RUN_TASK,
        ),
        CallFailureRule(
            id="throttled",
            rest=True,
            kinds=frozenset({FailureKind.THROTTLED}),
            sentences=_about(
                About.THROTTLE,
                rf"{_BEGINS}(?:(?:The|Your|API|request) )*rate (?:limit )?(?:(?:was|has been) )?exceeded\b",
                rf"{_BEGINS}Request ?limit ?exceeded\b",
                rf"{_BEGINS}Too many requests\b",
                rf"{_BEGINS}Throttl(?:ed|ing)(?: due to\b|:|{_ENDS})",
                rf"{_BEGINS}(?:(?:The|Your|This) )?(?:request|call)s? (?:[a-z]+ ){{1,5}}throttl(?:ed|ing)\b",
                rf"{_BEGINS}(?!Invalid|Missing|Unsupported).*: (?:rate(?: limit)?|request limit) exceeded{_ENDS}",
                rf"\((?:[^()]*; )?Error ?Code: (?:{_THROTTLES})(?:;[^()]*)?\){_ENDS}",
            ),
            cause="AWS limits how often this call may be made; the executor slows down and continues.",
            blame=Blame.DEPLOYMENT,
            remedy="Nothing, if it passes; else lower launch_rate or have the quota raised.",
            page=pages.THROTTLING,
        ),
        CallFailureRule(
            id="unreached-tls",
            general=("unreached",),
            when=r"SSL|certificate",
            kinds=frozenset({FailureKind.UNREACHED}),
            cause="The secure connection to the AWS endpoint could not be made.",
            blame=Blame.DEPLOYMENT,
            remedy="Check the CA bundle (AWS_CA_BUNDLE), the proxy and the clock.",
            page=pages.ENDPOINTS,
        ),
        CallFailureRule(
            id="unreached",
            rest=True,
            kinds=frozenset({FailureKind.UNREACHED}),
            cause="The AWS endpoint could not be reached; nothing was sent.",
            blame=Blame.DEPLOYMENT,
            remedy="Check DNS, routes, proxy and endpoint_url of the machine that the scheduler runs on.",
            page=pages.ENDPOINTS,
        ),
        CallFailureRule(
            id="aws-error",
            general=("no-answer",),
            when=r"(?:ServerException|Internal|ServiceUnavailable|HTTP 5\d\d|\b50[0234]\b)",
            kinds=frozenset({FailureKind.NO_ANSWER}),
            cause="AWS answered with an error of its own; whether it acted is found out before anything is repeated.",
            blame=Blame.AWS,
            remedy="Nothing, if it passes; else look at the AWS Health Dashboard.",
            page=pages.COMMON_ERRORS,
        ),
        CallFailureRule(
            id="no-answer",
            rest=True,
            kinds=frozenset({FailureKind.NO_ANSWER}),
            cause="The answer was lost; whether AWS acted is found out before anything is repeated.",
            blame=Blame.AWS,
            remedy="Nothing, if it passes; else check the network between the scheduler and AWS.",
            page=pages.RETRIES,
        ),
        CallFailureRule(
            id="credentials-expired",
            general=("credentials-invalid",),
            when=r"(?:expired|TokenRefreshRequired)",
            kinds=frozenset({FailureKind.CREDENTIALS}),
            cause="The AWS credentials of the scheduler have expired.",
            blame=Blame.DEPLOYMENT,
            remedy="Renew them, or use a role that renews itself.",
            page=pages.CREDENTIALS,
        ),
        CallFailureRule(
            id="credentials-clock",
            general=("credentials-invalid",),
            when=r"(?:RequestExpired|TimeTooSkewed|Signature not yet current)",
            kinds=frozenset({FailureKind.CREDENTIALS}),
            cause="The clock of the scheduler's machine is wrong, so AWS does not accept its signatures.",
            blame=Blame.DEPLOYMENT,
            remedy="Set the clock.",
            page=pages.CREDENTIALS,
        ),
        CallFailureRule(
            id="credentials-missing",
            general=("credentials-invalid",),
            when=r"(?:NoCredentials|Unable to locate|PartialCredentials|ProfileNotFound|ConfigNotFound|"
            r"MissingAuthentication|NoAuthToken)",
            kinds=frozenset({FailureKind.CREDENTIALS}),
            cause="The scheduler has no AWS credentials.",
            blame=Blame.DEPLOYMENT,
            remedy="Give it a role, a profile or a connection (conn_id).",
            page=pages.CREDENTIALS,
        ),
        CallFailureRule(
            id="credentials-invalid",
            rest=True,
            kinds=frozenset({FailureKind.CREDENTIALS}),
            sentences=(
                Sentence(
                    About.CREDENTIALS, rf"{_BEGINS}The security token included in the request is (?:invalid|expired)"
                ),
                Sentence(About.CREDENTIALS, rf"{_BEGINS}Signature (?:expired|not yet current)"),
                Sentence(About.CREDENTIALS, rf"{_BEGINS}The request signature we calculated does not match"),
            ),
            cause="AWS does not accept the credentials of the scheduler, or they could not be fetched.",
            blame=Blame.DEPLOYMENT,
            remedy="Correct the role, profile or connection (conn_id).",
            page=pages.CREDENTIALS,
        ),
        CallFailureRule(
            id="pass-role-denied",
            general=("access-denied",),
            when=r"iam:PassRole",
            kinds=frozenset({FailureKind.REFUSED}),
            cause="The scheduler may not pass the task role or the execution role on.",
            blame=Blame.DEPLOYMENT,
            remedy="Allow the scheduler's role iam:PassRole on both, for ecs-tasks.amazonaws.com.",
            page=pages.DENIED,
        ),
        CallFailureRule(
            id="store-not-found",
            when=r"\bNoSuchBucket\b",
            kinds=frozenset({FailureKind.REFUSED}),
            cause="The bucket of the workload store does not exist.",
            blame=Blame.DEPLOYMENT,
            remedy="Correct the workload_store option, or create the bucket.",
            page=pages.S3_ERRORS,
        ),
        CallFailureRule(
            id="store-denied",
            general=("access-denied",),
            when=r"\(workload_store needs s3:PutObject\b",
            kinds=frozenset({FailureKind.REFUSED}),
            cause="The scheduler's role may not write to the workload store.",
            blame=Blame.DEPLOYMENT,
            remedy="Allow the scheduler's role s3:PutObject on the prefix of workload_store, and kms:GenerateDataKey "
            "on the bucket's own key if it has one.",
            page=pages.DENIED,
        ),
        CallFailureRule(
            id="access-denied",
            when=r"(?:AccessDenied|Unauthorized|NotAuthorized|Forbidden|HTTP 403)",
            kinds=frozenset({FailureKind.REFUSED}),
            sentences=_about(About.PERMISSION, r"not authorized", r"UnauthorizedOperation"),
            cause="The scheduler's role does not allow this call.",
            blame=Blame.DEPLOYMENT,
            remedy="Allow the action that the message names, on the resource that it names.",
            page=pages.DENIED,
        ),
        CallFailureRule(
            id="cluster-not-found",
            when=r"ClusterNotFound",
            kinds=frozenset({FailureKind.REFUSED}),
            cause="The ECS cluster does not exist in this Region, or is inactive.",
            blame=Blame.DEPLOYMENT,
            remedy="Correct the cluster or region_name option, or create the cluster.",
            page=pages.RUN_TASK,
        ),
        CallFailureRule(
            id="queue-not-usable",
            when=r"job ?queue",
            kinds=frozenset({FailureKind.REFUSED}),
            sentences=_about(
                About.JOB_QUEUE,
                rf"\A(?:(?!{_DEFINITION}).)*?job ?queue\b.*(?:not found|not exist|disabled|invalid|state)",
            ),
            cause="The Batch job queue does not exist in this Region, or takes no jobs.",
            blame=Blame.DEPLOYMENT,
            remedy="Correct the job_queue or region_name option, or enable the queue.",
            page=pages.BATCH_TROUBLE,
        ),
        CallFailureRule(
            id="account-blocked",
            when=r"(?:BlockedException|OptInRequired|account.*(?:blocked|suspended))",
            kinds=frozenset({FailureKind.REFUSED}),
            cause="AWS has blocked the account, or it has not signed up for the service.",
            blame=Blame.DEPLOYMENT,
            remedy="Contact AWS Support.",
            page=pages.COMMON_ERRORS,
        ),
        *(_refusal(rule) for rule in PLACEMENT if rule.id in _SHARED),
        CallFailureRule(
            id="call-agent-disconnected",
            when=r"(?-i:\bAGENT\b)",
            kinds=frozenset({FailureKind.NO_CAPACITY, FailureKind.REFUSED}),
            cause="The ECS agent on the container instance is disconnected.",
            blame=Blame.DEPLOYMENT,
            replacement=Replacement.FREE,
            remedy="Check the agent, its network and the load of the instance; replace the instance.",
            page=pages.AGENT,
        ),
        CallFailureRule(
            id="call-instance-inactive",
            when=r"(?-i:\bINACTIVE\b)",
            kinds=frozenset({FailureKind.NO_CAPACITY, FailureKind.REFUSED}),
            cause="The container instance was deregistered from the cluster.",
            blame=Blame.DEPLOYMENT,
            replacement=Replacement.FREE,
            remedy="Register new instances with the cluster.",
            page=pages.FAILURES,
        ),
        CallFailureRule(
            id="call-missing",
            when=r"(?-i:\bMISSING\b)",
            kinds=frozenset({FailureKind.NO_CAPACITY, FailureKind.REFUSED}),
            cause="AWS does not find what the request names in this cluster and Region.",
            blame=Blame.DEPLOYMENT,
            remedy="Check cluster, Region and the ARN.",
            page=pages.FAILURES,
        ),
        CallFailureRule(
            id="call-internal-error",
            when=r"\AInternal ?error\b",
            kinds=frozenset({FailureKind.NO_CAPACITY}),
            cause="Amazon ECS met an internal error while it placed the task; it is asked again.",
            blame=Blame.AWS,
            replacement=Replacement.FREE,
            remedy="Nothing, if it passes; else look at the AWS Health Dashboard, or open a support case.",
            page=pages.EVENTS,
        ),
        CallFailureRule(
            id="no-capacity",
            rest=True,
            kinds=frozenset({FailureKind.NO_CAPACITY}),
            sentences=_about(
                About.CAPACITY,
                r"too many concurrent tasks",
                r"capacity is unavailable",
                r"(?:no|insufficient) (?:\w+ )?capacity",
                r"No Container Instances were found",
                r"InsufficientFreeAddresses",
            ),
            cause="AWS has no room for the task at the moment, or a quota is used up; it is asked again.",
            blame=Blame.DEPLOYMENT,
            replacement=Replacement.FREE,
            remedy="Read what AWS said; add capacity, or have the quota raised.",
            page=pages.FAILURES,
        ),
        CallFailureRule(
            id="definition-not-found",
            sentences=_about(
                About.DEFINITION,
                rf"{_DEFINITION}.*(?:not found|not exist|cannot be found|inactive|not active|deregistered)",
                r"unable to describe task definition",
            ),
            kinds=_INVALID,
            cause="The task or job definition does not exist in this Region, or is inactive.",
            blame=Blame.DEPLOYMENT,
            replacement=Replacement.NO,
            remedy="Correct the task_definition or job_definition option, or register it.",
            page=pages.RUN_TASK,
        ),
        CallFailureRule(
            id="container-not-in-definition",
            sentences=_about(About.NAMED_THING, r"is not a container in the TaskDefinition"),
            kinds=_INVALID,
            cause="The task definition has no container of the name that is overridden.",
            blame=Blame.DEPLOYMENT,
            replacement=Replacement.NO,
            remedy="Set container_name to the Airflow container's name in the task definition.",
            page=pages.RUN_TASK,
        ),
        CallFailureRule(
            id="launch-mismatch",
            when=rf"does not support launch[ _]type|{_QUEUE_MISMATCH}",
            kinds=_INVALID,
            sentences=_about(About.NAMED_THING, rf"{_BEGINS}Job Queue is {_QUEUE_MISMATCH}"),
            cause="The task or job definition is not made for the launch type or job queue that was asked for.",
            blame=Blame.DEPLOYMENT,
            replacement=Replacement.NO,
            remedy="Register it with the matching requiresCompatibilities (Batch: platformCapabilities), "
            "or choose another launch type or queue.",
            page=pages.RUN_TASK,
        ),
        CallFailureRule(
            id="capacity-provider",
            when=r"capacity provider",
            kinds=_INVALID,
            cause="The capacity providers that were asked for do not exist, do not go together, "
            "or are not associated with the cluster.",
            blame=Blame.DEPLOYMENT,
            replacement=Replacement.NO,
            remedy="Associate them with the cluster, or correct capacity_provider (capacity_provider_strategy).",
            page=pages.RUN_TASK,
        ),
        CallFailureRule(
            id="network-configuration",
            when=r"Network Configuration (?:must be|is not)|Assign public IP is not supported|"
            r"to the same VPC as the input subnets|Error retrieving (?:subnet|security group) information",
            kinds=_INVALID,
            cause="The subnets, security groups or public IP that were asked for do not exist, "
            "or do not fit together or the task definition.",
            blame=Blame.DEPLOYMENT,
            replacement=Replacement.NO,
            remedy="Correct subnets, security_groups and assign_public_ip: the network mode awsvpc needs subnets, "
            "others take none, and only Fargate gives public IPs.",
            page=pages.RUN_TASK,
        ),
        CallFailureRule(
            id="overrides-too-long",
            sentences=_about(About.REQUEST, r"overrides length must be at most"),
            kinds=_INVALID,
            cause="The overrides are longer than the 8,192 characters that ECS takes.",
            blame=Blame.TASK,
            replacement=Replacement.NO,
            remedy="Shorten executor_config: move environment variables into the task definition.",
            page=pages.RUN_TASK,
        ),
        CallFailureRule(
            id="fargate-size",
            when=r"Fargate resource requirements .* not valid",
            sentences=_about(
                About.REQUEST,
                r"No Fargate configuration exists",
                rf"{_BEGINS}Fargate resource requirements \([^()]*\) not valid\b",
            ),
            kinds=_INVALID,
            cause="Fargate does not offer this combination of CPU and memory.",
            blame=Blame.TASK,
            replacement=Replacement.NO,
            remedy="Choose one of Fargate's sizes.",
            page=pages.PLATFORM,
        ),
        CallFailureRule(
            id="platform-unsupported",
            when=r"(?:PlatformUnknown|PlatformTaskDefinitionIncompatibility|UnsupportedFeature)",
            kinds=_INVALID,
            cause="The platform version or the Region does not support what the task definition asks for.",
            blame=Blame.DEPLOYMENT,
            replacement=Replacement.NO,
            remedy="Choose another platform_version, or drop what it does not support.",
            page=pages.PLATFORM,
        ),
        CallFailureRule(
            id="request-invalid",
            rest=True,
            kinds=_INVALID,
            sentences=(
                *_about(
                    About.NAMED_THING,
                    r"is not a container in the job Definition",
                    rf"{_BEGINS}Unable to substitute value\b",
                    # The quoted text is a tag's, whatever words it contains.
                    rf"{_BEGINS}'.*' is not a valid value for \w",
                    rf"{_BEGINS}Job with shareIdentifier\b.* can ?only ?be submitted\b",
                ),
                *_about(
                    About.REQUEST,
                    r"job size must be less than",
                    rf"{_BEGINS}Tags can only contain\b",
                    r"node ?overrides? (?:targets should match|should not be set)\b",
                    r"does not match regex",
                    r"should match valid pattern",
                    r"is not applicable for",
                    r"(?:Exception : |^)(?:Invalid|Missing|Unknown|Unsupported) \S",
                    r"must be (?:provided|specified|at |between|one)",
                    r"is required\b",
                    r"restricted characters",
                    r"is not (?:valid|supported|a valid value)\b",
                    r"\b(?:illegal|invalid) characters?\b",
                    r"\b(?:must not start with|exceeds? the maximum length)\b",
                    r"cannot (?:contain|have|specify|override)\b",
                ),
            ),
            cause="The request itself is wrong, and will stay so.",
            blame=Blame.TASK,
            replacement=Replacement.NO,
            remedy="Correct the option or the executor_config field that the message names.",
            page=pages.RUN_TASK,
        ),
        CallFailureRule(
            id="refused",
            rest=True,
            sentences=_about(
                About.PERMISSION,
                # A service-linked role can be created while the task waits. EC2's AuthFailure is about what the
                # request names: if it were about the executor's credentials, ECS would have refused the call itself.
                r"service.linked role",
                r"access denied",
                r"ErrorCode: AuthFailure",
            ),
            cause="AWS refused the call, for a reason that awsexec does not know; it is asked again.",
            blame=Blame.UNKNOWN,
            remedy="Read what AWS said.",
            page=pages.COMMON_ERRORS,
        ),
    ),
)

#: The sentences of all rules, as they are tried.
_SENTENCES: Final = tuple(
    (about.kind, re.compile("|".join(patterns), re.IGNORECASE | re.DOTALL))
    for about in About
    if (patterns := [each.pattern for rule in RULES for each in rule.sentences if each.about is about])
)


def kind_of_message(message: str) -> FailureKind | None:
    """Return the kind of failure that AWS's message means; None if no sentence in it is known."""
    text = ends_of(message)
    return next((kind for kind, pattern in _SENTENCES if pattern.search(text)), None)
