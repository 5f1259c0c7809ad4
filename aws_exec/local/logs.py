"""What containers print, line by line, into CloudWatch Logs (moto's) and, for debugging, into plain files."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from moto.logs.models import LogGroup, logs_backends

from aws_exec.local.containers import OnLine
from aws_exec.local.ecs.task import EcsTask
from aws_exec.local.loop import Loop

_NOT_A_FILE_NAME = re.compile(r"[^A-Za-z0-9._-]+")


class LogWriter:
    """Where output goes.

    Attributes:
        lock: held while moto's log storage is changed; whoever reads it over HTTP holds it too, since moto keeps
            groups and streams in plain dictionaries.
    """

    def __init__(self, loop: Loop, account: str, region: str, directory: Path | None = None) -> None:
        """Write for one account and Region.

        Args:
            loop: whose waiters are told of each line.
            account: twelve digits.
            region: where a log goes whose configuration names no `awslogs-region`.
            directory: where plain files go, one a container; None for no files.
        """
        self.lock = threading.Lock()
        self._loop = loop
        self._account = account
        self._region = region
        self._directory = directory

    def of_task(self, task: EcsTask, container: str) -> OnLine:
        """The taker of the lines of a task's container.

        The stream is `prefix/container/task id`, as the awslogs driver names it ("Send Amazon ECS logs to CloudWatch",
        Amazon ECS Developer Guide); without a prefix it is the container's runtime id. A container without awslogs
        options is written to files only.
        """
        return self.taker(*_target(task, container))

    def lines(self, task: EcsTask, container: str) -> list[str]:
        """What a task's container has printed so far; empty for one without awslogs options, or not yet started."""
        group, region, stream = _target(task, container)
        if group is None or not stream:
            return []
        with self.lock:
            return [event.message for event in self._make(group, region or self._region, stream).streams[stream].events]

    def taker(self, group: str | None, region: str | None, stream: str) -> OnLine:
        """The taker of one stream's lines.

        Args:
            group: the log group; None for none, then lines go to files only.
            region: its Region; None for the writer's own.
            stream: the log stream; the group and it are made when missing.
        """

        def take(at: float, line: str) -> None:
            if group is not None:
                self._put(group, region or self._region, stream, at, line)
            if self._directory is not None:
                name = _NOT_A_FILE_NAME.sub("_", stream)
                with (self._directory / f"{name}.log").open("a", encoding="utf-8") as file:
                    file.write(f"{line}\n")
            with self._loop.changed:
                self._loop.changed.notify_all()

        if group is not None:
            with self.lock:
                self._make(group, region or self._region, stream)
        return take

    def _put(self, group: str, region: str, stream: str, at: float, line: str) -> None:
        if not line:
            return  # an event has at least one character (PutLogEvents); the awslogs driver leaves empty lines out
        with self.lock:
            event = {"timestamp": int(at * 1000), "message": line}
            self._make(group, region, stream).put_log_events(stream, [event])

    def _make(self, group: str, region: str, stream: str) -> LogGroup:
        backend = logs_backends[self._account][region]
        backend.ensure_log_group(group)
        made = backend.groups[group]
        if stream not in made.streams:
            made.create_log_stream(stream)
        return made


def stream_of(task: EcsTask, container: str) -> str:
    """The log stream of a task's container."""
    return _target(task, container)[2]


def _target(task: EcsTask, container: str) -> tuple[str | None, str | None, str]:
    """The group (None for none), its Region (None for the writer's) and the stream of a task's container."""
    options = awslogs(task.request.definitions[container])
    identifier = task.request.arn.rpartition("/")[2]
    stream = f"{options.get('awslogs-stream-prefix', 'ecs')}/{container}/{identifier}"
    if options and "awslogs-stream-prefix" not in options:
        stream = next(record.runtime_id for record in task.containers if record.name == container)
    return options.get("awslogs-group"), options.get("awslogs-region"), stream


def awslogs(definition: Mapping[str, Any]) -> Mapping[str, str]:
    """The awslogs options of a container definition; empty if it logs elsewhere."""
    configuration = definition.get("logConfiguration", {})
    options: Mapping[str, str] = configuration.get("options", {})
    return options if configuration.get("logDriver") == "awslogs" else {}
