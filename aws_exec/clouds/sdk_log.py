"""Filters that keep credentials out of the SDK's DEBUG log, which has whole requests and answers.

RunTask requests and answers have the Execution API token; signing logs the session token. A filter on a logger does not
see records of its child loggers, so each of them has one.
"""

from __future__ import annotations

import logging
import sys
from typing import Final

from aws_exec.redaction import redact

_ROOTS: Final = ("boto3", "botocore", "urllib3")
#: Those known to log requests, answers, headers or credentials, though they may not have been imported yet.
_KNOWN: Final = (
    "botocore.auth",
    "botocore.awsrequest",
    "botocore.client",
    "botocore.credentials",
    "botocore.endpoint",
    "botocore.handlers",
    "botocore.hooks",
    "botocore.httpchecksum",
    "botocore.httpsession",
    "botocore.parsers",
    "botocore.regions",
    "botocore.retries.standard",
    "botocore.retryhandler",
    "botocore.tokens",
    "botocore.utils",
    "urllib3.connection",
    "urllib3.connectionpool",
    "urllib3.util.retry",
)


class Redaction(logging.Filter):
    """Lets every record pass, without what looks like a secret."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Put the redacted message in place of the message and its arguments."""
        try:
            message = record.getMessage()
        except Exception:  # noqa: BLE001 -- a call into AWS must not fail of its log line
            message = f"(a message of {record.name} that cannot be formatted)"
        record.msg, record.args = redact(message, longest=sys.maxsize), ()
        return True


_REDACTION: Final = Redaction()


def keep_secrets_out() -> None:
    """Redact what the SDK logs from now on, in the whole process. It may be called again: loggers may have come up."""
    there = [name for name in list(logging.root.manager.loggerDict) if name.startswith(tuple(f"{r}." for r in _ROOTS))]
    for name in {*_ROOTS, *_KNOWN, *there}:
        # A filter that is there already is not added twice.
        logging.getLogger(name).addFilter(_REDACTION)
