"""What the demo makes of what it saw: rows, lines, and everything that it would not exit 0 for."""

import json

from aws_exec.local.airflow_records import Event, TaskInstance
from aws_exec.local.demo import summary
from aws_exec.local.demo.plan import Expected
from aws_exec.local.demo.table import Progress
from aws_exec.local.demo.watch import Returns, Row, rows
from aws_exec.local.script import Launch

PLAN = {"once": Expected(), "twice": Expected(launches=2, tries=2, because="failed on purpose")}


def launch(number, task, attempt=1, exit_code=0, status="STOPPED", **more):
    identity = {"AWSEXEC_TASK_ID": task, "AWSEXEC_MAP_INDEX": "-1", "AWSEXEC_TRY_NUMBER": str(attempt)}
    told = {
        "service": "ecs",
        "arn": f"arn:aws:ecs:us-east-1:123456789012:task/awsexec/{number:08d}",
        "token": f"token-{number}",
        "started_by": "awsexec/demo",
        "container": "airflow",
        "identity": identity,
        "status": status,
        "created_at": float(number),
        "started": True,
        "ended_at": None if exit_code is None else number + 0.5,
        "exit_code": exit_code,
        "stop_code": "",
        "stopped_reason": "",
    }
    return Launch(**{**told, **more})


def row(task, number, attempt=1, state="success", return_of="", **more):
    return Row(task, attempt, state, launch(number, task, attempt, **more), return_of)


GOOD = [row("once", 1), row("twice", 2, state="up_for_retry"), row("twice", 3, 2, return_of="STOPPING")]


def test_all_as_planned_is_no_problem():
    assert summary.problems(GOOD, PLAN) == []


def test_a_task_that_did_not_succeed_is_one():
    killed = {"exit_code": 137, "stop_code": "EssentialContainerExited", "stopped_reason": "Essential container ..."}
    rows = [row("once", 1, state="failed", **killed), *GOOD[1:]]

    assert summary.problems(rows, PLAN) == [
        "once ended failed",
        "once's container 00000001 has the exit code 137: EssentialContainerExited, Essential container ...",
    ]


def test_a_container_too_many_is_one():
    assert summary.problems([*GOOD, row("once", 4)], PLAN) == ["once took 2 containers instead of 1"]


def test_a_try_burnt_is_one():
    rows = [row("once", 1, 2), *GOOD[1:]]

    assert summary.problems(rows, PLAN) == ["once burnt a try: it ended on try 2 instead of 1"]


def test_a_token_launched_twice_is_one():
    rows = [*GOOD[:2], row("twice", 3, 2, token="token-1")]

    assert summary.problems(rows, PLAN) == ["the token token-1 was launched 2 times"]


def test_a_task_that_never_was_or_was_never_planned_is_one():
    assert summary.problems([*GOOD[1:], row("other", 9)], PLAN) == [
        "other is not part of the plan",
        "once ended without a state",
        "once took 0 containers instead of 1",
    ]


def test_a_task_that_came_back_is_told_with_the_status_of_its_old_ecs_task():
    assert summary.came_back(GOOD, PLAN) == [
        "twice failed on purpose, and came back as 00000003 while its first ECS task was still STOPPING",
    ]
    assert summary.overlapped(GOOD) == {"twice"}
    assert summary.overlapped([row("twice", 3, return_of="STOPPED")]) == set()


def test_a_failure_is_explained_by_the_event_log_and_the_tasks_own_log(tmp_path):
    directory = tmp_path / "dag_id=d" / "run_id=r" / "task_id=once"
    directory.mkdir(parents=True)
    logged = {"event": "Task failed", "error_detail": [{"exc_type": "ValueError", "exc_value": "no such station"}]}
    (directory / "attempt=1.log").write_text(f"plain\n{json.dumps(logged)}\n")
    events = [
        Event("now", "once", -1, 1, "running", "{}"),
        Event("now", "once", -1, 1, "awsexec", "The container was killed.\nExit code: 137"),
        Event("now", "twice", -1, 1, "awsexec", "not this one"),
    ]

    assert summary.explain([row("once", 1, state="failed"), *GOOD[1:]], events, tmp_path) == [
        "once failed on try 1:",
        "  The container was killed.",
        "  Exit code: 137",
        "  | plain",
        "  | Task failed ValueError: no such station",
    ]


def test_rows_join_each_container_with_how_its_turn_ended():
    instances = [TaskInstance("twice", -1, 2, "running", None, 1), TaskInstance("once", -1, 0, None, None, None)]
    ledger = [launch(1, "twice"), launch(2, "twice", 2, exit_code=None, status="RUNNING")]
    events = [Event("now", "twice", -1, 1, "running", ""), Event("now", "twice", -1, 1, "up_for_retry", "")]

    assert rows(instances, ledger, events, {ledger[1].arn: "STOPPING"}) == [
        Row("twice", 1, "up_for_retry", ledger[0]),
        Row("twice", 2, "running", ledger[1], "STOPPING"),
        Row("once", 0, ""),
    ]


def test_a_return_is_remembered_as_it_was_first_seen():
    returns = Returns()
    returns.look([launch(1, "twice", status="DEACTIVATING")])
    returns.look([launch(1, "twice", status="DEPROVISIONING"), launch(2, "twice", 2)])

    assert returns.look([launch(1, "twice"), launch(2, "twice", 2)]) == {launch(2, "twice").arn: "DEPROVISIONING"}


def test_progress_has_a_line_for_each_change_and_none_without():
    progress = Progress()
    running = [row("once", 1, state="running", exit_code=None, status="RUNNING")]

    assert progress.lines(running) == ["once                try 1  running            ECS task 00000001 runs"]
    assert progress.lines(running) == []
    assert progress.lines([row("once", 1)]) == [
        "once                try 1  success            ECS task 00000001 exited with 0",
    ]
