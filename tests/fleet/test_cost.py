"""The cost so far: size times paid time, from the one price table."""

import pytest

from aws_exec.fleet import FleetJob, Size, State, TimelineEntry
from aws_exec.fleet.cost import cost_so_far
from aws_exec.lifecycle.identity import Identity
from aws_exec.lifecycle.values import Job
from aws_exec.settings.common.prices import Prices

PRICES = Prices(vcpu=0.04, gb=0.004, storage_gb=0.001, spot_share=0.5)


def job(size=Size(vcpu=2, memory_mib=4096, fargate=True), **how):  # noqa: B008 - a frozen value
    how = {"created": 0.0, "started": 100.0, **how}
    return FleetJob("ecs", Job("arn", "fleet"), Identity("ours", "t-1"), State.RUNNING, "RUNNING", size=size, **how)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (job(), 0.096),
        (job(stopped=1900.0), 0.048),
        (job(timeline=(TimelineEntry(50.0, "image pull began"),), stopped=1850.0), 0.048),
        (job(Size(vcpu=2, memory_mib=4096, fargate=True, spot=True)), 0.048),
        (job(Size(vcpu=2, memory_mib=4096, storage_gib=30, fargate=True)), 0.106),
        (job(stopped=101.0), 0.0016),
        (job(started=None), 0.0),
        (job(Size(vcpu=2, memory_mib=4096)), None),
        (job(Size(fargate=True)), None),
    ],
)
def test_what_a_job_has_cost_after_an_hour(made, expected):
    found = cost_so_far(made, 3700.0, PRICES)

    assert found == (None if expected is None else pytest.approx(expected))
