"""Act one: a DAG whose tasks retry, defer and reschedule runs on both executors, each task in its own container."""

from __future__ import annotations

import time

from aws_exec.local.demo import summary
from aws_exec.local.demo.plan import DAG_ID, RESULT
from aws_exec.local.demo.stage import Stage


def play(stage: Stage) -> list[str]:
    """Run the DAG and show what ran where; return what did not go as planned."""
    screen, started_in = stage.screen, time.monotonic() - stage.began
    screen.say(f"Act 1: DAG {DAG_ID} on ECS and Batch, at most {stage.max_containers} containers at a time", "bold")
    run = stage.trigger(DAG_ID)
    state = stage.wait(run, f"Running DAG {DAG_ID}", run.final_state)
    took = time.monotonic() - run.triggered
    rows = run.rows()
    screen.table(rows)
    for sentence in summary.came_back(rows):
        screen.say(sentence)
    screen.say(summary.still_stopping(rows))
    if (report := stage.airflow.records.returned(DAG_ID, run.run_id, RESULT)) is not None:
        screen.say()
        screen.show(summary.result(report))
        screen.say(summary.result_in_words(report))
    screen.say()
    screen.say(summary.verdict(rows, took, started_in))
    wrong = summary.problems(rows) or ([] if state == "success" else [f"the DAG run ended {state}"])
    if wrong:
        for line in summary.explain(rows, run.events, stage.airflow.home.logs):
            screen.say(line)
    return wrong
