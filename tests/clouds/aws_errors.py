"""An AWS error as botocore raises it."""

from __future__ import annotations

from botocore.exceptions import ClientError


def answered(code, message="", status=400, **more):
    """A ClientError as botocore makes it."""
    response = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}, **more}
    return ClientError(response, "RunTask")
