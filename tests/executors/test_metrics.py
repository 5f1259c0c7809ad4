"""What the executor did can be read off the metrics that Airflow's stats are told, and costs the scheduler nothing."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest

from aws_exec.executors.metrics import FLUSH_SECONDS
from aws_exec.metrics import catalogue as of
from tests.executors.harness import FastClock, Scheduler, task
from tests.executors.recorded import Recorder
from tests.executors.rows import RUN, adopt
from tests.executors.services import over_both
from tests.executors.versions import initialize_stats
from tests.scripted.services import FOR_EVER, THROTTLES, Plan, denied

pytestmark = over_both


@pytest.fixture
def stats():
    """Airflow's stats logger; to be installed once the executors are built."""
    yield Recorder()
    initialize_stats(Recorder)


def kinds_of(names, service):
    """The metrics that these names belong to, by kind; a name that belongs to none is left as it is."""
    known = {f"awsexec.{service}.{metric.name}": metric for metric in of.METRICS}
    return {known.get(name) or known.get(name.rpartition(".")[0]) or name for name in names}


def test_every_metric_of_the_list_is_emitted_and_no_other(started, aws, service, rows, stats):
    scheduler = Scheduler(started(clock=FastClock(20), **{service.attempts: "5"}))
    stats.install()
    aws.goes_wrong(THROTTLES[0], service.launch, times=1)
    plans = iter([Plan(fails="nobody knows")])
    aws.set_plan(lambda _: next(plans, Plan(run=0.01)))
    key = scheduler.queue(task())
    rows.add("adopted", external_id=None)
    adopt(scheduler.executor)
    rows.add("left", external_id="11111111-1111-4111-8111-111111111111")
    adopt(scheduler.executor)
    scheduler.until_over(key, task("left", run_id=RUN).key)
    scheduler.executor.end()
    emitted = {kind: kinds_of(names, service.name) for kind, names in stats.ours().items()}
    assert emitted == {kind.value: {metric for metric in of.METRICS if metric.kind is kind} for kind in of.Kind}


def test_the_counters_say_what_happened(started, aws, service, stats):
    scheduler = Scheduler(started(clock=FastClock(20)))
    stats.install()
    aws.goes_wrong(THROTTLES[0], service.launch, times=2)
    codes = iter([0, 0, 0, 1])
    aws.set_plan(lambda _: Plan(run=0.01, exit_code=next(codes)))
    done = [task(f"task-{number}") for number in range(4)]
    scheduler.queue(*done)
    scheduler.until_over(*(workload.key for workload in done))
    aws.set_plan(FOR_EVER)
    revoked = task("revoked")
    scheduler.queue(revoked)
    store = scheduler.executor.machine.store
    scheduler.until(lambda: any(launch.started for launch in store.launches.values()))
    scheduler.executor.revoke_task(ti=SimpleNamespace(key=revoked.key, id=revoked.ti.id))
    scheduler.until(lambda: not store.launches)
    scheduler.executor.end()
    counts, prefix = stats.all_counts(f"awsexec.{service.name}."), f"awsexec.{service.name}."
    assert {name: counts[name] for name in counts if not name.startswith("api_")} == {
        "workloads.taken": 5,
        "requests.accepted": 5,
        "requests.throttled": 2,
        "launches.succeeded": 3,
        "launches.failed": 1,
        "launches.released": 1,
        f"throttles.{service.launch}": 2,
    }
    calls = {name.removeprefix("api_calls."): n for name, n in counts.items() if name.startswith("api_calls.")}
    assert calls == aws.calls()
    assert counts[f"api_errors.{service.launch}"] == 2
    assert {tags["trouble"] for tags in stats.tags[f"{prefix}api_errors.{service.launch}"]} == {"throttled"}
    assert (stats.gauges[f"{prefix}pending"], stats.gauges[f"{prefix}active"]) == (0, 0)
    assert stats.gauges[f"{prefix}healthy"] == 1
    assert len(stats.times[f"{prefix}latency.queued_to_running"]) == 5


def test_health_is_lost_with_the_right_to_launch_and_comes_back_with_it(started, aws, service, stats):
    scheduler = Scheduler(started(clock=FastClock(100)))
    stats.install()
    healthy = f"awsexec.{service.name}.healthy"
    aws.set_plan(FOR_EVER)
    scheduler.queue(task("runs"))
    scheduler.until(lambda: stats.gauges.get(healthy) == 1)
    aws.goes_wrong(denied(service.launch, service.name), service.launch)
    scheduler.queue(task("waits"))
    scheduler.until(lambda: stats.gauges[healthy] == 0)
    aws.goes_right()
    scheduler.until(lambda: stats.gauges[healthy] == 1)


def test_every_metric_says_whose_it_is(started, service, stats):
    executor = started()
    stats.install()
    Scheduler(executor).rest(0.05)
    executor.end()
    names = set().union(*stats.ours().values())
    assert f"awsexec.{service.name}.healthy" in names
    assert {tags["executor_class_name"] for name in names for tags in stats.tags[name]} == {service.executor.__name__}


def test_a_team_is_a_tag(configured, service, stats, monkeypatch):
    for option in service.required:
        monkeypatch.setenv(service.variable(option, team="risk"), "theirs")
    executor = service.executor(parallelism=1, team_name="risk")
    executor.start()
    stats.install()
    executor.end()
    assert {tags["team_name"] for name, all_tags in stats.tags.items() for tags in all_tags} == {"risk"}


def test_airflows_stats_are_called_once_in_a_while_only(started, stats, service):
    now = [0.0]
    executor = started(clock=lambda: now[0])
    stats.install()
    for _ in range(100):
        now[0] += FLUSH_SECONDS / 50
        executor.sync()
    assert len(stats.tags[f"awsexec.{service.name}.healthy"]) in (1, 2)


class Broken:
    """A stats logger that nothing can be told."""

    def __getattr__(self, name):
        raise ConnectionError("no statsd")


def test_stats_that_raise_are_said_once_and_stop_nothing(started, aws, caplog):
    scheduler = Scheduler(started(clock=FastClock(1000)))
    initialize_stats(Broken)
    key = scheduler.queue(task())
    try:
        with caplog.at_level(logging.ERROR):
            for workload in (task("a"), task("b")):
                scheduler.executor.execute_async(workload.key, [workload])
                scheduler.executor.sync()
            scheduler.executor._metrics.flush({})
            scheduler.executor._metrics.flush({})
    finally:
        initialize_stats(Recorder)
    scheduler.until_over(key)
    errors = [record.message for record in caplog.records if record.levelno >= logging.ERROR]
    assert errors == ["Metrics cannot be emitted; this is said once"]
