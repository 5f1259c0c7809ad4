"""A price table of one's own, and what a task costs by it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aws_exec.settings.common.prices import Prices, Size, hourly, prices_of


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (["vcpu"], "is not a mapping of prices"),
        (None, "is not a mapping of prices"),
        ({"vcpus": 1}, "vcpus is not known"),
        ({"vcpu": -1}, "vcpu is not a price"),
        ({"vcpu": True}, "vcpu is not a price"),
        ({"vcpu": "0.04"}, "vcpu is not a price"),
    ],
)
def test_a_table_that_is_none_is_refused(document, message):
    with pytest.raises(ValueError, match=message):
        prices_of(document)


def test_what_a_table_does_not_name_is_as_in_ours():
    assert prices_of({}) == Prices()
    ours = prices_of({"vcpu": 1, "currency": "EUR"})
    assert (ours.vcpu, ours.gb, ours.currency) == (1.0, Prices().gb, "EUR")


PRICES = Prices(vcpu=1.0, gb=0.5, storage_gb=0.1, spot_share=0.25)
TASK = Size(2, 4096, fargate=True)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (TASK, 2 + 2),
        (replace(TASK, storage_gib=30), 2 + 2 + 1),
        (replace(TASK, spot=True), 1),
        (replace(TASK, spot=None), 2 + 2),
        (replace(TASK, fargate=None), 2 + 2),
    ],
    ids=["plain", "disk", "Spot", "perhaps Spot", "perhaps on Fargate"],
)
def test_a_task_costs_its_vcpus_its_memory_and_the_disk_beyond_what_is_free(size, expected):
    assert hourly(PRICES, size) == expected


@pytest.mark.parametrize(
    "size",
    [replace(TASK, vcpu=None), replace(TASK, memory_mib=None), replace(TASK, fargate=False)],
    ids=["no vCPUs", "no memory", "elsewhere"],
)
def test_what_is_of_unknown_size_or_on_instances_of_ones_own_has_no_price(size):
    assert hourly(PRICES, size) is None
