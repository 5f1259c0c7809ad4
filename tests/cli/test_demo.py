"""The summary of the demo: rows, messages, and every reason not to exit with 0."""

import io
import json

import pytest
from rich.console import Console

from aws_exec.local.airflow.records import Event, TaskInstance
from aws_exec.local.demo import summary
from aws_exec.local.demo.plan import Expected
from aws_exec.local.demo.runner import NEXT
from aws_exec.local.demo.screen import Screen
from aws_exec.local.demo.table import Progress, table
from aws_exec.local.demo.watch import Returns, Row, rows
from aws_exec.local.script import Launch

PLAN = {
    "once": Expected(service="batch"),
    "twice": Expected(launches=2, tries=2, because="failed on purpose"),
}

ARNS = {
    "ecs": "arn:aws:ecs:us-east-1:123456789012:task/awsexec/{:08d}",
    "batch": "arn:aws:batch:us-east-1:123456789012:job/{:08d}-0000",
}


def launch(number, task, attempt=1, *, exit_code=0, status="", service="ecs", **more):
    identity = {"AWSEXEC_TASK_ID": task, "AWSEXEC_MAP_INDEX": "-1", "AWSEXEC_TRY_NUMBER": str(attempt)}
    told = {
        "service": service,
        "arn": ARNS[service].format(number),
        "token": f"token-{number}",
        "started_by": "awsexec/demo",
        "container": "airflow",
        "identity": identity,
        "status": status or ("STOPPED" if service == "ecs" else "SUCCEEDED"),
        "created_at": float(number),
        "started": True,
        "ended_at": None if exit_code is None else number + 0.5,
        "exit_code": exit_code,
        "stop_code": "",
        "stopped_reason": "",
    }
    return Launch(**{**told, **more})


def row(task, number, attempt=1, state="success", return_of=None, **more):
    return Row(task, attempt, state, launch(number, task, attempt, **more), return_of)


ONCE = row("once", 1, service="batch")
GOOD = [
    ONCE,
    row("twice", 2, state="up_for_retry", exit_code=80),
    row("twice", 3, 2, return_of=launch(2, "twice", status="STOPPING")),
]


def test_all_as_planned_is_no_problem():
    assert summary.problems(GOOD, PLAN) == []


def test_a_task_that_did_not_succeed_is_one():
    killed = {"exit_code": 137, "stop_code": "EssentialContainerExited", "stopped_reason": "Essential container ..."}
    lost = {"exit_code": None, "status": "FAILED", "stopped_reason": "Host EC2 terminated."}
    rows = [row("once", 1, state="failed", service="batch", **lost), GOOD[1], row("twice", 3, 2, **killed)]

    assert summary.problems(rows, PLAN) == [
        "once ended failed",
        "once's Batch job 00000001 has no exit code: Host EC2 terminated.",
        "twice's ECS task 00000003 has the exit code 137: EssentialContainerExited, Essential container ...",
    ]


def test_a_task_on_the_other_service_is_one():
    assert summary.problems([row("once", 1), *GOOD[1:]], PLAN) == ["once ran as ECS task 00000001, not as Batch job"]


def test_a_container_too_many_is_one():
    assert summary.problems([*GOOD, row("once", 4, service="batch")], PLAN) == ["once took 2 containers instead of 1"]


def test_a_try_burnt_is_one():
    rows = [row("once", 1, 2, service="batch"), *GOOD[1:]]

    assert summary.problems(rows, PLAN) == ["once burnt a try: it ended on try 2 instead of 1"]


def test_a_token_launched_twice_is_one():
    rows = [*GOOD[:2], row("twice", 3, 2, token="token-1")]

    assert summary.problems(rows, PLAN) == ["the token token-1 was launched 2 times"]


def test_a_task_that_is_to_fail_and_to_never_start_is_no_problem_unless_it_does():
    plan = {"doomed": Expected(state="failed", exit_code=None)}

    assert summary.problems([row("doomed", 1, state="failed", exit_code=None, status="STOPPED")], plan) == []
    assert summary.problems([row("doomed", 1)], plan) == [
        "doomed ended success",
        "doomed's ECS task 00000001 has the exit code 0",
    ]


def test_a_task_that_never_was_or_was_never_planned_is_one():
    assert summary.problems([*GOOD[1:], row("other", 9)], PLAN) == [
        "other is not part of the plan",
        "once ended without a state",
        "once took 0 containers instead of 1",
    ]


def test_a_task_that_came_back_is_told_with_what_its_old_container_still_did():
    assert summary.came_back(GOOD, PLAN) == [
        "twice failed on purpose, and came back as ECS task 00000003 while its first was still STOPPING",
    ]
    assert summary.overlapped(GOOD) == {"twice"}


def test_a_task_that_came_back_after_its_old_container_had_ended_is_told_so():
    rows = [row("once", 3, service="batch", return_of=launch(1, "once", service="batch"))]

    assert summary.came_back(rows, PLAN) == [
        "once was launched again, and came back as Batch job 00000003 after its first had ended"
    ]
    assert summary.overlapped(rows) == set()


def test_what_aws_still_stops_is_named():
    stopping = [row(name, number, status="DEACTIVATING") for number, name in enumerate("abc")]

    assert (
        summary.still_stopping([ONCE, *stopping]) == "AWS is still stopping a, b and c; Airflow does not wait for that."
    )
    assert summary.still_stopping(GOOD) == ""


def test_the_verdict_counts_the_containers_of_each_service():
    assert summary.verdict(GOOD, 41.6, 19.2) == (
        "2 task instances in 3 containers (2 ECS tasks, 1 Batch job) took 42 s, after 19 s to start AWS and Airflow."
    )


def test_the_table_says_what_each_task_runs_as():
    columns = [list(column.cells) for column in table([*GOOD, Row("later", 0, "")]).columns]

    assert [[str(cell) for cell in cells] for cells in columns] == [
        ["once", "twice", "twice", "later"],
        ["1", "1", "2", ""],
        ["Batch", "ECS", "ECS", "-"],
        ["00000001", "00000002", "00000003", "-"],
        ["SUCCEEDED", "STOPPED", "STOPPED", "-"],
        ["0", "80", "0", ""],
        ["success", "up_for_retry", "success", "-"],
    ]


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


def test_the_table_has_room_on_the_narrowest_terminal():
    widest = row("readings_complete", 1, state="up_for_reschedule", status="DEPROVISIONING")
    console = Console(width=80)

    assert console.measure(table([widest, ONCE])).maximum <= 80


def test_rows_join_each_container_with_how_its_turn_ended():
    instances = [TaskInstance("twice", -1, 2, "running", None, 1), TaskInstance("once", -1, 0, None, None, None)]
    ledger = [launch(1, "twice"), launch(2, "twice", 2, exit_code=None, status="RUNNING")]
    events = [Event("now", "twice", -1, 1, "running", ""), Event("now", "twice", -1, 1, "up_for_retry", "")]

    assert rows(instances, ledger, events, {ledger[1].arn: ledger[0]}) == [
        Row("twice", 1, "up_for_retry", ledger[0]),
        Row("twice", 2, "running", ledger[1], ledger[0]),
        Row("once", 0, ""),
    ]


def test_a_return_is_remembered_as_it_was_first_seen():
    returns = Returns()
    returns.look([launch(1, "twice", status="DEACTIVATING")])
    then = launch(1, "twice", status="DEPROVISIONING")
    returns.look([then, launch(2, "twice", 2)])

    assert returns.look([launch(1, "twice"), launch(2, "twice", 2)]) == {launch(2, "twice").arn: then}


def test_progress_has_a_line_for_each_change_and_none_without():
    progress = Progress()
    running = [row("once", 1, state="running", exit_code=None, status="RUNNING")]

    assert progress.lines(running) == ["once                try 1  running            ECS task 00000001 runs"]
    assert progress.lines(running) == []
    assert progress.lines([row("once", 1)]) == [
        "once                try 1  success            ECS task 00000001 exited with 0",
    ]


@pytest.fixture
def terminal():
    """A terminal of 80 columns."""
    return Console(file=io.StringIO(), force_terminal=True, width=80, color_system=None)


def test_words_wrap_on_a_terminal_and_nowhere_else(terminal):
    sentence = "The new scheduler has adopted orders and stock, and each of their containers keeps running."
    pipe = Console(file=io.StringIO(), force_terminal=False, width=80)
    for console in (terminal, pipe):
        Screen(console).say(sentence)

    lines = [line.rstrip() for line in terminal.file.getvalue().splitlines()]
    assert " ".join(lines) == sentence
    assert max(map(len, lines)) <= 80 < len(sentence)
    assert pipe.file.getvalue() == f"{sentence}\n"


def test_a_wait_has_a_spinner_seconds_and_rows_on_a_terminal(terminal):
    with Screen(terminal).waiting("Running") as show:
        show([ONCE])

    printed = terminal.file.getvalue()
    assert "- Running (0 s)" in printed
    assert "once    1  Batch  00000001" in printed
    assert printed.endswith("Running: 0 s\n")


def test_a_wait_is_lines_in_a_pipe():
    console = Console(file=io.StringIO(), force_terminal=False)
    with Screen(console).waiting("Running") as show:
        show([ONCE])

    assert console.file.getvalue().splitlines() == [
        "Running ...",
        "once                try 1  success            Batch job 00000001 exited with 0",
    ]


def test_every_command_that_comes_next_exists_and_has_its_options(run):
    commands = [line.split("   ")[0].split()[1:] for line in NEXT.splitlines() if line.startswith("  awsexec ")]

    assert len(commands) == 3
    for words in commands:
        told = run(*(word for word in words if not word.startswith("-")), "--help")
        assert told.returncode == 0
        assert all(word in told.stdout for word in words if word.startswith("-"))
