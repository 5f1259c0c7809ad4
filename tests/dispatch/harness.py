"""A dispatcher over a fake cloud, and helpers that wait for its completions with a deadline."""

import threading
import time
from contextlib import contextmanager
from dataclasses import replace

from aws_exec.clouds.cloud import Request
from aws_exec.dispatch.database import DatabaseQueries
from aws_exec.dispatch.dispatcher import Dispatcher
from aws_exec.dispatch.lane import Workers
from aws_exec.dispatch.pacing import Pacer
from aws_exec.lifecycle.effects import Describe, FindByLaunchId, StopJob, Submit, VerifyOwnership, Withdraw
from aws_exec.lifecycle.events import OwnershipVerified
from aws_exec.lifecycle.values import Job, token_of
from aws_exec.testing import FakeCloud

PATIENCE = 10.0
JWT = "eyJhbGciOiJIUzI1NiJ9.secret"


def submit(request_id: int, **more) -> Submit:
    launch_id = f"launch{request_id}"
    return Submit(
        request_id=request_id,
        launch_id=launch_id,
        key=("key", request_id),
        token=more.pop("token", token_of(launch_id, 1)),
        workload="workload",
        **more,
    )


def observe(request_id: int, *jobs: Job) -> Describe:
    return Describe(request_id=request_id, location="", jobs=jobs)


def find(request_id: int, *token_bases: str) -> FindByLaunchId:
    return FindByLaunchId(request_id=request_id, launch_ids=token_bases, token_bases=token_bases, locations=("",))


def stop(request_id: int, job: Job) -> StopJob:
    return StopJob(request_id=request_id, launch_id=f"launch{request_id}", job=job, reason="enough")


def confirm(request_id: int, *ids: str) -> VerifyOwnership:
    return VerifyOwnership(request_id=request_id, launches=tuple((each, each) for each in ids))


def timeless(event):
    """A completion, whenever the database was asked."""
    return replace(event, read_at=0.0) if isinstance(event, OwnershipVerified) else event


class Rig:
    """One dispatcher and its cloud; effects are numbered as they come."""

    def __init__(self, cloud: FakeCloud | None = None, *, start: bool = True, rate: float = 1e6, **options):
        self.cloud = cloud or FakeCloud()
        self.clock = options.get("clock", time.monotonic)
        self.launches = options.pop("launches", None) or Pacer(rate, rate, self.clock)
        self.reads = options.pop("reads", None) or Pacer(1e6, 1e6, self.clock)
        given = {
            "compose": lambda effect: Request(effect.token, "", {"jwt": JWT}),
            "queries": DatabaseQueries(),
            "lease": 60.0,
            "workers": Workers(),
        }
        self.dispatcher = Dispatcher(self.cloud, launches=self.launches, reads=self.reads, **given | options)
        self.number = 0
        if start:
            self.dispatcher.start()

    def dispatch(self, *effects) -> None:
        for effect in effects:
            self.number += 1
            self.dispatcher.dispatch(self.number, effect)

    def withdraw(self, request_id: int) -> None:
        self.dispatch(Withdraw(request_id=request_id))

    def take(self, count: int = 1) -> list:
        """The next completions, by ask; fails after the deadline."""
        taken = []
        until(lambda: self._take_into(taken, count))
        return sorted(taken, key=lambda event: event.request_id)

    def one(self):
        [event] = self.take()
        return event

    def settle(self) -> list:
        """Everything that came out until nothing was outstanding."""
        until(lambda: self.dispatcher.outstanding == 0)
        taken = []
        while self.dispatcher.peek() is not None:
            self._take_into(taken, len(taken) + 1)
        return sorted(taken, key=lambda event: event.request_id)

    def _take_into(self, taken: list, count: int) -> bool:
        while len(taken) < count and (event := self.dispatcher.peek()) is not None:
            taken.append(event)
            self.dispatcher.pop()
        return len(taken) == count


@contextmanager
def rig(*args, **options):
    """A rig that is closed, whatever the test leaves hanging."""
    made = Rig(*args, **options)
    try:
        yield made
    finally:
        for held in made.cloud._holds.values():
            held.set()
        assert made.dispatcher.close(PATIENCE)
        until(lambda: made.dispatcher.outstanding == 0)


def until(true, patience: float = PATIENCE) -> None:
    """Wait for other threads; what they do has no event to wait for, so it is looked at every millisecond."""
    deadline = time.monotonic() + patience
    pause = threading.Event()
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError("it did not happen in time")
        pause.wait(0.001)
