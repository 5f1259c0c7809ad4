"""The name of a Batch job: `<prefix>-<token>-<dag>-<task>`, by which ListJobs finds it.

Batch has no idempotency token, so the name carries ours: a launch whose answer was lost is looked for by
`<prefix>-<launch id>*` before it is submitted again.

AWS Batch API Reference, SubmitJob: up to 128 letters, digits, hyphens and underscores, the first one a letter or digit.
ListJobs compares names without regard to case; a launch id is a UUID, of which no two differ by case only.
"""

from __future__ import annotations

import re

from aws_exec.lifecycle.values import Token

LIMIT = 128
#: A token is 36 characters of UUID, a hyphen and a number; this leaves half of the name to the prefix, and room for the
#: task's own words behind the token.
PREFIX_LIMIT = 64
#: What jobs are called where nothing is configured.
DEFAULT_PREFIX = "awsexec"

_NOT_ALLOWED = re.compile(r"[^A-Za-z0-9_-]+", re.ASCII)
_TOKEN = r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}-[0-9]+)(?:-|$)"  # noqa: S105 - a pattern, not a password


def prefix_of(name: str) -> str:
    """What all names begin with, from what a person wished: other characters become `_`, what is too long is cut."""
    return _NOT_ALLOWED.sub("_", name).lstrip("_-")[:PREFIX_LIMIT] or DEFAULT_PREFIX


def job_name(prefix: str, token: Token, *words: str) -> str:
    """The name of one job; the token is always whole.

    Args:
        prefix: from `prefix_of`.
        token: of the launch.
        words: what it runs, for people; as many as there is room for, empty ones left out.
    """
    return "-".join((prefix, token, *(_NOT_ALLOWED.sub("_", word) for word in words if word)))[:LIMIT]


def token_in(name: str, prefix: str) -> Token | None:
    """The token in a name with this prefix; None if there is none: somebody else named the job."""
    found = re.match(f"{re.escape(prefix)}-{_TOKEN}", name, re.IGNORECASE | re.ASCII)
    return found[1] if found else None
