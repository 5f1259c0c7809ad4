"""The exit codes of every command."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """The exit code of `awsexec`; scripts may rely on it."""

    OK = 0  #: success
    FAILED = 1  #: findings, or the job failed, or the demo did
    USAGE = 2  #: wrong usage: an option is invalid, a port is in use, a package is missing
    PARTIAL = 3  #: a part failed
    CREDENTIALS = 4  #: AWS credentials are missing, expired or refused, or lack a permission
    NOT_FOUND = 5  #: no such job, cluster, job queue or template
    TIMED_OUT = 124  #: a time limit passed (the code of coreutils' `timeout`)
    INTERRUPTED = 130  #: Ctrl-C (128 + SIGINT)
