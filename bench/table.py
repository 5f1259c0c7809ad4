"""The table: for each measure what was wanted (issue 5), what both came to, and whether that is met."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bench.reasons import REASONS
from bench.results import Results

#: What is wanted. Times in milliseconds unless the name says otherwise.
LONGEST_BEAT = 50
LAUNCHES_PER_SECOND = 300
SHARE_OF_QUOTA, THROTTLED_SHARE = 0.95, 0.05
CPU_SHARE = 0.1
CALLS_PER_MINUTE = 20 * 60  # the default of describe_rate
BYTES_PER_JOB = 2048
ADOPTION, STATEMENTS = 400, 10
TELLING_SECONDS = 5 + 1 + 0.1  # poll_interval, one idle beat, the call itself
END_SECONDS = 0.5
HELP_SECONDS, VALIDATE_SECONDS = 0.4, 1.0
#: CPU per job at 20,000 over that at 1,000, and an idle beat at 20,000: "flat", and "near zero".
GROWTH, IDLE_BEAT = 1.2, 1.0

SERVICES = {"ecs": "ECS", "batch": "Batch"}


@dataclass(frozen=True, slots=True)
class Row:
    """One line.

    Attributes:
        name: of the measure, for its reason.
        measure: in words.
        theirs: what the Amazon provider's executor came to.
        ours: what ours came to.
        wanted: of ours.
        met: whether it is; None: not measured.
    """

    name: str
    measure: str
    theirs: str
    ours: str
    wanted: str
    met: bool | None

    @property
    def verdict(self) -> str:
        """For the last column."""
        return {True: "yes", False: "**no**", None: "not measured"}[self.met]

    @property
    def reason(self) -> str:
        """Why it is not met; empty if it is."""
        return REASONS.get(self.name, "Not explained yet.") if self.met is False else ""


def rows(results: Results) -> Iterator[Row]:
    """All lines, in the order of the issue."""
    yield from _beats(results)
    yield from _rates(results)
    yield from _watching(results)
    yield _memory(results)
    yield from _adoption(results)
    yield from _ends(results)
    yield from _containers(results)
    yield from _commands(results)
    yield _scale(results)


def _beats(results: Results) -> Iterator[Row]:
    for service, title in SERVICES.items():
        ours = results.figure(f"burst-{service}-awsexec", "longest_ms")
        theirs = _ms(results.figure(f"burst-{service}-amazon", "longest_ms"))
        measure = f"longest heartbeat, 200 tasks queued at once, 60 ms API ({title})"
        yield Row("burst", measure, theirs, _ms(ours), f"< {LONGEST_BEAT} ms", _below(ours, LONGEST_BEAT))
    ours = results.figure("burst-ecs-awsexec-beside-10000", "longest_ms")
    measure = "the same beside 10,000 running tasks (ECS)"
    theirs = "not run: each beat describes all 10,000 first"
    yield Row("beside", measure, theirs, _ms(ours), f"< {LONGEST_BEAT} ms", _below(ours, LONGEST_BEAT))


def _rates(results: Results) -> Iterator[Row]:
    for service, title in SERVICES.items():
        ours = results.figure(f"burst-{service}-awsexec-2000", "launches_per_second")
        theirs = _text(results.figure(f"burst-{service}-amazon", "launches_per_second"))
        met = None if ours is None else ours >= LAUNCHES_PER_SECOND
        measure = f"launches per second, no quota, 60 ms API ({title}; ours: 2,000 tasks, theirs: 200)"
        yield Row("launches", measure, theirs, _text(ours), f">= {LAUNCHES_PER_SECOND}", met)
    for service, quota in (("ecs", "ECS: 20/s after a burst of 100"), ("batch", "Batch: 50/s")):
        figures = [results.runs.get(f"quota-{service}-{who}", {}) for who in ("amazon", "awsexec")]
        share, failed, throttled = (figures[1].get(n) for n in ("share_of_quota", "tasks_failed", "throttled_share"))
        met = None
        if share is not None and failed is not None and throttled is not None:
            met = share >= SHARE_OF_QUOTA and not failed and throttled <= THROTTLED_SHARE
        wanted = f">= {SHARE_OF_QUOTA:.0%} of the quota, none failed, <= {THROTTLED_SHARE:.0%} throttled"
        yield Row("quota", f"launching against a quota ({quota})", _quota(figures[0]), _quota(figures[1]), wanted, met)


def _watching(results: Results) -> Iterator[Row]:
    for service, title in SERVICES.items():
        figure = "cpu_seconds_per_minute"
        theirs, ours = (results.plateau(f"watching-{service}-{who}", 2000).get(figure) for who in ("amazon", "awsexec"))
        met = None if ours is None or theirs is None else ours <= theirs * CPU_SHARE
        measure = f"CPU to watch 2,000 running jobs for a minute ({title})"
        yield Row("cpu", measure, _text(theirs, " s"), _text(ours, " s"), f"<= {CPU_SHARE:.0%} of theirs", met)
    ours = results.plateau("watching-ecs-awsexec", 10_000).get("read_calls_per_minute")
    theirs = results.plateau("watching-ecs-amazon", 5000).get("read_calls_per_minute")
    said = f"{theirs:g} at 5,000; 10,000 not run: a beat takes 10 s" if theirs is not None else "-"
    measure = "describe and list calls per minute at 10,000 running (ECS; scaled from 20 s)"
    wanted = f"<= {CALLS_PER_MINUTE} (`describe_rate` 20)"
    yield Row("calls", measure, said, _text(ours), wanted, _below(ours, CALLS_PER_MINUTE + 1))


def _memory(results: Results) -> Row:
    theirs, ours = (results.figure(f"memory-ecs-{who}", "bytes_per_job") for who in ("amazon", "awsexec"))
    measure = "memory per running job, by tracemalloc (ECS, 1,000 jobs launched and looked at)"
    return Row("memory", measure, _kib(theirs), _kib(ours), "<= 2 KiB", _below(ours, BYTES_PER_JOB + 1))


def _adoption(results: Results) -> Iterator[Row]:
    for service, title in SERVICES.items():
        ours = results.runs.get(f"adoption-{service}-awsexec", {})
        theirs = results.runs.get(f"adoption-{service}-amazon", {})
        blocked, statements = ours.get("blocked_ms"), ours.get("statements")
        met = None
        if blocked is not None and statements is not None:
            met = blocked < ADOPTION and statements <= STATEMENTS
        measure = f"adopting 5,000 task instances: the scheduler is blocked for, SQL statements ({title})"
        wanted = f"< {ADOPTION} ms, {STATEMENTS} (1 per 500 rows)"
        yield Row("adoption", measure, _adopted(theirs), _adopted(ours), wanted, met)
    longest = results.figure("surveying-ecs-awsexec", "longest_ms")
    measure = "longest heartbeat while 10,000 adopted containers are surveyed (ECS)"
    none = "does not look for containers that nobody owns"
    yield Row("surveying", measure, none, _ms(longest), f"< {LONGEST_BEAT} ms", _below(longest, LONGEST_BEAT))


def _ends(results: Results) -> Iterator[Row]:
    theirs, ours = (results.figure(f"ending-ecs-{who}", "longest_ms") for who in ("amazon", "awsexec"))
    measure = "longest heartbeat, 5,000 containers end at once (ECS)"
    yield Row("ending", measure, _ms(theirs), _ms(ours), f"< {LONGEST_BEAT} ms", _below(ours, LONGEST_BEAT))
    figures = [results.runs.get(f"telling-ecs-{who}", {}) for who in ("amazon", "awsexec")]
    measure = "from a container's end until Airflow knows, 1,000 running (ECS): median, longest"
    wanted = f"<= {TELLING_SECONDS:g} s: one poll_interval, one beat, one call"
    met = _below(figures[1].get("longest_seconds"), TELLING_SECONDS)
    yield Row("telling", measure, _told(figures[0]), _told(figures[1]), wanted, met)


def _containers(results: Results) -> Iterator[Row]:
    theirs, ours = (results.runs.get(f"container-ecs-{who}", {}) for who in ("amazon", "awsexec"))
    start, end = ours.get("start_seconds"), ours.get("end_seconds")
    measure = "from the start of a container's process until its task starts, fastest of 10"
    met = None if start is None or "start_seconds" not in theirs else start <= theirs["start_seconds"]
    yield Row("start", measure, _text(theirs.get("start_seconds"), " s"), _text(start, " s"), "no slower", met)
    measure = "from a task's result until its container ends, median"
    wanted = f"< {END_SECONDS:g} s"
    yield Row(
        "end", measure, _text(theirs.get("end_seconds"), " s"), _text(end, " s"), wanted, _below(end, END_SECONDS)
    )


def _commands(results: Results) -> Iterator[Row]:
    ours = results.figure("commands", "help_seconds")
    yield Row("help", "`awsexec --help`", "-", _text(ours, " s"), "< 0.4 s", _below(ours, HELP_SECONDS))
    ours = results.figure("commands", "validate_config_seconds")
    said = _text(ours, " s") if ours is not None else "the command does not exist yet"
    yield Row("validate", "`awsexec validate-config`, a sample", "-", said, "< 1 s", _below(ours, VALIDATE_SECONDS))


def _scale(results: Results) -> Row:
    few, many = (results.plateau("watching-ecs-awsexec", jobs) for jobs in (1000, 20_000))
    measure = "from 1,000 to 20,000 jobs: CPU per job and minute; median beat (ECS)"
    wanted = "flat per job, near zero per idle beat"
    if not few or not many:
        return Row("scale", measure, "see the plots", "-", wanted, None)
    per_job = [plateau["cpu_seconds_per_minute"] * 1000 / plateau["jobs"] for plateau in (few, many)]
    met = per_job[1] <= per_job[0] * GROWTH and many["median_ms"] < IDLE_BEAT
    said = (
        f"{per_job[0]:.2f} -> {per_job[1]:.2f} ms per job and minute; "
        f"beat {few['median_ms']:.2f} -> {many['median_ms']:.2f} ms"
    )
    return Row("scale", measure, "see the plots", said, wanted, met)


def _below(value: Any, bound: float) -> bool | None:
    return None if value is None else value < bound


def _text(value: Any, unit: str = "") -> str:
    return "-" if value is None else f"{value:g}{unit}"


def _ms(value: Any) -> str:
    """A time in milliseconds, in the unit that reads best."""
    if value is None:
        return "-"
    return f"{value / 1000:.1f} s" if value >= 1000 else f"{value:.0f} ms"  # noqa: PLR2004 - a second


def _kib(value: Any) -> str:
    return "-" if value is None else f"{value / 1024:.1f} KiB"


def _quota(figures: dict[str, Any]) -> str:
    if "share_of_quota" not in figures:
        return "-"
    return (
        f"{figures['launches_per_second']:.1f}/s = {figures['share_of_quota']:.0%}, "
        f"{figures['tasks_failed']} failed, {figures['throttled_share']:.0%} throttled"
    )


def _adopted(figures: dict[str, Any]) -> str:
    return f"{_ms(figures['blocked_ms'])}, {figures['statements']:,}" if "blocked_ms" in figures else "-"


def _told(figures: dict[str, Any]) -> str:
    return f"{figures['p50_seconds']:g} s, {figures['longest_seconds']:g} s" if "p50_seconds" in figures else "-"
