"""The measures. Each gets a run, and returns figures: names that say their unit, numbers."""

from __future__ import annotations

import gc
import random
import statistics
import time
import tracemalloc
from collections.abc import Callable, Mapping
from typing import Any

from bench.containers import container
from bench.driver import BUSY, summary
from bench.fleet import LAUNCH, Fleet, fleet
from bench.spec import AMAZON, LATENCY, Run
from tests.scripted.services import Quota

Figures = dict[str, Any]

#: Seconds that anything awaited may take, before a run goes on without it and says so.
PATIENCE = 120.0

#: Seconds of beats before something is measured: a sweep of ours, and one more beat; and seconds that it may take at
#: most until nothing of what was taken in is left over for the next beat, and how long such a beat is.
SETTLE, SETTLED = 7.0, 60.0
SHORT_BEAT = 0.005


def burst(run: Run) -> Figures:
    """Queue tasks at once, and beat until Airflow knows what each of them runs as."""
    tasks, running = run.parameters["tasks"], run.parameters.get("running", 0)
    with fleet(run, latency=0.0) as it:
        if running:
            it.adopt(running)
            _settle(it)
        it.aws.set_latency(LATENCY)
        workloads = it.workloads(tasks)
        known, begin = it.driver.told("running") + tasks, time.monotonic()
        spent, theirs = time.process_time(), it.aws.cpu_seconds()
        it.driver.queue(workloads)
        done = it.driver.until(lambda: it.driver.told("running") >= known, PATIENCE, busy=True)
        took = time.monotonic() - begin
        return {
            **summary(it.driver.since(begin)),
            "seconds": round(took, 3),
            "launches_per_second": round(tasks / took, 1),
            "all_launched": done,
            "cpu_seconds": round(time.process_time() - spent, 2),
            "api_cpu_seconds": round(it.aws.cpu_seconds() - theirs, 2),
            "api_cpu_share": round((it.aws.cpu_seconds() - theirs) / took, 3),
            "bytes_per_described_task": it.aws.size_of(it.aws.running()[-1]),
        }


def quota(run: Run) -> Figures:
    """Keep work waiting while the service takes so many launches per second and no more.

    As much waits as the scheduler would keep queued: 100 tasks.
    """
    rate, size, waiting = run.parameters["rate"], run.parameters["burst"], 100
    quotas = [Quota((LAUNCH[run.service], "StopTask"), rate, size)]
    with fleet(run, quotas=quotas) as it:
        queued = 0

        def keep_beating(seconds: float) -> float:
            nonlocal queued
            begin = time.monotonic()
            while time.monotonic() < begin + seconds:
                missing = waiting - (queued - it.driver.told("running") - it.driver.told("failed"))
                it.driver.queue(it.workloads(missing, prefix=f"task{queued}-"))
                queued += max(missing, 0)
                it.driver.beat()
                time.sleep(BUSY)
            return time.monotonic() - begin

        keep_beating(run.parameters["settle"])
        calls, throttled = it.calls()[it.launch], it.aws.played()["quota"]
        took = keep_beating(run.parameters["seconds"])
        calls, throttled = it.calls()[it.launch] - calls, it.aws.played()["quota"] - throttled
        return {
            "seconds": round(took, 1),
            "launches_per_second": round((calls - throttled) / took, 2),
            "share_of_quota": round((calls - throttled) / took / rate, 3),
            "throttled_share": round(throttled / max(calls, 1), 3),
            "tasks_failed": it.driver.told("failed"),
            "tasks_queued": queued,
            "longest_ms": summary(it.driver.beats)["longest_ms"],
        }


def watching(run: Run) -> Figures:
    """Watch so many running jobs for so long, then more."""
    plateaus = []
    with fleet(run) as it:
        for jobs, seconds in run.parameters["plateaus"]:
            it.aws.set_latency(0.0)
            it.adopt(jobs - len(it.arns))
            it.aws.set_latency(LATENCY)
            _settle(it)
            plateaus.append({"jobs": jobs, **_watched(it, seconds)})
    return {"plateaus": plateaus}


def _watched(it: Fleet, seconds: float) -> Figures:
    before, begin = it.calls(), time.monotonic()
    spent, api = time.process_time(), it.aws.cpu_seconds()
    it.driver.rest(seconds)
    took, spent = time.monotonic() - begin, time.process_time() - spent
    calls = it.read_calls(before)
    return {
        **summary(it.driver.since(begin)),
        "seconds": round(took, 1),
        "cpu_seconds_per_minute": round(spent * 60 / took, 2),
        "read_calls_per_minute": round(calls * 60 / took, 1),
        "api_cpu_seconds_per_minute": round((it.aws.cpu_seconds() - api) * 60 / took, 2),
    }


def memory(run: Run) -> Figures:
    """Launch jobs, and see what Python has allocated more once they run and have been looked at."""
    jobs, few = run.parameters["jobs"], 100
    with fleet(run, latency=0.0) as it:
        tracemalloc.start()
        _launch(it, few)
        before, _ = tracemalloc.get_traced_memory()
        _launch(it, jobs)
        after, _ = tracemalloc.get_traced_memory()
        return {
            "bytes_per_job": round((after - before) / jobs),
            "all_launched": it.driver.told("running") >= jobs + few,
        }


def _launch(it: Fleet, jobs: int) -> None:
    """And wait until they have been looked at, so that what is only needed to launch is gone."""
    known = it.driver.told("running") + jobs
    it.driver.queue(it.workloads(jobs, prefix=f"task{known}-"))
    it.driver.until(lambda: it.driver.told("running") >= known, PATIENCE, busy=True)
    _settle(it)
    gc.collect()


def adoption(run: Run) -> Figures:
    """Adopt what a dead scheduler left: how long the scheduler is blocked, and what it asks the database."""
    with fleet(run) as it:
        it.adopt(10)  # the first of a process maps models and compiles statements
        before = it.calls()
        adopted = it.adopt(run.parameters["rows"])
        return {
            "blocked_ms": round(adopted.seconds * 1000, 1),
            "cpu_ms": round(adopted.cpu_seconds * 1000, 1),
            "statements": len(adopted.statements),
            "calls_while_blocked": it.read_calls(before) if run.implementation == AMAZON else 0,
            "given_back": len(adopted.reset),
        }


def surveying(run: Run) -> Figures:
    """Adopt what a dead scheduler left, and beat until the fleet has been surveyed."""
    with fleet(run, latency=0.0) as it:
        it.adopt(run.parameters["rows"])
        it.aws.set_latency(LATENCY)
        _settle(it)
        store, begin = it.driver.executor.machine.store, time.monotonic()

        def is_surveyed() -> bool:
            survey = store.state.listing
            return survey.began > begin and not survey.failures and survey.due > time.monotonic()

        done = it.driver.until(is_surveyed, PATIENCE)
        return {**summary(it.driver.since(begin)), "surveyed": done}


def ending(run: Run) -> Figures:
    """All containers end at the same moment."""
    jobs = run.parameters["jobs"]
    with fleet(run, latency=0.0) as it:
        it.adopt(jobs)
        it.aws.set_latency(LATENCY)
        _settle(it)
        it.rows.set_all(state="success")  # as each task has reported before its container ends
        moment = time.time() + 1.0
        it.aws.end_at(dict.fromkeys(it.arns.values(), moment))
        begin = time.monotonic()
        done = it.driver.until(lambda: it.driver.told("success") >= jobs, PATIENCE)
        return {
            **summary(it.driver.since(begin)),
            "seconds_until_all_known": round(time.time() - moment, 2),
            "all_known": done,
        }


def telling(run: Run) -> Figures:
    """Some of many containers end, one after another: how long until Airflow is told of each."""
    ends, seconds = run.parameters["ends"], run.parameters["seconds"]
    with fleet(run, latency=0.0) as it:
        it.adopt(run.parameters["jobs"])
        it.aws.set_latency(LATENCY)
        _settle(it)
        it.rows.set_all(state="success")
        draw = random.Random(0)  # noqa: S311 - a repeatable draw is the point
        begin = time.time() + 0.5
        moments = {name: begin + draw.uniform(0, seconds) for name in draw.sample(sorted(it.arns), ends)}
        it.aws.end_at({it.arns[name]: moment for name, moment in moments.items()})
        waits: list[float] = []

        def note(key: Any, state: str, _: Any) -> None:
            if state == "success":
                waits.append(time.time() - moments[key.task_id])

        it.driver.listeners.append(note)
        done = it.driver.until(lambda: len(waits) >= ends, seconds + PATIENCE)
        return {
            "p50_seconds": round(statistics.median(waits), 2),
            "longest_seconds": round(max(waits), 2),
            "longest_beat_ms": summary(it.driver.beats)["longest_ms"],
            "all_told": done,
        }


def _settle(it: Fleet) -> None:
    """Beat until what has just been taken in is looked after in the usual way: for theirs that is one beat."""
    if it.run.implementation == AMAZON:
        it.driver.beat()
        it.driver.beat()
    else:
        it.driver.rest(SETTLE)
        it.driver.until(lambda: all(beat.cpu < SHORT_BEAT for beat in it.driver.beats[-2:]), SETTLED)


MEASURES: Mapping[str, Callable[[Run], Figures]] = {
    measure.__name__: measure
    for measure in (burst, quota, watching, memory, adoption, surveying, ending, telling, container)
}
