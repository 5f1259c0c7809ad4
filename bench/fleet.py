"""What a run works with: a scripted service in a process of its own, an executor on it, a fleet that already runs."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from typing import Any
from uuid import uuid4

from bench.driver import Driver, numbered
from bench.spec import AMAZON, LATENCY, Run
from tests.scripted.services import FOR_EVER, Quota, ScriptedAws, ScriptedBatch, ScriptedEcs, in_a_process

#: The executor classes, by implementation and service.
EXECUTORS = {
    ("amazon", "ecs"): "airflow.providers.amazon.aws.executors.ecs.AwsEcsExecutor",
    ("amazon", "batch"): "airflow.providers.amazon.aws.executors.batch.AwsBatchExecutor",
    ("awsexec", "ecs"): "aws_exec.AwsEcsExecutor",
    ("awsexec", "batch"): "aws_exec.AwsBatchExecutor",
}

SERVICES: dict[str, type[ScriptedAws]] = {"ecs": ScriptedEcs, "batch": ScriptedBatch}

#: The operations of each service.
LAUNCH = {"ecs": "RunTask", "batch": "SubmitJob"}
READS = {"ecs": ("DescribeTasks", "ListTasks"), "batch": ("DescribeJobs", "ListJobs")}

#: As many as the scheduler could ever have running.
PARALLELISM = 1_000_000


@dataclass
class Fleet:
    """One executor and its service.

    Attributes:
        run: what this is for.
        aws: the scripted service.
        driver: beats the executor.
        arns: of the tasks that ran before, by the task's id.
    """

    run: Run
    aws: ScriptedAws
    driver: Driver
    arns: dict[str, str] = field(default_factory=dict)

    @property
    def launch(self) -> str:
        """The operation that launches."""
        return LAUNCH[self.run.service]

    @property
    def reads(self) -> Sequence[str]:
        """The operations that look."""
        return READS[self.run.service]

    @cached_property
    def rows(self) -> Any:
        """Task instances in Airflow's database."""
        from tests.executors.rows import Rows  # noqa: PLC0415 - imports Airflow

        return Rows()

    def workloads(self, count: int, prefix: str = "task") -> list[Any]:
        """Workloads as the scheduler makes them."""
        from tests.executors.harness import task  # noqa: PLC0415 - imports Airflow

        return [task(name) for name in numbered(prefix, count)]

    def adopt(self, count: int) -> Any:
        """Let so many more tasks run that a dead scheduler has launched, and have them adopted; what that took.

        Their requests are copies of one that this executor has really sent.
        """
        from tests.executors.rows import adopt  # noqa: PLC0415 - imports Airflow

        names = list(numbered("running", count, start=len(self.arns)))
        template = self.template
        words = [{template["task"]: name, template["launch"]: str(uuid4())} for name in names]
        arns = self.aws.add_like_the_last(words)
        self.arns.update(zip(names, arns, strict=True))
        self.rows.add(*names, state="running", external_id=self._external_id)
        return adopt(self.driver.executor)

    @cached_property
    def template(self) -> dict[str, str]:
        """The words that are one task's own in the request of its launch, which this does."""
        (workload,) = self.workloads(1, prefix="template")
        known = self.driver.told("running") + 1
        self.driver.queue([workload])
        self.driver.until(lambda: self.driver.told("running") >= known, 30, busy=True)
        return {"task": workload.ti.task_id, "launch": workload.ti.external_executor_id}

    def _external_id(self, name: str) -> str:
        """What the executor itself would have written into the row: theirs on Batch writes the bare job id."""
        arn = self.arns[name]
        theirs = self.run.implementation == AMAZON and self.run.service == "batch"
        return arn.rpartition("/")[2] if theirs else arn

    def calls(self) -> Counter[str]:
        """How often each operation was called until now."""
        return self.aws.calls()

    def read_calls(self, before: Counter[str]) -> int:
        """Describe and list calls since then."""
        now = self.calls()
        return sum(now[name] - before[name] for name in self.reads)


@contextmanager
def fleet(run: Run, *, latency: float = LATENCY, quotas: Sequence[Quota] = ()) -> Iterator[Fleet]:
    """Everything, started; whatever is launched runs for ever."""
    with in_a_process(SERVICES[run.service], plan=FOR_EVER, latency=latency, quotas=quotas) as aws:
        os.environ[SERVICES[run.service].VARIABLE] = aws.get_url()
        module, _, name = EXECUTORS[run.implementation, run.service].rpartition(".")
        # What is launched here has no rows: it would be stopped as unwanted.
        kind = type(name, (getattr(import_module(module), name),), {"CHECK_INTERVAL": None})
        executor = kind(parallelism=PARALLELISM)
        executor.job_id = 1
        driver = Driver(executor)
        driver.start()
        yield Fleet(run, aws, driver)
