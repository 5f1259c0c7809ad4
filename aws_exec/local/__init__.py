"""The embedded AWS: a moto server on loopback whose ECS tasks and Batch jobs really run, as processes.

    with EmbeddedAws() as aws:
        os.environ |= aws.environment()
        ...

Importing this needs neither moto nor Airflow; using `EmbeddedAws` needs the extra `awsexec[local]`, and says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_exec.local.errors import LocalError, MissingExtraError, PortInUseError

if TYPE_CHECKING:
    from aws_exec.local.embedded import EmbeddedAws
    from aws_exec.local.ready import Names
    from aws_exec.local.script import Launch

__all__ = ["EmbeddedAws", "Launch", "LocalError", "MissingExtraError", "Names", "PortInUseError"]

_LAZY = {
    "EmbeddedAws": "aws_exec.local.embedded",
    "Names": "aws_exec.local.ready",
    "Launch": "aws_exec.local.script",
}


def __getattr__(name: str) -> Any:
    """Import the embedded AWS when it is first asked for.

    Raises:
        MissingExtraError: moto, or what its server needs, is not installed.
    """
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - importing this package stays free of costs

    try:
        return getattr(import_module(_LAZY[name]), name)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("aws_exec"):
            raise
        raise MissingExtraError(
            f"the local AWS emulator needs packages that are not installed ({error.name})",
            "pip install 'awsexec[local]'",
        ) from error
