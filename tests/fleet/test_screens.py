"""The tables as they look, at 80, 120 and 200 columns, in colour and without, and in a pipe: as somebody has seen them.

`WRITE_SCREENS=write` writes them anew, to be looked at.
"""

import io
import os
from pathlib import Path

import pytest
from rich.console import Console

from aws_exec.fleet import FleetJob, Size, State
from aws_exec.lifecycle.identity import Identity
from aws_exec.lifecycle.values import Job, Termination
from awsexec_cli.jobs import JobWriter, View, job_columns, job_table
from awsexec_cli.output import Format, printer

SCREENS = Path(__file__).parent / "screens"
NOW = 1_800_000_000.0
SMALL, LARGE = Size(0.25, 512, fargate=True), Size(4, 16384, gpu=1)


def job(number, task, state, *, age, dag="etl", run="scheduled__2026-11-22T00:00:00+00:00", **how):
    batch = number % 2
    arn = (
        f"arn:aws:batch:x:1:job/{number:08x}-1111-4222-8333-444455556666"
        if batch
        else f"arn:aws:ecs:x:1:task/c/{number:032x}"
    )
    given = {"deployment": "production", "size": SMALL, "stop": None, "index": "-1", "status": state.upper(), **how}
    who = Identity(given["deployment"], "t-1", dag, task, run, given["index"], "1")
    location = "gpu-queue" if batch else "airflow-fleet"
    return FleetJob(
        "batch" if batch else "ecs", Job(arn, location), who, state, given["status"],
        size=given["size"], created=NOW - age, started=None if state is State.WAITING else NOW - age + 40,
        stopped=NOW - 60 if given["stop"] else None, stop=given["stop"],
    )  # fmt: skip


JOBS = [
    job(0x1A2B3C4D << 96, "extract", State.RUNNING, age=42),
    job(0x7182930A << 96, "load", State.STOPPING, age=80, status="DEACTIVATING"),
    job(0x2B3C4D5E << 96, "load_the_readings_of_every_station", State.RUNNING, age=754, index="117"),
    job(0x3C4D5E6F, "train", State.WAITING, age=11_130, run="manual__2026-11-22T14:03:11.1+00:00", status="RUNNABLE",
        dag="models_of_the_whole_city", size=LARGE),
    job(0x4D5E6F71, "old", State.STARTING, age=3, dag="legacy", run="r9", deployment=""),
    job(0x5E6F7182 << 96, "report.send", State.FAILED, age=90_000, status="STOPPED",
        stop=Termination("ecs", exit_code=137, started=True)),
    job(0x6F718293 << 96, "report.draw", State.SUCCEEDED, age=3_700, status="STOPPED",
        stop=Termination("ecs", exit_code=0, started=True)),
]  # fmt: skip


def screen(width, colour, show):
    """What a terminal would be sent."""
    file = io.StringIO()
    how = {"color_system": "standard" if colour else None, "force_terminal": True}
    kept = dict(printer.__dict__)
    printer.__dict__["out"] = printer.__dict__["err"] = Console(file=file, width=width, **how)
    try:
        stdout = io.StringIO()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.stdout", stdout)
            show()
    finally:
        printer.__dict__.clear()
        printer.__dict__.update(kept)
    return file.getvalue() + stdout.getvalue()


def written(output=Format.TABLE, **view):
    JobWriter(output, lambda job: 0.0123 if job.size is SMALL else None, lambda: NOW, View(**view)).write(
        JOBS, more=False
    )


@pytest.mark.parametrize("colour", [False, True], ids=["plain", "colour"])
@pytest.mark.parametrize("width", [80, 120, 200])
@pytest.mark.parametrize("output", [Format.TABLE, Format.WIDE])
def test_a_table_looks_as_it_did(output, width, colour):
    name = f"{output}-{width}-{'colour' if colour else 'plain'}.txt"

    looks_as_it_did(name, screen(width, colour, lambda: written(output)), width if output is Format.TABLE else None)


@pytest.mark.parametrize("output", [Format.TABLE, Format.WIDE])
def test_a_pipe_gets_everything_aligned_and_uncut(output, capsys):
    kept = dict(printer.__dict__)
    printer.__dict__["out"] = Console(width=80, force_terminal=False)
    try:
        written(output)
    finally:
        printer.__dict__.clear()
        printer.__dict__.update(kept)
    shown = capsys.readouterr().out

    looks_as_it_did(f"{output}-pipe.txt", shown, None)
    assert "load_the_readings_of_every_station[117]" in shown
    assert "models_of_the_whole_city" in shown
    assert "…" not in shown


@pytest.mark.parametrize(
    ("width", "headings"),
    [
        (87, "DAG TASK RUN TRY ON STATE AGE DURATION ID"),
        (80, "DAG TASK RUN TRY STATE AGE DURATION ID"),
        (70, "DAG TASK RUN TRY STATE AGE ID"),
        (65, "DAG TASK RUN STATE AGE ID"),
        (54, "DAG TASK STATE AGE ID"),
        (44, "TASK STATE AGE ID"),
    ],
)
def test_where_there_is_no_room_the_task_the_state_the_age_and_the_id_stay(width, headings):
    table = job_table(JOBS, width, now=lambda: NOW)
    lines = [table.header(), *map(table.row, JOBS)]

    assert table.header().split() == headings.split()
    assert [line for line in lines if len(line) > width] == []
    assert {*table.left_out, *headings.split()} == set(job_table(JOBS, None).header().split())


def test_a_task_is_cut_only_once_nothing_is_left_of_its_run_but_the_time():
    name = "load_the_readings_of_every_station[117]"
    cut = [
        width
        for width in range(87, 140)
        if not any(name in job_table(JOBS, width, now=lambda: NOW).row(job) for job in JOBS)
    ]
    runs = {job_table(JOBS, width, now=lambda: NOW).row(JOBS[0]).split()[2] for width in cut}

    assert len(cut) > 1
    assert runs == {"s…2T00:00"}


@pytest.mark.parametrize("width", [20, 80, 120, 155, 178])
def test_wide_shows_every_column_and_cuts_nothing_if_it_cannot_fit(width):
    table = job_table(JOBS, width, wide=True, now=lambda: NOW)

    assert len(table.header().split()) == len(job_columns())
    assert all("…" not in table.row(job) for job in JOBS) is (width < 178)


def test_wide_is_shortened_where_that_makes_it_fit():
    lines = [job_table(JOBS, 178, wide=True, now=lambda: NOW).row(job) for job in JOBS]

    assert max(map(len, lines)) <= 178
    assert "load_the_readings_of_every_station[117]" not in lines[2]


def looks_as_it_did(name, shown, width):
    """Compare with what was looked at; `width`: no line may be longer, None: any may."""
    if os.environ.get("WRITE_SCREENS") == "write":
        SCREENS.mkdir(exist_ok=True)
        (SCREENS / name).write_text(shown, encoding="utf-8")

    assert shown == (SCREENS / name).read_text(encoding="utf-8")
    if "colour" not in name:
        # What is to be copied is never cut: an ARN may be longer than a line.
        assert [line for line in shown.splitlines() if width and len(line) > width and " " in line[13:].strip()] == []
        assert "\x1b" not in shown
