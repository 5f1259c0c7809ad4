"""What can go wrong with the embedded AWS itself, each with a message fit for one line on a terminal."""

from __future__ import annotations


class LocalError(Exception):
    """The local AWS emulator cannot do what was asked.

    Attributes:
        hint: what to do, in one line; empty if the message says it.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class MissingExtraError(LocalError):
    """The optional packages that the embedded AWS is made of are not installed."""


class PortInUseError(LocalError):
    """Something else listens on the port."""


class AwsError(Exception):
    """An error as AWS answers it to a client.

    Attributes:
        code: the exception's name in the API (`InvalidParameterException`).
        message: what AWS says with it.
        resource_ids: `ConflictException` only: the ARNs that already exist.
        status: the HTTP status.
    """

    def __init__(self, code: str, message: str, resource_ids: tuple[str, ...] = (), status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.resource_ids = resource_ids
        self.status = status
