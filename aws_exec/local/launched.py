"""What an ECS task and a Batch job have in common for whoever watches them or breaks them."""

from __future__ import annotations

from typing import Protocol

from aws_exec.local.ecs.task import EcsTask
from aws_exec.local.script import Launch


class Launched(Protocol):
    """A task, or a job, whose attempts are tasks.

    Attributes:
        history: every status it had, with the time (epoch seconds).
        forgotten: AWS knows nothing of it, whatever it does.
    """

    history: list[tuple[str, float]]
    forgotten: bool

    @property
    def current(self) -> EcsTask:
        """The task whose containers run, or ran last."""
        ...

    def launch(self) -> Launch:
        """It as a line of the ledger."""
        ...

    def lose(self, stop_code: str = "", reason: str = "") -> None:
        """Lose the host that it runs on; without effect once it is over."""
        ...
