"""A machine between a model Airflow, a model cloud and a dispatcher that keeps its contract and no more than that.

The contract: each I/O effect has exactly one completion, in any order, at any time. Everything else is up to the rules
of the stateful test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import inf
from typing import Any

from aws_exec.dispatch.failures import failed
from aws_exec.lifecycle import Machine, Policy
from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.policy import BACKOFF
from aws_exec.lifecycle.values import CallFailure, FailureKind, Job, Origin
from tests.lifecycle import properties
from tests.lifecycle.model_airflow import Launch, ModelAirflow
from tests.lifecycle.model_cloud import FORGETFUL, Container, ModelCloud

KEYS = ("K1", "K2")
#: Steps of five seconds within which a healed world must come to rest.
PATIENCE = 250
#: Seconds for which a lane takes a row's word for it.
LEASE = 8.0


class World:
    """Everything there is."""

    def __init__(self, *, keeps_withdrawals: bool, **policy: Any) -> None:
        self.policy = Policy(**{"stall_after": 10.0, **policy})  # a stall of the model is longer than that
        self.keeps_withdrawals = keeps_withdrawals
        self.cloud = ModelCloud(self.policy.idempotent_submit)
        self.airflow = ModelAirflow(self.cloud)
        self.machine = Machine(self.policy)
        self.now = 0.0
        self.age = 0
        self.count = 0
        self.draining = False
        #: I/O effects nobody acted on yet; completions on their way; completions that have arrived.
        self.outstanding: list[do.IoEffect] = []
        self.answers: list[on.Completion] = []
        self.delivered: list[on.Completion] = []
        #: By launch id: the ask of the Submit without a completion; when it may be sent at the earliest.
        self.in_flight: dict[str, int] = {}
        self.not_before: dict[str, float] = {}
        self.heartbeat(0)

    def new_id(self, prefix: str) -> str:
        """An id never given before."""
        self.count += 1
        return f"{prefix}{self.count}"

    # -- the machine --------------------------------------------------------------------------------------------------

    def feed(self, event: on.Event) -> list[do.Effect]:
        """Hand one event over and carry its effects out."""
        effects = self.machine.handle(event, self.now)
        store = self.machine.store
        assert list(store.outbox.values()) == effects, "the outbox and the answer of handle differ"
        store.outbox.clear()
        for effect in effects:
            self._carry(effect)
        return effects

    def _carry(self, effect: do.Effect) -> None:
        if isinstance(effect, do.Withdraw):
            sent = [e for e in self.outstanding if isinstance(e, do.Submit) and e.request_id == effect.request_id]
            if sent and self.keeps_withdrawals:
                self._hold(sent[0])
        elif isinstance(effect, do.WithdrawAll):
            for each in [e for e in self.outstanding if isinstance(e, do.Submit) and self.keeps_withdrawals]:
                self._hold(each)
        elif isinstance(effect, do.Launched | do.Note | do.Release | do.Report):
            self.airflow.hear(effect)
        else:
            if isinstance(effect, do.Submit):
                properties.check_submit(self, effect)
                self.in_flight[effect.launch_id] = effect.request_id
            self.outstanding.append(effect)

    def _hold(self, effect: do.Submit) -> None:
        self.outstanding.remove(effect)
        held = CallFailure(FailureKind.HELD, "submit")
        self.answers.append(
            on.Unaccepted(
                request_id=effect.request_id,
                launch_id=effect.launch_id,
                failure=held,
                request=effect.request,
                location=effect.location,
            )
        )

    # -- Airflow ------------------------------------------------------------------------------------------------------

    def free_keys(self) -> list[str]:
        """The keys that Airflow may hand over."""
        return [key for key in KEYS if self.airflow.owner(key) is None]

    def owned_keys(self) -> list[str]:
        """The keys with an open launch."""
        return [key for key in KEYS if self.airflow.owner(key) is not None]

    def queue(self, key: str) -> None:
        """A workload is handed over."""
        self._take(key)

    def defer(self, key: str) -> None:
        """The task comes back under its key while the container it ran in is still there."""
        owner = self.airflow.owner(key)
        if owner is not None and not owner.ended and any(c.started for c in self.cloud.live_of(owner.token_base)):
            self._take(key)

    def mark_failed(self, pick: int) -> None:
        """Somebody marks a task failed that has not run yet; only its row says so."""
        if launches := self.airflow.to_be_marked():
            launches[pick % len(launches)].ended = True

    def _take(self, key: str) -> None:
        launch_id = self.new_id("L")
        timeout = self.policy.launch_timeout
        self.airflow.supersede(key)
        self.airflow.launches[launch_id] = Launch(
            launch_id,
            launch_id,
            key,
            deadline=self.now + timeout if timeout else None,
            invalid=self.count % 11 == 0,
        )
        self.feed(on.WorkloadQueued(launch_id=launch_id, key=key, workload=f"work of {launch_id}"))

    def take_back(self, key: str, *, given_up: bool) -> None:
        """Airflow revokes the task, or declares it terminal."""
        owner = self.airflow.owner(key)
        effects = self.feed(on.FailedByAirflow(key=key) if given_up else on.Revoked(key=key))
        assert (do.Release(key=key) in effects) == (owner is not None), "a key is released iff it was held"

    def heartbeat(self, after: float) -> None:
        """Time passes, and the scheduler sends a heartbeat."""
        self.now += after
        self.feed(on.Tick())

    def stall(self, after: float, thief: int | None) -> None:
        """The scheduler sends no heartbeat for long: no launch leaves a lane, and another scheduler may adopt a task.

        What would have left a lane is held because the lease lapsed; what waits in it for its turn is still there.
        """
        self.now += after
        if not self.keeps_withdrawals:
            for effect in [e for e in self.outstanding if isinstance(e, do.Submit)]:
                self._hold(effect)
        open_ones = [launch for launch in self.airflow.launches.values() if self.airflow.ours(launch.launch_id)]
        if thief is not None and open_ones:
            open_ones[thief % len(open_ones)].stolen = True
        self.heartbeat(0)

    def crash(self, dead_for: float, *, by_arn: bool) -> None:
        """The scheduler dies; after a while another adopts what is Airflow's."""
        self.now += dead_for
        self.machine = Machine(self.policy)
        self.draining = self.airflow.terminated = False
        for memory in (self.outstanding, self.answers, self.delivered, self.in_flight, self.not_before):
            memory.clear()
        for launch in list(self.airflow.launches.values()):
            if launch.fate or launch.stolen or launch.moved_on or launch.ended:
                launch.fate = launch.fate or "gone"
                self.airflow.orphans.add(launch.token_base)
        self.heartbeat(0)
        for launch in [launch for launch in self.airflow.launches.values() if not launch.fate]:
            self._adopt(launch, by_arn=by_arn)
        self.airflow.orphans -= {launch.token_base for launch in self.airflow.launches.values() if not launch.fate}

    def _adopt(self, launch: Launch, *, by_arn: bool) -> None:
        queued = self.airflow.is_queued(launch)
        workload = f"name of the row of {launch.launch_id}" if queued else None
        job = launch.told if by_arn else None
        stale = self.airflow.left_in_the_row(launch) if by_arn and job is None else None
        launch_id = self.new_id("A") if job or stale else launch.token_base
        launch.fate, token_base = "gone", launch_id if stale else launch.token_base
        timeout = self.policy.launch_timeout
        deadline = self.now + timeout if timeout and queued else None
        self.airflow.launches[launch_id] = replace(
            launch, launch_id=launch_id, token_base=token_base, fate="", deadline=deadline
        )
        self.feed(
            on.Adopted(
                launch_id=launch_id,
                key=launch.key,
                job=job or stale,
                workload=workload,
                origin=Origin(launch.token_base),
            )
        )

    def drain(self) -> None:
        """The executor ends."""
        self.draining = True
        self.feed(on.Draining())

    def terminate(self) -> None:
        """The executor terminates."""
        self.draining = self.airflow.terminated = True
        self.feed(on.Terminating())

    # -- the dispatcher -----------------------------------------------------------------------------------------------

    def act(self, pick: int, *, lag: float = 0.0, lost: bool = False) -> None:
        """One call reaches the cloud; its answer comes some time, or is lost and that is known some time."""
        effect = self.outstanding.pop(pick % len(self.outstanding))
        fault = CallFailure(FailureKind.NO_ANSWER, "call") if lost else None
        self.answers.append(self._act(effect, fault, lag))

    def fail(self, pick: int, kind: FailureKind) -> None:
        """One call does not do what it was to do."""
        effect = self.outstanding[pick % len(self.outstanding)]
        fault = CallFailure(kind, "call", kind.value)
        if isinstance(effect, do.Submit):
            taken = any(container.token == effect.token for container in self.cloud.containers)
            if kind is FailureKind.NO_CAPACITY and taken:
                self.act(pick)
                return
            if kind is FailureKind.NO_CAPACITY:
                self.cloud.refused.add(effect.token)
        self.outstanding.remove(effect)
        self.answers.append(self._failure(effect, fault))

    def _failure(self, effect: do.IoEffect, fault: CallFailure) -> on.Completion:
        if isinstance(effect, do.Submit):
            request = effect.request or self.new_id("request-")
            return on.Unaccepted(
                request_id=effect.request_id,
                launch_id=effect.launch_id,
                failure=fault,
                request=request,
                location=effect.location,
            )
        return failed(effect, fault)

    def _act(self, effect: do.IoEffect, fault: CallFailure | None, lag: float) -> on.Completion:
        if isinstance(effect, do.Submit):
            return self._submit(effect, fault, lag)
        if isinstance(effect, do.StopJob):
            self.cloud.get(effect.job).stop_asked = True
        return self._failure(effect, fault) if fault is not None else self._answer(effect)

    def _described(self, request_id: int, jobs: tuple[Job, ...]) -> on.Described:
        seen, missing = self.cloud.observe(jobs, self.now)
        return on.Described(request_id=request_id, seen=seen, missing=missing)

    def _answer(self, effect: do.IoEffect) -> on.Completion:
        match effect:
            case do.FindByLaunchId():
                return on.FoundByLaunchId(
                    request_id=effect.request_id,
                    launch_ids=effect.launch_ids,
                    seen=self.cloud.find(effect.token_bases, self.now),
                )
            case do.Describe():
                return self._described(effect.request_id, effect.jobs)
            case do.ListRunning():
                unlisted = self.cloud.unlisted(effect.jobs, self.now)
                if unlisted and effect.request_id % 2:  # either answer is one that a lane may give
                    return self._described(effect.request_id, unlisted)
                return on.RunningListed(request_id=effect.request_id, location=effect.location, unlisted=unlisted)
            case do.StopJob():
                return on.StopAnswered(request_id=effect.request_id, launch_id=effect.launch_id)
            case do.VerifyOwnership() | do.VerifyExit() | do.CheckWanted():
                return self._ask_rows(effect)

    def _ask_rows(self, effect: do.VerifyOwnership | do.VerifyExit | do.CheckWanted) -> on.Completion:
        match effect:
            case do.VerifyOwnership():
                ids = tuple(launch_id for launch_id, _ in effect.launches)
                ours = frozenset(filter(self.airflow.ours, ids))
                read = {launch_id: f"row of {launch_id}" for launch_id in ours & effect.read}
                return on.OwnershipVerified(
                    request_id=effect.request_id, launch_ids=ids, ours=ours, workloads=read, read_at=self.now
                )
            case do.VerifyExit():
                return on.ExitVerified(
                    request_id=effect.request_id,
                    launch_id=effect.launch_id,
                    awaited=self.airflow.awaits(effect.launch_id),
                )
            case do.CheckWanted():
                unwanted = [launch_id for launch_id, _ in effect.launches if self.airflow.unwanted(launch_id)]
                return on.WantedChecked(
                    request_id=effect.request_id, unwanted=tuple((launch_id, "marked failed") for launch_id in unwanted)
                )

    def _submit(self, effect: do.Submit, fault: CallFailure | None, lag: float) -> on.Completion:
        if effect.not_after is not None and self.now > effect.not_after:
            return self._failure(effect, CallFailure(FailureKind.HELD, "submit"))
        if effect.read_at is not None and self.now - effect.read_at > LEASE:
            return replace(self._failure(effect, CallFailure(FailureKind.HELD, "submit")), outdated=True)
        if self.airflow.launches[effect.launch_id].invalid:
            return self._failure(effect, CallFailure(FailureKind.INVALID, "submit"))
        if self.cloud.idempotent and effect.token in self.cloud.refused:
            return self._failure(effect, CallFailure(FailureKind.NO_CAPACITY, "submit"))
        request = effect.request or self.new_id("request-")
        before = len(self.cloud.containers)
        container = self.cloud.submit(effect.token, request, self.now, lag)
        if len(self.cloud.containers) > before:
            properties.check_made(self, container, effect)
        if fault is not None:
            return on.Unaccepted(
                request_id=effect.request_id,
                launch_id=effect.launch_id,
                failure=fault,
                request=request,
                location=effect.location,
            )
        return on.Accepted(request_id=effect.request_id, launch_id=effect.launch_id, seen=container.seen())

    def deliver(self, pick: int) -> None:
        """A completion arrives."""
        if not self.answers:
            return
        answer = self.answers.pop(pick % len(self.answers))
        if isinstance(answer, on.Accepted | on.Unaccepted):
            assert self.in_flight.pop(answer.launch_id) == answer.request_id
        if isinstance(answer, on.Unaccepted) and answer.failure.kind is not FailureKind.HELD:
            self.not_before[answer.launch_id] = self.now + BACKOFF[answer.failure.kind].first / 2
        self.delivered = [*self.delivered[-7:], answer]
        effects = self.feed(answer)
        if isinstance(answer, on.ExitVerified) and answer.awaited:
            assert not any(isinstance(effect, do.Release) for effect in effects), f"{answer}, and nothing is said"

    def repeat(self, pick: int) -> None:
        """A completion arrives again."""
        answer = self.delivered[pick % len(self.delivered)]
        before = dict(self.machine.store.launches)
        effects = self.feed(answer)
        if not (isinstance(answer, on.Described) and answer.request_id is None):
            assert effects == [], f"{answer}, again, had effects"
            assert self.machine.store.launches == before, f"{answer}, again, changed something"

    def push(self, pick: int) -> None:
        """A state change sets out, to arrive whenever it likes."""
        container = self.cloud.containers[pick % len(self.cloud.containers)]
        self.answers.append(on.Described(request_id=None, seen=(container.seen(),)))

    # -- the cloud ----------------------------------------------------------------------------------------------------

    def pick(self, pick: int, which: Callable[[Container], bool]) -> Container | None:
        """One of the containers that fit; None if none does."""
        fitting = [container for container in self.cloud.containers if which(container)]
        return fitting[pick % len(fitting)] if fitting else None

    def forget(self, pick: int, *, ever: bool) -> None:
        """The cloud does not know a job, for a while or, if it is past finding out more about it, for ever."""
        store = self.machine.store
        container = self.pick(pick, lambda c: not c.forgotten_until)
        if container is None:
            return
        tracked = store.launches.get(store.by_arn.get(container.job.arn, ""))
        if not ever:
            container.forgotten_until = self.now + FORGETFUL
        elif tracked is not None and tracked.started == container.started:
            container.forgotten_until = inf
            if container.live:
                self.cloud.die(container)

    # -- what must hold -----------------------------------------------------------------------------------------------

    def check(self) -> None:
        """After every step."""
        self.age += 1
        properties.check_step(self)

    def settle(self) -> None:
        """The cloud heals, and time goes on: everything comes to an end."""
        if self.draining:
            self._end_in_order()
            self.crash(30.0, by_arn=True)
        for _ in range(PATIENCE):
            self._answer_all()
            if not self.machine.store.launches:
                break
            self._live_on()
            self.heartbeat(5.0)
            self.check()
        assert not self.machine.store.launches, f"still not over: {list(self.machine.store.launches.values())}"
        self.check()
        assert all(launch.fate for launch in self.airflow.launches.values())

    def _end_in_order(self) -> None:
        """The process waits for what is unfinished, and goes; only what was sent by then has an effect."""
        for _ in range(PATIENCE):
            if not self.machine.unfinished():
                break
            self._answer_all()
            self._live_on()
            self.heartbeat(5.0)
        properties.check_left(self)

    def _answer_all(self) -> None:
        while self.answers or self.outstanding:
            while self.answers:
                self.deliver(0)
            if self.outstanding:
                self.act(0)

    def _live_on(self) -> None:
        for container in self.cloud.containers:
            if not container.live:
                continue
            if container.stop_asked:
                self.cloud.kill(container)
            elif not container.started:
                self.cloud.start(container)
            elif container.ended is None:
                if int(container.born) % 3 == 0:
                    self.airflow.reschedule(container)
                self.cloud.exit(container, 0, lingers=container.born % 2 > 0)
