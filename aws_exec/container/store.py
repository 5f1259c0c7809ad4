"""A workload that is in S3 instead of in the container's command: fetched, and deleted there.

It runs in the supervisor's process, before Airflow is imported, with the task role's credentials and the botocore of
the image. The task role needs s3:GetObject and s3:DeleteObject, and no right to list.
"""

from __future__ import annotations

import sys
from typing import Any

from aws_exec.container.outcome import Outcome

#: Tries of one call, with the SDK's pauses half a minute, and of reading an answer, which the SDK does not repeat.
_TRIES = 8
#: Seconds to connect, and between two parts of an answer.
_CONNECT_TIMEOUT, _READ_TIMEOUT = 5, 20


def split(url: str) -> tuple[str, str]:
    """Return the bucket of `s3://bucket/key`, and the key, which may be a prefix."""
    bucket, _, key = url.removeprefix("s3://").partition("/")
    return bucket, key


def fetch(url: str, region: str) -> str:
    """Return the workload at an address, and delete it there once all of it was read.

    Raises:
        SystemExit: it could not be fetched; the code is the outcome.
    """
    bucket, key = split(url)
    try:
        client = client_of("s3", region)
        workload = read(client, bucket, key)
    except Exception as error:  # noqa: BLE001 - whatever it is, there is no workload
        sys.stderr.write(f"awsexec: the workload cannot be fetched from {url}: {error}\n")
        raise SystemExit(int(outcome_of_failure(error))) from None
    try:
        client.delete_object(Bucket=bucket, Key=key)
    except Exception as error:  # noqa: BLE001 - the task can run; the bucket's lifecycle rule deletes it
        sys.stderr.write(f"awsexec: the workload stays at {url}: {error}\n")
    return workload


def outcome_of_failure(error: Exception) -> Outcome:
    """Return whether the workload is gone, or cannot be fetched.

    Without the right to list, S3 answers 403 for a key that does not exist, and names that right as the missing one
    (S3 API Reference, GetObject); to another account it names none.
    """
    answer = getattr(error, "response", None)  # of botocore's ClientError; others have other things of that name
    said = answer.get("Error", {}) if isinstance(answer, dict) else {}
    is_gone = said.get("Code") == "NoSuchKey" or "s3:ListBucket" in said.get("Message", "")
    return Outcome.WORKLOAD_GONE if is_gone else Outcome.WORKLOAD_NOT_FETCHED


def client_of(service: str, region: str | None, tries: int = _TRIES) -> Any:
    """Build a client of an AWS service; it uses `AWS_ENDPOINT_URL`, and that of S3 finds buckets of other Regions.

    Args:
        service: of AWS.
        region: None: the one in the container's environment.
        tries: of each call.
    """
    import botocore.session
    from botocore.config import Config

    config = Config(
        connect_timeout=_CONNECT_TIMEOUT,
        read_timeout=_READ_TIMEOUT,
        retries={"mode": "standard", "total_max_attempts": tries},
    )
    return botocore.session.Session().create_client(service, region_name=region, config=config)


def read(client: Any, bucket: str, key: str) -> str:
    """Return an object; repeat the call if its answer is cut short."""
    from botocore.exceptions import HTTPClientError, IncompleteReadError

    tries = 0
    while True:
        tries += 1
        body = client.get_object(Bucket=bucket, Key=key)["Body"]
        try:
            return str(body.read(), "utf-8")
        except (HTTPClientError, IncompleteReadError):
            if tries == _TRIES:
                raise
