"""The demo's tasks that come back, each on the other service."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
from airflow.sdk import BaseOperator, dag, get_current_context, task

BATCH = "AwsBatchExecutor"

#: Longer than a container needs to exit after its task has ended, shorter than its job or ECS task needs to be over.
AWAY = 6


class Defers(BaseOperator):
    def execute(self, context):
        self.defer(trigger=TimeDeltaTrigger(timedelta(seconds=AWAY)), method_name="resumed")

    def resumed(self, context, event):
        """Come back, in a new container."""


@dag(schedule=None, catchup=False, default_args={"retries": 0})
def comes_back():
    @task(retries=1, retry_delay=timedelta(seconds=AWAY), executor=BATCH)
    def retried():
        if get_current_context()["ti"].try_number == 1:
            raise ConnectionError("on purpose: the second try succeeds")

    @task.sensor(mode="reschedule", poke_interval=AWAY, timeout=120)
    def rescheduled():
        context = get_current_context()
        first_look = context["ti"].get_first_reschedule_date(context)
        return first_look is not None and datetime.now(UTC) - first_look > timedelta(seconds=1)

    retried()
    rescheduled()
    Defers(task_id="deferred", executor=BATCH)


comes_back()
