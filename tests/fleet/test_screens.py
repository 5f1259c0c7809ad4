"""The tables as they look, at 80 and at 160 columns, in colour and without: compared with what was looked at.

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
from awsexec_cli.jobs import JobWriter, job_table
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
        size=given["size"], created=NOW - age, started=NOW - age, stop=given["stop"],
    )  # fmt: skip


JOBS = [
    job(0x1A2B3C4D << 96, "extract", State.RUNNING, age=42),
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


@pytest.mark.parametrize("colour", [False, True], ids=["plain", "colour"])
@pytest.mark.parametrize(
    ("width", "output"), [(80, Format.TABLE), (160, Format.TABLE), (80, Format.WIDE), (160, Format.WIDE)]
)
def test_a_table_looks_as_it_did(width, output, colour):
    name = f"{output}-{width}-{'colour' if colour else 'plain'}.txt"

    def show():
        JobWriter(output, lambda job: 0.0123 if job.size is SMALL else None, lambda: NOW).write(JOBS)

    looks_as_it_did(name, screen(width, colour, show), width, colour)


@pytest.mark.parametrize(
    ("width", "headings"),
    [
        (70, "DAG TASK RUN TRY ON STATE AGE ID"),
        (66, "DAG TASK TRY ON STATE AGE ID"),
        (58, "DAG TASK ON STATE AGE ID"),
        (50, "DAG TASK STATE AGE ID"),
        (40, "TASK STATE AGE ID"),
    ],
)
@pytest.mark.parametrize("wide", [False, True], ids=["narrow", "wide"])
def test_where_there_is_no_room_the_state_the_age_and_the_id_stay(wide, width, headings):
    table = job_table(JOBS, width, wide=wide, now=lambda: NOW)
    lines = [table.header(), *map(table.row, JOBS)]

    assert table.header().split() == headings.split()
    assert [line for line in lines if len(line) > width] == []


def looks_as_it_did(name, shown, width, colour):
    if os.environ.get("WRITE_SCREENS") == "write":
        SCREENS.mkdir(exist_ok=True)
        (SCREENS / name).write_text(shown, encoding="utf-8")

    assert shown == (SCREENS / name).read_text(encoding="utf-8")
    if not colour:
        # What is to be copied is never cut: an ARN may be longer than a line.
        assert [line for line in shown.splitlines() if len(line) > width and " " in line[13:].strip()] == []
        assert "\x1b" not in shown


def test_a_pipe_gets_everything_uncut(capsys):
    kept = dict(printer.__dict__)
    printer.__dict__["out"] = Console(width=80, force_terminal=False)
    try:
        JobWriter(Format.TABLE, now=lambda: NOW).write(JOBS)
    finally:
        printer.__dict__.clear()
        printer.__dict__.update(kept)
    shown = capsys.readouterr().out

    assert "load_the_readings_of_every_station[117]" in shown
    assert "models_of_the_whole_city" in shown
    assert "…" not in shown
