"""Act two: the scheduler is killed while tasks run, a task runs out of memory, and an image does not exist."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

from aws_exec.local.demo import plan, summary
from aws_exec.local.demo.stage import Stage
from aws_exec.local.demo.watch import DagRun, Row, has_exited


def play(stage: Stage) -> list[str]:
    """Run the DAG, kill the scheduler meanwhile, and explain what failed; return what did not go as planned."""
    screen, aws = stage.screen, stage.aws
    screen.say("\nAct 2: kill the scheduler, run out of memory, name an image that does not exist", "bold")
    aws.register_task_definition(plan.EXPORT_DEFINITION, plan.MISSING_IMAGE)
    aws.faults.remove_image(plan.MISSING_IMAGE)
    gate = stage.airflow.home.directory / "until"
    run = stage.trigger(plan.BAD_NIGHT, {"until": str(gate)})
    wrong = _replace_scheduler(stage, run)
    gate.touch()
    stage.wait(run, f"Finishing DAG {plan.BAD_NIGHT}", run.final_state)
    rows = run.rows()
    screen.table(rows)
    screen.say(summary.still_stopping(rows))
    expected = plan.bad_night(limited=not aws.limits_problem)
    wrong += summary.problems(rows, expected)
    if not wrong:
        screen.say(f"{_names()} succeeded on their first try, in the containers that they started in.", "green")
    if aws.limits_problem:
        screen.say(f"This machine cannot limit a container's memory ({aws.limits_problem}): forecast killed itself.")
    return wrong + [problem for row in rows if row.state == "failed" for problem in _explain(stage, row, expected)]


def _explain(stage: Stage, row: Row, expected: Mapping[str, plan.Expected]) -> Iterable[str]:
    """Show what `awsexec explain` prints; return what is wrong with it."""
    if row.launch is None:
        return  # it was never launched: a problem that is known
    stage.screen.say(f"\n$ awsexec explain {row.job}", "bold")
    rule, lines = stage.explain(stage.aws.environment(), row.launch.arn)
    for line in lines:
        stage.screen.say(line)
    if (want := expected[row.task].diagnosis) and rule != want:
        yield f"the diagnosis of {row.task} is {rule or 'none'} instead of {want}"


def _replace_scheduler(stage: Stage, run: DagRun) -> list[str]:
    """Kill the scheduler while tasks run, start it again, wait until it has them; return what did not go as planned."""
    at_once = min(len(plan.RUNNING), stage.max_containers)
    stage.wait(run, f"Waiting until {_names()} run", lambda: _states(run).count("running") >= at_once)
    before = _schedulers(run)
    stage.airflow.kill9("scheduler")
    killed = time.monotonic()
    stage.screen.say(f"kill -9: the scheduler is dead. {_names()} keep running in their containers.", "bold red")
    stage.airflow.restart("scheduler")
    stage.wait(
        run,
        "Starting the scheduler again; it looks for what the dead one left",
        lambda: not before & _schedulers(run) or _exited(run),
    )
    if gone := _exited(run):
        return [f"the container of {task} did not outlive the scheduler" for task in gone]
    stage.screen.say(f"The new scheduler has adopted {_names()}, {time.monotonic() - killed:.0f} s after the kill.")
    return []


def _states(run: DagRun) -> list[str | None]:
    return [one.state for name, one in run.instances.items() if name in plan.RUNNING]


def _schedulers(run: DagRun) -> set[int | None]:
    """The schedulers that have queued or adopted the tasks."""
    return {one.queued_by for name, one in run.instances.items() if name in plan.RUNNING}


def _exited(run: DagRun) -> list[str]:
    """The tasks whose containers have exited although nobody let them."""
    exited = (launch.identity["AWSEXEC_TASK_ID"] for launch in run.launches if has_exited(launch))
    return [task for task in exited if task in plan.RUNNING]


def _names() -> str:
    return summary.listed(plan.RUNNING)
