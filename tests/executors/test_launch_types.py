"""The launch type of tasks for which none is configured: asked of each cluster once, and nobody queues behind it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from aws_exec.clouds.errors import CloudError
from aws_exec.executors.launch_types import FAILURE_SECONDS, LaunchTypes
from aws_exec.lifecycle.values import CallFailure, FailureKind
from tests.executors.harness import PATIENCE, Scheduler, task
from tests.scripted.services import server_error


class Cluster:
    """Answers when told to; counts how often it was asked."""

    def __init__(self, kind=None):
        self.kind = kind
        self.asked = []
        self.was_asked = threading.Event()
        self.may_answer = threading.Event()

    def __call__(self, location):
        self.asked.append(location)
        self.was_asked.set()
        assert self.may_answer.wait(PATIENCE)
        if self.kind is not None:
            raise CloudError(CallFailure(self.kind, "DescribeClusters", "Odd", "no"))
        return "FARGATE"


def outcome(future):
    error = future.exception(PATIENCE)
    return error.failure.code if error is not None else future.result()


@pytest.mark.parametrize(("kind", "said"), [(None, "FARGATE"), (FailureKind.UNREACHED, "Odd")])
def test_many_threads_ask_once_and_all_get_the_one_answer(kind, said):
    cluster = Cluster(kind)
    types = LaunchTypes(cluster, lambda: 0.0)
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(types.of, "fleet") for _ in range(8)]
        assert cluster.was_asked.wait(PATIENCE)
        cluster.may_answer.set()
        assert [outcome(one) for one in waiting] == [said] * 8
    assert cluster.asked == ["fleet"]


def test_a_thread_that_dies_while_it_asks_leaves_nobody_waiting():
    cluster = Cluster()
    deaths = [SystemExit(), MemoryError()]

    def look_up(location):
        answer = cluster(location)
        if deaths:
            raise deaths.pop()
        return answer

    types = LaunchTypes(look_up, lambda: 0.0)
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(types.of, "fleet") for _ in range(8)]
        assert cluster.was_asked.wait(PATIENCE)
        cluster.may_answer.set()
        came = [one.exception(PATIENCE) or one.result() for one in waiting]
    assert sorted(map(str, came)) == ["", "", *["FARGATE"] * 6]
    assert len(cluster.asked) == 3


def test_a_cluster_that_does_not_answer_holds_up_no_other():
    slow = Cluster()
    types = LaunchTypes(lambda location: slow(location) if location == "slow" else "EC2")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(types.of, "slow")
        assert slow.was_asked.wait(PATIENCE)
        assert types.of("quick") == "EC2"
        slow.may_answer.set()
        assert outcome(waiting) == "FARGATE"


def test_a_failure_is_the_answer_for_some_seconds_and_then_it_is_asked_again():
    now = [0.0]
    cluster = Cluster(FailureKind.UNREACHED)
    cluster.may_answer.set()
    types = LaunchTypes(cluster, lambda: now[0])
    for moment in (0.0, FAILURE_SECONDS - 0.1, FAILURE_SECONDS):
        now[0] = moment
        with pytest.raises(CloudError):
            types.of("fleet")
    assert len(cluster.asked) == 2
    cluster.kind = None
    now[0] = 2 * FAILURE_SECONDS
    assert [types.of("fleet") for _ in range(3)] == ["FARGATE"] * 3
    assert len(cluster.asked) == 3


def test_bad_credentials_are_not_remembered():
    """The lanes wait until they are renewed; what was said of the old ones would make them wait again."""
    cluster = Cluster(FailureKind.CREDENTIALS)
    cluster.may_answer.set()
    types = LaunchTypes(cluster, lambda: 0.0)
    with pytest.raises(CloudError):
        types.of("fleet")
    cluster.kind = None
    assert types.of("fleet") == "FARGATE"


@pytest.mark.parametrize(
    "config",
    [
        {"launchType": "EC2"},
        {"launch_type": "EC2"},
        {"capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT"}]},
        {"capacity_provider_strategy": [{"capacity_provider": "FARGATE_SPOT"}]},
    ],
)
def test_a_task_that_says_where_it_runs_waits_for_no_look_up(started, aws, config):
    aws.goes_wrong(server_error(), "DescribeClusters")
    scheduler = Scheduler(started(launch_type=None))
    scheduler.until_over(scheduler.queue(task(executor_config=config)))
    (launch,) = aws.launches()
    assert launch.request.get("launchType") == (config.get("launchType") or config.get("launch_type"))
    assert bool(launch.request.get("capacityProviderStrategy")) == ("launchType" not in launch.request)
    assert aws.calls()["DescribeClusters"] == 0
