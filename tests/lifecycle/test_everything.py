"""Whatever happens, in whatever order: the properties of the design, held against a model cloud and a model Airflow."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from aws_exec.lifecycle.policy import Replacement
from aws_exec.lifecycle.values import FailureKind, Status, Termination, launch_of
from tests.lifecycle.model_cloud import LISTING_LAG, Container
from tests.lifecycle.model_world import World

PICK = st.integers(0, 99)
#: Troubles of a Submit that reached nobody; NO_ANSWER comes in two kinds, before and after AWS acted.
NOT_SENT = [
    FailureKind.THROTTLED,
    FailureKind.UNREACHED,
    FailureKind.CREDENTIALS,
    FailureKind.REFUSED,
    FailureKind.NO_ANSWER,
]
TROUBLES = [*NOT_SENT, FailureKind.NO_CAPACITY, FailureKind.HELD]


def judge(stop: Termination) -> Replacement:
    """Some ends are final, some are nobody's fault."""
    return {"final": Replacement.NO, "capacity": Replacement.FREE}.get(stop.reason, Replacement.YES)


def is_starting(container: Container) -> bool:
    """It was accepted and may start."""
    return container.status is Status.STARTING


def is_running(container: Container) -> bool:
    """Its user code runs."""
    return container.user_code_runs


def is_live(container: Container) -> bool:
    """Something of it may run."""
    return container.live


def is_to_stop(container: Container) -> bool:
    """Somebody asked for its end."""
    return container.live and container.stop_asked


class Everything(RuleBasedStateMachine):
    """Airflow, the cloud, the network and the clock do what they like."""

    world: World

    @initialize(
        idempotent=st.booleans(),
        launch_timeout=st.sampled_from([None, None, 90.0]),
        launches_per_tick=st.sampled_from([1, 200]),
        keeps_withdrawals=st.booleans(),
        observe_batch=st.sampled_from([1, 2]),
        check_interval=st.sampled_from([None, 5.0]),
    )
    def begin(self, *, idempotent, launch_timeout, launches_per_tick, keeps_withdrawals, observe_batch, check_interval):
        self.world = World(
            keeps_withdrawals=keeps_withdrawals,
            idempotent_submit=idempotent,
            launch_timeout=launch_timeout,
            launches_per_tick=launches_per_tick,
            observe_batch=observe_batch,  # of 1, two that run are listed
            check_interval=check_interval,
            judge=judge,
        )

    # -- Airflow ------------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.world.free_keys())
    @rule(pick=PICK, then_heartbeat=st.booleans())
    def queue(self, pick, then_heartbeat):
        keys = self.world.free_keys()
        self.world.queue(keys[pick % len(keys)])
        if then_heartbeat:
            self.world.heartbeat(0.1)

    @precondition(lambda self: self.world.owned_keys())
    @rule(pick=PICK)
    def defer(self, pick):
        keys = self.world.owned_keys()
        self.world.defer(keys[pick % len(keys)])

    @precondition(lambda self: self.world.owned_keys())
    @rule(pick=PICK, given_up=st.booleans())
    def take_back(self, pick, given_up):
        keys = self.world.owned_keys()
        self.world.take_back(keys[pick % len(keys)], given_up=given_up)

    @precondition(lambda self: self.world.airflow.to_be_marked())
    @rule(pick=PICK)
    def mark_failed(self, pick):
        self.world.mark_failed(pick)

    @rule(after=st.sampled_from([0.0, 0.5, 1.0, 3.0, 6.0, 9.0]))
    def heartbeat(self, after):
        self.world.heartbeat(after)

    @precondition(lambda self: self.world.age > 3)
    @rule(after=st.sampled_from([11.0, 30.0, 70.0]), thief=st.booleans(), pick=PICK)
    def stall(self, after, thief, pick):
        self.world.stall(after, pick if thief else None)

    @precondition(lambda self: self.world.owned_keys())
    @rule(dead_for=st.sampled_from([30.0, 100.0]), by_arn=st.booleans())
    def crash(self, dead_for, by_arn):
        self.world.crash(dead_for, by_arn=by_arn)

    @precondition(lambda self: self.world.age > 10)
    @rule()
    def drain(self):
        self.world.drain()

    @precondition(lambda self: self.world.age > 10)
    @rule()
    def terminate(self):
        self.world.terminate()

    # -- the network and the cloud ------------------------------------------------------------------------------------

    @precondition(lambda self: self.world.outstanding)
    @rule(pick=PICK, lag=st.sampled_from([0.0, LISTING_LAG]))
    def call_goes_well(self, pick, lag):
        self.world.act(pick, lag=lag)

    @precondition(lambda self: self.world.outstanding)
    @rule(pick=PICK, lag=st.sampled_from([0.0, LISTING_LAG]))
    def call_goes_well_at_once(self, pick, lag):
        self.world.act(pick, lag=lag)
        self.world.deliver(-1)

    @precondition(lambda self: self.world.outstanding)
    @rule(pick=PICK, kind=st.sampled_from(TROUBLES))
    def call_fails(self, pick, kind):
        self.world.fail(pick, kind)

    @precondition(lambda self: self.world.outstanding)
    @rule(pick=PICK, lag=st.sampled_from([0.0, LISTING_LAG]))
    def answer_is_lost(self, pick, lag):
        self.world.act(pick, lag=lag, lost=True)

    @precondition(lambda self: self.world.answers)
    @rule(pick=PICK)
    def answer_arrives(self, pick):
        self.world.deliver(pick)

    @precondition(lambda self: self.world.answers)
    @rule()
    def every_answer_arrives(self):
        while self.world.answers:
            self.world.deliver(0)

    @precondition(lambda self: self.world.delivered)
    @rule(pick=PICK)
    def answer_arrives_again(self, pick):
        self.world.repeat(pick)

    @precondition(lambda self: self.world.cloud.containers)
    @rule(pick=PICK)
    def state_change_is_pushed(self, pick):
        self.world.push(pick)

    @precondition(lambda self: self.world.pick(0, is_starting))
    @rule(pick=PICK, let_in=st.booleans())
    def container_starts(self, pick, let_in):
        if container := self.world.pick(pick, is_starting):
            self.world.cloud.start(container)
            if let_in:
                self.world.airflow.let_in(container)

    @precondition(lambda self: self.world.pick(0, is_starting))
    @rule(pick=PICK)
    def container_starts_as_its_task_is_revoked_and_queued_anew(self, pick):
        airflow = self.world.airflow
        if container := self.world.pick(pick, is_starting):
            token_base = launch_of(container.token)
            owner = airflow.owner(airflow.key_of_family(token_base))
            if owner is not None and owner.token_base == token_base:
                self.world.take_back(owner.key, given_up=False)
                self.world.queue(owner.key)
            self.world.cloud.start(container)
            airflow.let_in(container)

    @precondition(lambda self: self.world.pick(0, is_running))
    @rule(pick=PICK, code=st.sampled_from([0, 1]), lingers=st.booleans(), rescheduled=st.booleans())
    def container_exits(self, pick, code, lingers, rescheduled):
        if container := self.world.pick(pick, is_running):
            if rescheduled:
                self.world.airflow.reschedule(container)
            self.world.cloud.exit(container, code, lingers=lingers)

    @precondition(lambda self: self.world.pick(0, is_live))
    @rule(pick=PICK, reason=st.sampled_from(["", "final", "capacity"]), user_initiated=st.booleans())
    def container_dies(self, pick, reason, user_initiated):
        if container := self.world.pick(pick, is_live):
            self.world.cloud.die(container, user_initiated=user_initiated, reason=reason)

    @precondition(lambda self: self.world.pick(0, is_to_stop))
    @rule(pick=PICK)
    def stop_takes_effect(self, pick):
        if container := self.world.pick(pick, is_to_stop):
            self.world.cloud.kill(container)

    @precondition(lambda self: self.world.pick(0, is_live))
    @rule(pick=PICK, ever=st.booleans())
    def cloud_forgets(self, pick, ever):
        self.world.forget(pick, ever=ever)

    # -- what must hold -----------------------------------------------------------------------------------------------

    @invariant()
    def everything_holds(self):
        if hasattr(self, "world"):
            self.world.check()

    def teardown(self):
        if hasattr(self, "world"):
            self.world.settle()


TestEverything = Everything.TestCase
