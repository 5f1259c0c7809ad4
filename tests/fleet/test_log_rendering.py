"""Logs of real containers as they look: on terminals of several widths, in colour and without, and in a pipe.

`WRITE_SCREENS=write` writes the screens anew, to be looked at.
"""

from __future__ import annotations

import json
import os
import re

import pytest

from aws_exec.fleet.log_records import Frame, LoggedException, Record, parse_record
from aws_exec.fleet.logs import Line
from awsexec_cli.log_rendering import LogRenderer, document, excerpt_lines
from awsexec_cli.log_writer import LogWriter
from awsexec_cli.output import Format
from tests.fleet.test_log_records import LOGS, lines_of
from tests.fleet.test_screens import SCREENS, job, screen

NAMES = sorted(path.stem for path in LOGS.glob("*.log"))
JOB = job(0x1A2B3C4D << 96, "load", "running", age=42)
AT = 1_796_137_398.5


def write(name, output=Format.TABLE, job=JOB, **how):
    given = {"raw": False, "dates": False, "level": "", "pattern": None, "is_prefixed": False, **how}
    writer = LogWriter(output, **given)
    for text in lines_of(f"{name}.log"):
        writer.write(job, Line(AT, text))


def shown(capsys, name, **how):
    write(name, **how)
    return capsys.readouterr().out


def looks_as_it_did(name, text):
    if os.environ.get("WRITE_SCREENS") == "write":
        (SCREENS / name).write_text(text, encoding="utf-8")

    assert text == (SCREENS / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("colour", [False, True], ids=["plain", "colour"])
@pytest.mark.parametrize("width", [80, 120, 200])
def test_a_log_on_a_terminal_looks_as_it_did(width, colour):
    text = screen(width, colour, lambda: write("3.3-chained"))
    looks_as_it_did(f"log-{width}-{'colour' if colour else 'plain'}.txt", text)


@pytest.mark.parametrize("name", NAMES)
def test_a_log_in_a_pipe_looks_as_it_did(capsys, name):
    looks_as_it_did(f"log-pipe-{name}.txt", shown(capsys, name))


@pytest.mark.parametrize("name", NAMES)
def test_no_log_controls_a_terminal(name):
    text = screen(120, colour=True, show=lambda: write(name))

    assert set(re.findall(r"\x1b(?!\[[0-9;]*m)|[\x00-\x09\x0b-\x1a]", text)) == set()


def test_a_failed_task_is_the_line_that_an_operator_reads(capsys):
    text = shown(capsys, "3.3-chained")
    assert "03:40:39 ERROR ValueError: table customers does not exist  etl.py:32\n" in text
    assert "\n    KeyError: 'customers'\n\n    The above exception was the direct cause of the following exc" in text


def test_a_pipe_leaves_no_line_out_and_a_terminal_folds_groups(capsys):
    in_pipe, on_terminal = shown(capsys, "3.3-chained"), screen(120, colour=False, show=lambda: write("3.3-chained"))

    assert "Filling up the DagBag" in in_pipe
    assert "reading customers" in in_pipe
    assert "▸ Reading" in on_terminal
    assert "Filling up the DagBag" not in on_terminal
    assert "reading customers" not in on_terminal


def folded(*records):
    renderer = LogRenderer(width=120)
    lines = [line for record in records for line in renderer.render(Line(0, ""), record)]
    return ["".join(text for text, _ in line).rstrip() for line in lines]


def test_errors_in_a_folded_group_are_shown_and_an_open_group_does_not_hide_the_end():
    assert folded(
        Record(0, "info", "::group::Empty", "task"),
        Record(0, "info", "::endgroup::", "task"),
        Record(0, "info", "::group::Pre Execute", "task"),
        Record(0, "info", "hidden", "task"),
        Record(0, "info", "printed", "task.stdout"),
        Record(0, "error", "broken", "task"),
        Record(0, "info", "Workload finished", "supervisor"),
    ) == [
        "00:00:00       ▸ Pre Execute",
        "00:00:00 INFO  printed",
        "00:00:00 ERROR broken",
        "00:00:00 INFO  Workload finished",
    ]


def test_filters_take_levels_and_patterns_and_fold_nothing(capsys):
    levels = screen(120, colour=False, show=lambda: write("3.3-chained", level="warning"))
    assert [line.split()[1] for line in levels.splitlines() if re.match(r"\d\d:", line)] == ["WARN"] + ["ERROR"] * 3

    found = screen(120, colour=False, show=lambda: write("3.3-chained", pattern=re.compile("DagBag|slow")))
    assert [line[15:35] for line in found.splitlines()] == ["Filling up the DagBa", "slow query"]

    plain = shown(capsys, "3.1-chained", level="error", pattern=re.compile("setup plugin"))
    assert plain.count("\n") == 7, "lines without a level have any"


def test_several_jobs_have_prefixes_in_colours_of_their_own():
    other = job(0x2B3C4D5E << 96, "load", "running", age=1, index="117")

    def both():
        for each in (JOB, other):
            write("3.3-killed", job=each, is_prefixed=True, level="info")

    lines = screen(160, colour=False, show=both).splitlines()
    assert {line[:15] for line in lines} == {"load 1a2b3c4d  ", "load[117] 2b3c4"}
    assert all(line[13:].lstrip()[2] == ":" for line in lines if line.startswith("load 1a2"))
    colours = {re.match(r"\x1b\[(\d+)m", line)[1] for line in screen(160, colour=True, show=both).splitlines()}
    assert len(colours) == 2


def test_dates_have_milliseconds(capsys):
    assert "2026-12-01T03:40:39.523Z WARN  slow query" in shown(capsys, "3.3-chained", dates=True)


@pytest.mark.parametrize("name", NAMES)
def test_raw_lines_are_as_they_were_written(capsys, name):
    assert shown(capsys, name, raw=True).splitlines() == lines_of(f"{name}.log")


def frames(found):
    return tuple(Frame(**each) for each in found)


def exception(found):
    members = tuple(tuple(map(exception, chain)) for chain in found.pop("exceptions"))
    return LoggedException(
        **{**found, "notes": tuple(found["notes"]), "frames": frames(found["frames"])} | {"exceptions": members}
    )


@pytest.mark.parametrize("name", NAMES)
def test_json_has_all_that_a_record_has(capsys, name):
    documents = [json.loads(line) for line in shown(capsys, name, output=Format.JSON).splitlines()]

    assert len(documents) == len(lines_of(f"{name}.log"))
    for found, text in zip(documents, lines_of(f"{name}.log"), strict=True):
        record = parse_record(text) or Record(AT, "", text)
        again = Record(
            record.at, found["level"] or "", found["event"], found["logger"] or "",
            tuple(map(exception, found["exceptions"])), found["members"],
        )  # fmt: skip
        assert again == record
        assert (found["arn"], found["address"]) == (JOB.job.arn, JOB.address)


def test_a_document_names_the_line_that_raised():
    [failed] = [line for line in lines_of("3.3-chained.log") if "Task failed with exception" in line]
    found = document(JOB, Line(AT, failed), parse_record(failed))

    assert (found["raised_in"], found["time"]) == ("etl.py:32", "2026-12-01T03:40:39.523Z")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1" + "0" * 400, "-1", '"1"', "true"])
def test_a_figure_of_the_usage_record_that_is_none_is_left_out_or_shown(number):
    line = (
        '{"event": "awsexec.usage", "exit_code": 0, "outcome": "done", "wall_seconds": NUMBER, "memory_peak_bytes": 0}'
    )
    [parts] = LogRenderer(width=80).render(Line(AT, ""), parse_record(line.replace("NUMBER", number)))

    assert "".join(text for text, _ in parts).split("usage: ")[1] in (
        "exit code 0 (done), peak memory 0 MiB",
        "exit code 0 (done), ran for 1s, peak memory 0 MiB",
    )


def test_the_members_of_a_record_have_the_room_that_the_name_of_the_job_leaves():
    record = json.dumps({"event": "loaded", "level": "info", "text": "x" * 200})
    writer = LogWriter(Format.TABLE, raw=False, dates=False, level="", pattern=None, is_prefixed=True)
    text = screen(80, colour=False, show=lambda: writer.write(JOB, Line(AT, record)))

    assert (len(text.splitlines()), len(text.splitlines()[0])) == (1, 80)


def test_a_color_of_thousands_of_digits_is_no_color():
    writer = LogWriter(Format.TABLE, raw=False, dates=False, level="", pattern=None, is_prefixed=False)
    text = screen(80, colour=True, show=lambda: writer.write(JOB, Line(AT, f"\x1b[{'1' * 5000}mred")))

    assert "\x1b[1" not in text
    assert "1mred" in text


@pytest.mark.parametrize(
    ("number", "shown"),
    [("0.0004", "0.0004"), ("1e-9", "1e-09"), ("-1e300", "-1e+300"), ("2.50", "2.5"), ("-0.0", "-0")],
)
def test_a_number_is_never_shown_as_none(number, shown):
    [parts] = LogRenderer(width=None).render(Line(AT, ""), parse_record(f'{{"event": "x", "rate": {number}}}'))

    assert "".join(text for text, _ in parts).endswith(f"x  rate={shown}")


def test_a_line_of_an_excerpt_is_cut():
    record = json.dumps({"event": "x" * 300_000, "level": "error", "logger": "task"})
    for line in ("y" * 300_000, record):
        [parts] = excerpt_lines([line], 80)
        assert 1000 <= len("".join(text for text, _ in parts)) < 1100
