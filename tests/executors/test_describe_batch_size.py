"""A subclass says how many jobs one describe call takes, and no call takes more, whatever a listing no longer has."""

from __future__ import annotations

from tests.executors.harness import Scheduler, task
from tests.executors.services import over_both
from tests.scripted.services import Plan

#: Jobs that run at a time.
MANY = 30


class Sized:
    """A cloud that notes how many jobs it is asked to describe at once."""

    def __init__(self, cloud, sizes):
        self._cloud = cloud
        self._sizes = sizes

    def __getattr__(self, name):
        return getattr(self._cloud, name)

    def describe(self, location, jobs):
        self._sizes.append(len(jobs))
        return self._cloud.describe(location, jobs)


@over_both
def test_no_call_takes_more_than_a_subclass_says(started, aws, service):
    sizes = []

    class Few(service.executor):
        def build_adapter(self, options, builder, access):
            return Sized(super().build_adapter(options, builder, access), sizes)

    setattr(Few, service.batch_size, 3)
    scheduler = Scheduler(started(Few))
    aws.set_plan(Plan(run=0.5))
    keys = [scheduler.queue(task(f"task{number}")) for number in range(MANY)]
    scheduler.until_over(*keys)
    assert {scheduler.outcome(key) for key in keys} == {"success"}
    assert max(sizes) == 3
