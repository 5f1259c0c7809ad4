"""Looks that wait are asked as one: a look lists the fleet, however many launches it looks for.

A scheduler that adopts thousands of launches asks in portions, a beat each. While the first portion is looked for, the
others gather here, and are looked for together.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace

from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.effects import Find


class Finds:
    """Finds that were dispatched and not yet asked. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[int, Find] = {}

    def add(self, find: Find) -> None:
        """One more."""
        with self._lock:
            self._waiting[find.ask] = find

    def take(self, ask: int) -> list[Find]:
        """This one, and all that wait beside it; none if another took it along already."""
        with self._lock:
            if ask not in self._waiting:
                return []
            together = list(self._waiting.values())
            self._waiting.clear()
            return together


def merged(finds: Sequence[Find]) -> Find:
    """One Find for all of them, under the ask of the first."""
    return replace(
        finds[0],
        launch_ids=tuple(launch_id for find in finds for launch_id in find.launch_ids),
        families=tuple(dict.fromkeys(family for find in finds for family in find.families)),
        places=tuple(dict.fromkeys(place for find in finds for place in find.places)),
    )


def answer_to(find: Find, answer: on.Completion) -> on.Completion:
    """The completion of one Find, from the answer to all."""
    if isinstance(answer, on.Found | on.FindFailed):
        return replace(answer, ask=find.ask, launch_ids=find.launch_ids)
    return answer
