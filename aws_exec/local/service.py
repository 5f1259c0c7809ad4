"""What our parts of every service share: what they run containers on, the calls they count, the faults they obey."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from moto.core.common_types import TYPE_RESPONSE
from moto.core.responses import ActionContext, ActionResult

from aws_exec.local.ecs.request import Ground
from aws_exec.local.errors import AwsError
from aws_exec.local.script import Script
from aws_exec.local.stalls import Stalls


@dataclass(frozen=True)
class Setting:
    """What ECS and Batch have in common.

    Attributes:
        script: the faults to come.
        stalls: the calls that are kept waiting.
        directory: where containers run.
        stop_timeout: seconds, where the container definition says none.
        access: returns what AWS clients in containers need.
        environment: what every container gets after that; read at each launch.
        images: path of the Python of each image that has another than the emulator's; read at each launch.
        calls: how often each operation was asked for.
    """

    script: Script
    stalls: Stalls
    directory: Path
    stop_timeout: float
    access: Callable[[], Mapping[str, str]]
    environment: Mapping[str, str]
    images: Mapping[str, str]
    calls: Counter[str] = field(default_factory=Counter)

    def ground(self, region: str) -> Ground:
        """What containers in a Region start from."""
        where = {"AWS_REGION": region, "AWS_DEFAULT_REGION": region}
        environment = {"AWS_EXECUTION_ENV": "AWS_ECS_FARGATE", **where, **self.access(), **self.environment}
        return Ground(self.directory, self.stop_timeout, environment, self.images)

    def answer(self, operation: str, act: Callable[[], TYPE_RESPONSE]) -> TYPE_RESPONSE:
        """Count a call and carry it out, unless an error is scripted for it; wait where that was asked for."""
        self.calls[operation] += 1
        self.stalls.wait(operation, acted=False)
        try:
            self.script.raise_next(operation)
        except AwsError as error:
            return on_the_wire(error)
        answer = act()
        self.stalls.wait(operation, acted=True)
        return answer


def on_the_wire(error: AwsError) -> TYPE_RESPONSE:
    """An error as AWS's JSON protocols have it; moto itself puts only errors of the service's model on the wire."""
    body = json.dumps({"__type": error.code, "message": error.message})
    return error.status, {"Content-Type": "application/x-amz-json-1.1", "x-amzn-ErrorType": error.code}, body


class Document(ActionResult):
    """An answer that is AWS's JSON already.

    moto's serializer walks the service model for every value: 0.3 s for a DescribeTasks of 100, which a client that
    asks every few seconds for thousands would measure instead of itself. This takes a tenth.
    """

    def execute_result(self, context: ActionContext) -> TYPE_RESPONSE:
        """Status, headers, body; times as epoch seconds, as the JSON protocol has them."""
        del context
        body = json.dumps(self.result, default=datetime.timestamp)
        return 200, {"Content-Type": "application/x-amz-json-1.1"}, body
