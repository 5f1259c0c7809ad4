"""`list`: the order of its rows, its columns, and what it says below them."""

import json

import pytest

from awsexec_cli.exit_codes import Exit
from tests.fleet.fleet import identity
from tests.fleet.scripts import Gate, given, launched
from tests.fleet.shell import running
from tests.fleet.terminal import Terminal
from tests.scripted.services import Plan, ScriptedEcs, held

WHERE = "eu-central-1 (cluster fleet)"
UNLISTED = "Not listed: Batch (no job queue is configured)\n"


@pytest.fixture
def listed(service, tmp_path, shell):
    return lambda *arguments, **more: shell("list", *arguments, **given(service, tmp_path), **more)


def tasks_of(done):
    return [line.split()[1] for line in done.out.splitlines()[1:]]


def added(service, task, plan):
    pairs = [{"name": name, "value": value} for name, value in identity(task).environment().items()]
    overrides = {"containerOverrides": [{"name": "airflow", "environment": pairs}]}
    return service.add({"cluster": "fleet", "overrides": overrides}, plan)


#: Waits for capacity; has exited, while ECS takes its network down.
WAITING, STOPPING = Plan(start=None), Plan(run=0.0, stop=None)


def test_the_newest_comes_first(service, listed):
    for task in ("extract", "load", "report"):
        launched(service, task)

    assert tasks_of(listed()) == ["report", "load", "extract"]
    assert [each["task_id"] for each in json.loads(listed("-o", "json").out)] == ["report", "load", "extract"]


def test_rows_are_sorted_by_a_column_either_way(service, listed):
    for index in ("10", "9", "-1"):
        launched(service, "load", map_index=index)
    launched(service, "extract")

    assert tasks_of(listed("--sort-by", "TASK")) == ["extract", "load", "load[9]", "load[10]"]
    assert tasks_of(listed("--sort-by", "-task", "--limit", "2")) == ["load[10]", "load[9]"]
    assert tasks_of(listed("--sort-by", "duration")) == ["extract", "load", "load[9]", "load[10]"]
    assert tasks_of(listed("--sort-by", "-duration")) == ["load[10]", "load[9]", "load", "extract"]


def test_what_has_no_value_comes_last_either_way(service, listed):
    launched(service, "running")
    added(service, "waiting", WAITING)

    assert tasks_of(listed("--sort-by", "duration")) == ["running", "waiting"]
    assert tasks_of(listed("--sort-by", "-duration")) == ["running", "waiting"]


def test_columns_are_chosen_by_name(service, listed):
    (arn,) = launched(service, "extract")

    done = listed("--columns", "state, id", "--columns", "Cluster", "--no-headers")

    assert done.out.split() == ["running", arn.rpartition("/")[2][:8], "fleet"]
    assert listed("--columns", "task").out == "TASK\nextract\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sort-by", "size,id"], 'invalid --sort-by "size,id"'),
        (["--columns", "task,-id"], 'invalid --columns "-id"'),
        (["--sort-by", "durration"], 'hint: did you mean "duration"?'),
        (
            ["--columns", "nope"],
            "hint: columns: dag, task, run, try, on, state, task-state, status, age, duration, size",
        ),
        (["--columns", "task", "-o", "json"], "is for tables only"),
        (["--no-headers", "-o", "name"], "is for tables only"),
        (["--unsorted", "--sort-by", "dag"], "cannot be combined with --sort-by, --watch, --orphans or"),
        (["--limit", "3", "--watch"], "cannot be combined with --watch"),
        (["--state", "running,lost"], "states: waiting, starting, running, stopping, succeeded, failed"),
    ],
)
def test_options_that_make_no_sense_are_refused_before_aws_is_called(service, listed, arguments, message):
    done = listed(*arguments)

    assert (done.code, done.out, message in done.err) == (Exit.USAGE, "", True)
    assert service.calls() == {}


def test_states_are_a_list_in_any_case(service, listed):
    launched(service, "runs")
    added(service, "waits", WAITING)
    added(service, "stops", STOPPING)

    assert sorted(tasks_of(listed("--state", "Running,WAITING"))) == ["runs", "waits"]
    assert sorted(tasks_of(listed("--state", "stopping", "--state", "waiting"))) == ["stops", "waits"]


def test_what_is_stopping_is_listed_and_what_has_stopped_is_not(service, listed):
    added(service, "stops", STOPPING)
    (stopped,) = launched(service, "stopped")
    service.end(stopped)

    assert tasks_of(listed()) == ["stops"]
    assert tasks_of(listed("--all-states")) == ["stopped", "stops"]
    assert tasks_of(listed("--state", "running")) == []


def test_what_has_stopped_is_read_only_if_it_may_be_shown(service, listed):
    listed("--state", "running,waiting")

    assert service.calls() == {"ListTasks": 1}


def test_nothing_names_where_it_was_looked_for(service, listed):
    (done,) = launched(service, "done")
    service.end(done)

    assert (listed().out, listed().err) == ("", f"No running jobs in {WHERE}. -a shows finished jobs\n{UNLISTED}")
    assert listed("--dag", "x").err.startswith(f"No running jobs match the filters in {WHERE}. -a shows")
    assert listed("--state", "failed,stopping").err == f"No failed or stopping jobs in {WHERE}\n{UNLISTED}"
    assert listed("-a", "--dag", "x").err.startswith(f"No jobs match the filters in {WHERE}, running or finished")


def test_a_selected_service_is_not_said_to_be_missing(listed):
    assert listed("--executor", "ecs").err == f"No running jobs in {WHERE}. -a shows finished jobs\n"
    assert "only --cluster is given" in listed("--cluster", "fleet", AIRFLOW__AWS_BATCH_EXECUTOR__JOB_QUEUE="q").err


def test_a_pipe_gets_rows_only(service, listed):
    launched(service, "extract")

    assert listed().err == ""


def test_a_terminal_shows_progress_and_then_what_was_listed(service, gate, tmp_path):
    launched(service, "extract", "load")
    service.goes_wrong(held(1.0), "DescribeTasks", times=1)
    with Terminal("list", "--limit", "1", columns=80, **given(service, tmp_path)) as terminal:
        gate.wait_for(1)
        terminal.shows("Reading jobs")
        assert "extract" not in terminal.text
        gate.open()
        assert terminal.ends() == Exit.OK
    lines = terminal.text.splitlines()[-3:]
    assert "load" in lines[0]
    assert lines[1:] == [f"1 of 2 jobs in {WHERE}: 2 running", UNLISTED.strip()]


def test_columns_without_room_are_named(service, tmp_path):
    launched(service, "extract", run="scheduled__2026-11-22T00:00:00+00:00")
    with Terminal("list", columns=55, **given(service, tmp_path)) as terminal:
        assert terminal.ends() == Exit.OK
    assert "Not shown: ON, DURATION (-o wide shows all columns)" in terminal.text


def test_unsorted_rows_end_at_the_limit_with_the_rest_unread(tmp_path):
    with ScriptedEcs(later=Gate(free=1)) as service:
        launched(service, *(f"load_{number}" for number in range(250)))
        service.goes_wrong(held(1.0), "DescribeTasks")
        with running("list", "--unsorted", "--limit", "5", **given(service, tmp_path)) as process:
            rows = process.stdout.read().splitlines()
            assert process.wait(60) == Exit.OK

    assert len(rows) == 1 + 5
