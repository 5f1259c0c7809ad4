"""The workload store: objects in an S3 bucket, which containers fetch and delete.

A launch has one object, which each new request of it replaces, so a request that was refused or never sent leaves none
behind. Its key cannot be guessed from the launch id: tasks share a role that may read every object.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import replace
from typing import Any

from aws_exec.clouds.calls import Calls
from aws_exec.clouds.errors import CloudError, failure_of, is_denied
from aws_exec.clouds.session import ClientSource
from aws_exec.container.store import split
from aws_exec.lifecycle.values import FailureKind, LaunchId
from aws_exec.metrics.meter import Meter

#: The operation of every failure here, and its action in a policy.
PUT_OBJECT = "PutObject"
ACTION = "s3:PutObject"


class WorkloadStore:
    """The store of one executor. Thread-safe.

    Args:
        url: `s3://bucket/prefix` without a slash at the end; the prefix may be empty.
        clients: builds boto3's client of S3.
        meter: counts every API call.
    """

    def __init__(self, url: str, clients: ClientSource[Any], meter: Meter) -> None:
        self._url = url
        self._clients = clients
        self._calls = Calls(clients.get, lambda: True, tagging="", meter=meter)
        self._secret = secrets.token_bytes(32)

    def renew(self) -> None:
        """Build the client anew, with the credentials of now; raise CloudError if that is not possible."""
        self._clients.renew()

    def region(self) -> str:
        """Return the Region whose S3 a container asks; raise CloudError if no client can be built."""
        return str(self._clients.get().meta.region_name)

    def address(self, launch_id: LaunchId) -> str:
        """Return the address of a launch's workload: always the same one in this process, with 128 bits of chance."""
        chance = hmac.digest(self._secret, launch_id.encode(), "sha256")[:16].hex()
        return f"{self._url}/{launch_id}/{chance}"

    def put(self, address: str, workload: str) -> None:
        """Write a workload; encrypted as the bucket says.

        Raises:
            CloudError: it may not be there. REFUSED where only a person can help; nothing fails for good.
        """
        bucket, key = split(address)
        arguments = {"Bucket": bucket, "Key": key, "Body": workload.encode(), "ContentType": "application/json"}
        try:
            self._calls.call(PUT_OBJECT, "put_object", arguments)
        except Exception as error:
            failure = failure_of(error, PUT_OBJECT)
            if is_denied(failure):
                failure = replace(
                    failure, message=f"{failure.message} (workload_store needs {ACTION} on {self._url}/*)"
                )
            if failure.kind is FailureKind.INVALID:
                # It is not the task that is wrong.
                failure = replace(failure, kind=FailureKind.REFUSED)
            raise CloudError(failure) from error
