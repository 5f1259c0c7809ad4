"""Callbacks (deadline alerts) run in containers, too, and are reported in states of their own."""

from __future__ import annotations

import jwt
import pytest
from airflow.utils import state as airflow_states

from tests.executors.harness import callback
from tests.executors.services import over_both
from tests.executors.versions import needs_callbacks, queued_callbacks
from tests.scripted.services import Plan

pytestmark = [over_both, needs_callbacks]


@pytest.mark.parametrize(("exit_code", "state"), [(0, "success"), (1, "failed")])
def test_a_callback_runs_under_its_own_id_and_is_reported(scheduler, aws, exit_code, state):
    aws.set_plan(Plan(run=0.05, exit_code=exit_code))
    workload = callback()
    key = scheduler.queue(workload)
    scheduler.until_over(key)
    (launch,) = aws.launches()
    assert scheduler.outcomes(key) == [state]
    assert type(scheduler.told[key][-1][0]) is str
    assert launch.token == f"{workload.callback.id}-1"
    assert launch.environment["AWSEXEC_CALLBACK_ID"] == workload.callback.id
    assert launch.workload["type"] == "ExecuteCallback"
    claims = jwt.decode(launch.workload["token"], options={"verify_signature": False})
    assert claims["sub"] == workload.callback.id
    assert scheduler.executor.running == set()
    assert queued_callbacks(scheduler.executor) == {}


def test_its_final_state_is_a_callback_state(started, aws):
    executor = started()
    workload = callback()
    executor.queue_workload(workload, session=None)
    states = []
    while not states or states[-1] == "running":
        executor.heartbeat()
        states += [state for state, _ in executor.get_event_buffer().values()]
    assert states[-1] is airflow_states.CallbackState.SUCCESS
