"""What a debugger, a traceback or a log shows of a workload: whose it is, and none of its secrets."""

from __future__ import annotations

import pytest

from aws_exec.executors.airflow_db import Row
from aws_exec.executors.workload import QueuedRow, Workload
from aws_exec.lifecycle import effects, events
from aws_exec.lifecycle.launch import HandedOver, Launch
from tests.executors.harness import task

SECRET = "correct horse battery staple"
CONFIG = {"environment": [{"name": "PASSWORD", "value": SECRET}]}
KEY = task("load").key

COMMANDS = [["curl", "--user", SECRET], [task(executor_config=CONFIG)]]


@pytest.mark.parametrize("command", COMMANDS, ids=["command line", "workload"])
def test_a_workload_shows_neither_its_command_nor_its_executor_config(command):
    workload = Workload(KEY, command, "default", CONFIG)
    carriers = [
        workload,
        Launch("launch", KEY, work=HandedOver(workload)),
        events.WorkloadQueued(launch_id="launch", key=KEY, workload=workload),
        effects.Submit(request_id=1, launch_id="launch", key=KEY, token="launch-1", workload=workload),
    ]
    for carrier in carriers:
        assert SECRET not in repr(carrier)
        assert repr(KEY) in repr(carrier)


def test_nor_does_what_adoption_reads():
    row = Row(
        ti_id="id",
        key=KEY,
        try_number=1,
        state="queued",
        external_id="",
        queue="default",
        queued_at=None,
        executor_config=CONFIG,
    )
    assert SECRET not in repr(row)
    assert repr(KEY) in repr(row)
    assert repr(QueuedRow(KEY)) == f"QueuedRow(key={KEY!r})"
