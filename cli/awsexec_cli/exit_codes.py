"""The exit codes of every command."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """What `awsexec` exits with; scripts may count on it."""

    OK = 0  #: fine
    FAILED = 1  #: findings, or the job failed, or the demo did
    USAGE = 2  #: it cannot be done as asked: an option is wrong, a port is taken, a package is missing
    PARTIAL = 3  #: some of it failed
    CREDENTIALS = 4  #: AWS credentials are missing, expired, refused, or do not allow it
    NOT_FOUND = 5  #: there is no such job, cluster, job queue or template
    TIMED_OUT = 124  #: it took too long (as `timeout` of coreutils)
    INTERRUPTED = 130  #: Ctrl-C (128 + SIGINT)
