"""The lines of a log in `explain`: the error first, ten at most, none that every container logs."""

from __future__ import annotations

import json

import pytest

from aws_exec.fleet.log_excerpt import LONGEST, excerpt
from aws_exec.fleet.log_records import parse_record
from awsexec_cli.log_rendering import excerpt_lines
from tests.fleet.test_log_records import LOGS, lines_of


def rendered(lines, width=None):
    return ["".join(text for text, _ in line) for line in excerpt_lines(excerpt(lines), width)]


def record(event, level="info", **members):
    return json.dumps({"level": level, "event": event, "logger": "shop", **members})


def test_the_error_comes_first_with_the_users_frames_and_the_causes():
    assert rendered(lines_of("3.3-chained.log")) == [
        "03:40:39 ERROR ValueError: table customers does not exist  etl.py:32",
        '    File "/opt/airflow/dags/etl.py", line 33, in load',
        '    File "/opt/airflow/dags/etl.py", line 32, in query',
        "    caused by KeyError: 'customers'  etl.py:30",
        "03:40:39 INFO  read 1200 rows",
        "03:40:39 WARN  slow query",
        "03:40:39 ERROR caught one: ZeroDivisionError: division by zero  etl.py:25",
        "03:40:39 INFO  reading customers",
        "03:40:39 INFO  two",
        "03:40:39 INFO  lines \x1b[31mred\x1b[0m \x1b]0;title\x07",
    ]


@pytest.mark.parametrize("name", sorted(path.name for path in LOGS.glob("*.log")))
def test_every_log_has_a_short_excerpt_without_noise(name):
    shown = rendered(lines_of(name))
    noise = ("Executing workload", "CAs", "Secrets backends", "DagBag", "::", "awsexec.usage", "finished", "alembic")

    assert len(shown) <= LONGEST
    assert [line for line in shown for word in noise if word in line] == []


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("3.1-broken", "Failed to import: /opt/airflow/dags/etl.py: ModuleNotFoundError: No module named 'pandaz'"),
        ("3.4-broken", "Failed to import: /opt/airflow/dags/etl.py: ModuleNotFoundError: No module named 'pandaz'"),
        ("3.3-refused", "ServerResponseError: Server returned error"),
        ("3.3-timeout", "AirflowTaskTimeout: Timeout, PID: "),
        ("3.3-group", "ExceptionGroup: two of them (2 sub-exceptions)  etl.py:14"),
    ],
)
def test_the_first_line_is_the_error(name, first):
    assert rendered(lines_of(f"{name}.log"))[0][15:].startswith(first)


def test_without_an_exception_the_last_error_comes_first_but_not_what_was_printed():
    lines = [record("a"), record("broken", "error"), record("b"), record("to stderr", "error", logger="task.stderr")]
    assert [parse_record(line).event for line in excerpt(lines)] == ["broken", "a", "b", "to stderr"]


def test_plain_text_is_shown_to_its_end():
    lines = [f"line {number}" for number in range(30)]
    assert rendered(["", *lines, " "]) == lines[-LONGEST:]


def test_an_error_that_is_logged_twice_is_shown_in_both_places():
    twice = record("broken", "error")
    assert excerpt([twice, record("a"), twice]) == [twice, twice, record("a")]
