"""Tokens, backoff, the rate bucket, identities: the values that the core is made of."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_exec.dispatch.token_bucket import FLOOR, RECOVERY_SECONDS, Bucket
from aws_exec.lifecycle.identity import STARTED_BY_LIMIT, Identity, from_environment, from_tags, started_by
from aws_exec.lifecycle.policy import BACKOFF, Backoff, Policy, Replacement, always
from aws_exec.lifecycle.values import (
    INCONCLUSIVE,
    CallFailure,
    FailureKind,
    Termination,
    launch_of,
    sequence_of,
    token_of,
)

TEXT = st.text(max_size=20)


@given(st.uuids().map(str), st.integers(1, 10**6))
def test_a_token_gives_back_what_it_was_made_from(launch_id, number):
    token = token_of(launch_id, number)
    assert (launch_of(token), sequence_of(token)) == (launch_id, number)
    assert len(token) <= 64


@pytest.mark.parametrize("token", ["", "no-number", "abc", "a-1x", "a-"])
def test_what_is_no_token_has_no_number(token):
    assert sequence_of(token) == 0


def test_a_fault_reads_as_what_was_tried_and_what_was_said():
    assert (
        str(CallFailure(FailureKind.NO_CAPACITY, "RunTask", "RESOURCE:CPU", "no room"))
        == "RunTask: RESOURCE:CPU: no room"
    )
    assert str(CallFailure(FailureKind.UNREACHED, "RunTask")) == "RunTask"


def test_only_an_answered_refusal_or_a_wrong_request_settles_an_unanswered_one():
    assert set(FailureKind) - INCONCLUSIVE == {FailureKind.NO_CAPACITY, FailureKind.INVALID}


# -- backoff ----------------------------------------------------------------------------------------------------------


@given(st.integers(1, 10_000), TEXT)
def test_a_wait_lies_between_half_of_the_full_one_and_all_of_it(count, salt):
    full = min(60, 2.0 ** min(count - 1, 30))
    assert full / 2 <= Backoff(1, 60).after(count, salt) <= full


def test_a_wait_is_the_same_each_time_and_another_for_another_launch():
    waits = {Backoff(1, 60).after(3, f"L{number}-1") for number in range(20)}
    assert len(waits) == 20
    assert Backoff(1, 60).after(3, "L1-1") in waits


def test_every_trouble_has_a_backoff():
    assert set(BACKOFF) == set(FailureKind)
    assert all(0 < backoff.first <= backoff.ceiling for backoff in BACKOFF.values())


def test_without_a_diagnosis_a_new_container_is_always_worth_a_try():
    assert always(Termination("ecs")) is Replacement.YES
    assert Policy().judge is always


# -- the rate bucket --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rate", "burst"), [(0, 1), (-1, 1), (1, 0.5)])
def test_a_bucket_that_could_never_be_taken_from_is_refused(rate, burst):
    with pytest.raises(ValueError, match="a bucket needs"):
        Bucket.full(rate, burst, 0.0)


def test_a_burst_goes_at_once_and_the_rest_at_the_rate():
    bucket = Bucket.full(10, 3, 0.0)
    for _ in range(3):
        assert bucket.wait(0.0) == 0
        bucket = bucket.take(0.0)
    assert bucket.wait(0.0) == pytest.approx(0.1)
    assert bucket.wait(0.1) == pytest.approx(0.0)
    assert bucket.refilled(100.0).level == 3


def test_a_call_made_early_is_a_debt_of_the_next():
    bucket = Bucket.full(10, 1, 0.0).take(0.0).take(0.0)
    assert bucket.wait(0.0) == pytest.approx(0.2)


def test_a_throttle_halves_the_rate_and_takes_what_was_saved_up():
    bucket = Bucket.full(10, 100, 0.0).throttled(0.0)
    assert (bucket.level, bucket.rate_factor) == (0.0, 0.5)
    assert bucket.wait(0.0) == pytest.approx(0.2)


def test_a_throttled_bucket_refills_at_the_rate_in_force():
    assert Bucket.full(10, 100, 0.0).throttled(0.0).refilled(1.0).level == pytest.approx(5.0)


def test_a_moment_refills_once():
    bucket = Bucket.full(10, 1, 0.0).take(0.0)
    assert bucket.refilled(0.05).refilled(0.05).level == pytest.approx(0.5)


def test_a_throttle_does_not_forgive_a_debt():
    bucket = Bucket.full(10, 1, 0.0).take(0.0).take(0.0).throttled(0.0)
    assert bucket.level == -1.0


def test_the_rate_never_falls_below_its_floor_and_recovers_in_a_minute():
    bucket = Bucket.full(10, 1, 0.0)
    for _ in range(50):
        bucket = bucket.throttled(0.0)
    assert bucket.rate_factor == FLOOR
    assert bucket.refilled(RECOVERY_SECONDS / 2).rate_factor == pytest.approx(0.5 + FLOOR)
    assert bucket.refilled(RECOVERY_SECONDS).rate_factor == 1.0


def test_time_that_runs_backwards_refills_nothing():
    bucket = Bucket.full(10, 5, 10.0).take(10.0)
    assert bucket.refilled(3.0) == bucket


@given(
    st.floats(0.1, 100),
    st.floats(1, 100),
    st.lists(st.tuples(st.sampled_from(["take", "throttled", "refilled"]), st.floats(0, 10)), max_size=30),
)
def test_a_bucket_stays_within_its_bounds(rate, burst, steps):
    bucket, now = Bucket.full(rate, burst, 0.0), 0.0
    for what, passed in steps:
        now += passed
        bucket = getattr(bucket, what)(now)
        assert bucket.level <= burst
        assert FLOOR <= bucket.rate_factor <= 1
        assert bucket.wait(now) >= 0


# -- identities -------------------------------------------------------------------------------------------------------


@given(
    st.builds(
        Identity,
        deployment=TEXT,
        token=st.text(min_size=1, max_size=20),
        dag_id=TEXT,
        task_id=TEXT,
        run_id=TEXT,
        map_index=TEXT,
        try_number=TEXT,
        callback_id=TEXT,
    ),
)
def test_an_identity_is_read_back_from_the_environment_it_was_written_to(identity):
    assert from_environment({"PATH": "/bin", **identity.environment()}) == identity


def test_an_identity_names_its_variables_and_tags_and_leaves_empty_ones_out():
    identity = Identity("prod", "L1-2", dag_id="d", task_id="t", try_number="1")
    assert identity.launch_id == "L1"
    assert identity.environment() == {
        "AWSEXEC_DEPLOYMENT": "prod",
        "AWSEXEC_TOKEN": "L1-2",
        "AWSEXEC_DAG_ID": "d",
        "AWSEXEC_TASK_ID": "t",
        "AWSEXEC_TRY_NUMBER": "1",
    }
    assert identity.tags() == {
        "awsexec:deployment": "prod",
        "awsexec:token": "L1-2",
        "awsexec:dag-id": "d",
        "awsexec:task-id": "t",
        "awsexec:try-number": "1",
    }


@pytest.mark.parametrize("environment", [{}, {"AWSEXEC_TOKEN": ""}, {"AWSEXEC_DAG_ID": "d"}])
def test_a_container_without_a_token_is_not_ours(environment):
    assert from_environment(environment) is None


@pytest.mark.parametrize("tags", [{}, {"awsexec:token": ""}, {"token": "L1-1", "awsexec:dag-id": "d"}])
def test_tags_without_a_token_name_nobody(tags):
    assert from_tags(tags) is None


def test_an_identity_is_read_back_from_its_tags_among_others():
    identity = Identity("prod", "L1-2", dag_id="d", task_id="t", run_id="r", map_index="-1", try_number="1")
    assert from_tags({**identity.tags(), "team": "risk", "awsexec:new": "x"}) == identity
    assert from_tags(Identity("prod", "L1-2", callback_id="C1", scheduler="7").tags()) == Identity(
        "prod", "L1-2", callback_id="C1", scheduler="7"
    )


@given(TEXT)
def test_started_by_holds_what_ecs_allows(deployment):
    assert re.fullmatch(r"awsexec/[A-Za-z0-9\-/_]*", started_by(deployment))


def test_what_ecs_does_not_allow_becomes_a_hyphen_in_started_by():
    assert started_by("prod: eu") == "awsexec/prod-eu"


def test_started_by_is_cut_to_its_limit():
    assert len(started_by("x" * 500)) == STARTED_BY_LIMIT
