"""Lines of real containers' logs, of each Airflow, as records."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_exec.container.bootstrap import PROBE_EVENT
from aws_exec.fleet.log_records import Frame, LoggedException, Record, parse_record

#: Output of containers of one DAG, written by each Airflow; only paths were changed.
LOGS = Path(__file__).parent / "airflow_logs"


def lines_of(name):
    return (LOGS / name).read_text(encoding="utf-8").splitlines()


def records_of(name):
    return [record for line in lines_of(name) if (record := parse_record(line)) is not None]


@pytest.fixture(params=sorted(path.name for path in LOGS.glob("*-chained.log")))
def chained(request):
    """The log of a task that prints, logs, and raises a ValueError from a KeyError."""
    return records_of(request.param)


def test_a_failed_task_has_its_exception_and_its_cause(chained):
    [failed] = [record for record in chained if record.event == "Task failed with exception"]
    error, cause = failed.exceptions
    assert (failed.level, failed.logger, failed.exception) == ("error", "task", error)
    assert (error.type, error.message, error.is_cause) == ("ValueError", "table customers does not exist", False)
    assert (cause.type, cause.message, cause.is_cause) == ("KeyError", "'customers'", True)
    assert error.summary == "ValueError: table customers does not exist"


def test_an_exception_was_raised_in_the_users_code_not_in_airflows(chained):
    [failed] = [record for record in chained if record.event == "Task failed with exception"]
    assert failed.exception.raised_in == Frame("/opt/airflow/dags/etl.py", 32, "query")
    assert failed.exception.raised_in.location == "etl.py:32"
    assert [frame.is_airflow for frame in failed.exception.frames].count(False) == 2


def test_what_the_task_logs_and_prints_is_told_apart(chained):
    assert [record.event for record in chained if record.is_printed] == [
        "::group::Reading",
        "reading customers",
        "::endgroup::",
        "two",
        "lines \x1b[31mred\x1b[0m \x1b]0;title\x07",
        "to stderr",
    ]
    assert [(record.level, record.event) for record in chained if record.logger == "shop.load"] == [
        ("info", "read 1200 rows"),
        ("warning", "slow query"),
        ("error", "caught one"),
    ]


def test_the_last_records_are_the_supervisors_and_the_usage_record(chained):
    finish, usage = chained[-2:]
    assert (finish.is_finish, finish.is_usage, finish.members["final_state"]) == (True, False, "failed")
    assert (usage.is_finish, usage.is_usage, usage.is_probe) == (False, True, False)
    assert (usage.level, usage.logger, usage.members["exit_code"]) == ("", "", 80)


def test_what_every_container_logs_at_its_start_is_recognised(chained):
    before = chained[: [record.logger for record in chained].index("shop.load")]
    left = [record.event for record in before if not record.is_startup and not record.is_printed]
    assert [event for event in left if not event.startswith("::") and "deprecated" not in event] == []


def test_the_time_is_seconds_since_the_epoch():
    assert parse_record('{"timestamp": "2026-12-01T15:03:18.5Z", "event": "x"}').at == 1796137398.5
    assert parse_record('{"timestamp": "2026-12-01T15:03:18.5", "event": "x"}').at == 1796137398.5
    assert parse_record('{"timestamp": "yesterday", "event": "x"}').at is None
    assert parse_record('{"event": "x"}').at is None


@pytest.mark.parametrize(
    "time", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59.999999"]
)
def test_a_time_without_a_year_in_utc_is_none(time):
    assert parse_record(json.dumps({"timestamp": time, "event": "x"})).at is None


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_that_json_cannot_write_is_a_text(number):
    assert parse_record(f'{{"event": "x", "rate": {number}, "rows": 1.5}}').members == {"rate": number, "rows": 1.5}


@pytest.mark.parametrize("levels", [60, 300, 900])
def test_a_line_of_too_many_levels_is_plain_text(levels):
    group = '{"exc_type": "E", "exc_value": "v", "exceptions": [['
    assert parse_record('{"event": "x", "a": ' + "[" * levels + "]" * levels + "}") is None
    assert parse_record('{"event": "x", "exception": [' + group * levels + "]]}" * levels + "]}") is None
    wide = json.dumps({"event": "x", "rows": [{"a": [1]}] * 1000})
    assert len(parse_record(wide).members["rows"]) == 1000


def test_a_task_cannot_log_a_usage_record():
    assert parse_record(json.dumps({"event": "awsexec.usage", "level": "info", "logger": "a"})).is_usage is False
    assert parse_record(json.dumps({"event": PROBE_EVENT, "level": "info"})).is_probe is False
    assert parse_record(json.dumps({"event": PROBE_EVENT})).is_probe is True


def test_an_exception_in_another_form_stays_a_member():
    record = parse_record(json.dumps({"event": "x", "level": "ERROR", "exception": "Traceback ...", "rows": 3}))
    assert record == Record(None, "error", "x", members={"rows": 3, "exception": "Traceback ..."})


def test_members_of_an_exception_group_have_their_own_causes():
    leaf = {"exc_type": "TypeError", "exc_value": "b", "exc_notes": ["n"], "frames": [{"filename": "", "lineno": -1}]}
    group = {"exc_type": "ExceptionGroup", "exc_value": "two", "is_group": True, "exceptions": [[leaf]]}
    record = parse_record(json.dumps({"event": "x", "error_detail": [group]}))
    member = LoggedException("TypeError", "b", ("n",), (Frame("", -1, ""),))
    assert record.exception == LoggedException("ExceptionGroup", "two", exceptions=((member,),))
    assert record.exception.raised_in is None


@pytest.mark.parametrize("line", ["", "Traceback (most recent call last):", "{", "[1]", '{"a": 1}', '{"event": 1}'])
def test_other_lines_are_plain_text(line):
    assert parse_record(line) is None


def test_half_a_surrogate_pair_can_be_written():
    record = parse_record(r'{"event": "\ud83d", "a": [{"\ude00": "\ud83d"}]}')
    assert record == Record(None, "", r"\ud83d", members={"a": [{r"\ude00": r"\ud83d"}]})


@pytest.mark.parametrize("line", ['{"event":' + "[" * 100_000, '{"event": "x", "n": ' + "9" * 5000 + "}"])
def test_json_that_python_refuses_is_plain_text(line):
    assert parse_record(line) is None


NAMES = st.sampled_from(
    [
        "event",
        "level",
        "logger",
        "timestamp",
        "error_detail",
        "exception",
        "exc_type",
        "exc_value",
        "exc_notes",
        "frames",
        "filename",
        "lineno",
        "name",
        "exceptions",
        "is_cause",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["", "x", "9999-12-31T24:00", "\ud83d"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=20,
)


@given(st.dictionaries(NAMES, VALUES, max_size=8))
def test_no_line_raises(document):
    record = parse_record(json.dumps(document))
    assert (record is not None) == isinstance(document.get("event"), str)
