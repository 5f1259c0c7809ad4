"""The check of the workload store: its bucket exists. Whether it can be written is not tried, which would write."""

from __future__ import annotations

from collections.abc import Iterator

from aws_exec.aws_checks.calls import STORE, CachedCalls, CallFailed, Outcome, Status, attributed
from aws_exec.container.store import split
from aws_exec.settings.common.options import ExecutorOptions


def check_store(calls: CachedCalls, options: ExecutorOptions) -> Iterator[Outcome]:
    """Check the bucket of `workload_store`, if that is set.

    Raises:
        CredentialsError: AWS accepts no credentials.
    """
    if options.workload_store:
        yield from attributed(
            "live-workload-store", STORE, bucket_exists(calls, split(options.workload_store)[0], "workload_store")
        )


def bucket_exists(calls: CachedCalls, bucket: str, option: str) -> Iterator[Outcome]:
    """Check that the bucket that an option names exists."""
    call, subject = "s3:HeadBucket", f"bucket {bucket}"
    try:
        calls.call("s3", "HeadBucket", subject, Bucket=bucket)
    except CallFailed as failed:
        # The answer to a HEAD has no body: its status is all that AWS's own S3 says.
        if failed.failure.code in ("404", "NoSuchBucket"):
            hint = f"Create the bucket, or correct {option}"
            yield Outcome(Status.FAIL, call, subject, "does not exist", hint)
            return
        if failed.failure.code != "403":
            raise
        # It exists: without the right to list, which nobody needs here, S3 says no more.
    yield Outcome(Status.PASS, call, subject, "exists")
