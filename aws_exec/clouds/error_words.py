"""What AWS's messages say where its error code is too vague: a text in, a `FailureKind` out. Pure.

AWS quotes names that a task's author chose (containers, definitions, queues, subnets) in the middle of its sentences.
So the sentences about named things are recognised first, and what would slow or pause the whole executor (a throttle,
bad credentials) only where AWS's whole phrase begins the message, or ends it: a job definition may be called
`throttle-test:3`.

The strings are AWS's: ECS event messages and failure reasons (developer guide), `Tasks provisioning capacity limit
exceeded.` (quota of PROVISIONING tasks), errors of EC2 that RunTask passes on (`Error retrieving security group
information ...: Request limit exceeded. (ErrorCode: RequestLimitExceeded)`), Batch's `Error executing request,
Exception : ..., RequestId: ...`, and refusals of Batch that users have reported (nextflow, metaflow, redun).
"""

from __future__ import annotations

import re
from typing import Final

from aws_exec.lifecycle.values import FailureKind

#: Where AWS's own words begin: after what wraps them, if anything does.
_BEGINS: Final = r"\A\s*(?:(?:Error executing request, Exception|\w+Exception) ?: )*"
#: Where they end: before what Batch and the SDK for Java add.
_ENDS: Final = r"\.?(?:,? RequestId: [\w-]+)?\s*\Z"
#: Codes of EC2 and of the SDK for Java for a throttle, in the brackets at a message's end.
_THROTTLES: Final = r"RequestLimitExceeded|Throttling\w*|ThrottledException|TooManyRequests\w*|SlowDown"
_DEFINITION: Final = r"(?:task|job) ?definition\b"

#: The first match wins. A kind of trouble may come twice.
_WORDS: Final = tuple(
    (trouble, re.compile("|".join(patterns), re.IGNORECASE | re.DOTALL))
    for trouble, patterns in (
        # -- sentences that quote a name --
        (
            FailureKind.INVALID,
            (
                r"is not a container in the (?:Task|job )Definition",
                rf"{_BEGINS}Unable to substitute value\b",
                # What is quoted first is a tag's own text, whatever words it has.
                rf"{_BEGINS}'.*' is not a valid value for \w",
                # Of a queue too, but not what can be mended of one.
                rf"{_BEGINS}Job Queue is attached to Compute Environment that can ?not run Jobs\b",
                rf"{_BEGINS}Job with shareIdentifier\b.* can ?only ?be submitted\b",
            ),
        ),
        # A queue can be mended, or become known, while the task waits. What the sentence names first is what it is of.
        (
            FailureKind.REFUSED,
            (rf"\A(?:(?!{_DEFINITION}).)*?job ?queue\b.*(?:not found|not exist|disabled|invalid|state)",),
        ),
        (
            FailureKind.INVALID,
            (
                rf"{_DEFINITION}.*(?:not found|not exist|cannot be found|inactive|not active|deregistered)",
                r"unable to describe task definition",
            ),
        ),
        # -- what concerns every task: whole phrases only --
        (
            FailureKind.THROTTLED,
            (
                rf"{_BEGINS}(?:(?:The|Your|API|request) )*rate (?:limit )?(?:(?:was|has been) )?exceeded\b",
                rf"{_BEGINS}Request ?limit ?exceeded\b",
                rf"{_BEGINS}Too many requests\b",
                rf"{_BEGINS}Throttl(?:ed|ing)(?: due to\b|:|{_ENDS})",
                rf"{_BEGINS}(?:(?:The|Your|This) )?(?:request|call)s? (?:[a-z]+ ){{1,5}}throttl(?:ed|ing)\b",
                rf"{_BEGINS}(?!Invalid|Missing|Unsupported).*: (?:rate(?: limit)?|request limit) exceeded{_ENDS}",
                rf"\((?:[^()]*; )?Error ?Code: (?:{_THROTTLES})(?:;[^()]*)?\){_ENDS}",
            ),
        ),
        (
            FailureKind.CREDENTIALS,
            (
                rf"{_BEGINS}The security token included in the request is (?:invalid|expired)",
                rf"{_BEGINS}Signature (?:expired|not yet current)",
                rf"{_BEGINS}The request signature we calculated does not match",
            ),
        ),
        # -- what concerns one task, or one cluster --
        (
            FailureKind.NO_CAPACITY,
            (
                r"provisioning capacity limit",
                r"too many concurrent tasks",
                r"reached the limit on the number of",
                r"capacity is unavailable",
                r"(?:no|insufficient) (?:\w+ )?capacity",
                r"configuration is above your limit",
                r"No Container Instances were found",
                r"InsufficientFreeAddresses",
            ),
        ),
        # Roles can be mended while the task waits. EC2's AuthFailure is of what the request names: were it the
        # executor's credentials, ECS itself would not have taken them.
        (
            FailureKind.REFUSED,
            (
                r"unable to assume (?:the )?(?:service.linked )?role",
                r"service.linked role",
                r"not authorized",
                r"access denied",
                r"UnauthorizedOperation",
                r"ErrorCode: AuthFailure",
            ),
        ),
        (
            FailureKind.INVALID,
            (
                r"overrides length must be at most",
                r"job size must be less than",
                r"No Fargate configuration exists",
                rf"{_BEGINS}Fargate resource requirements \([^()]*\) not valid\b",
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
                r"\billegal characters?\b",
                r"cannot (?:contain|have|specify|override)\b",
            ),
        ),
    )
)

#: Characters of the beginning and of the end that are read: what is between them echoes a request.
_READ: Final = 2000


def trouble_of_words(message: str) -> FailureKind | None:
    """What a message says is wrong; None if it is not one that is known."""
    if len(message) > 2 * _READ:
        message = message[:_READ] + message[-_READ:]
    return next((trouble for trouble, pattern in _WORDS if pattern.search(message)), None)
