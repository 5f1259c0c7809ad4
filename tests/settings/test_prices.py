"""A price table of one's own, and what a task costs by it."""

from __future__ import annotations

import pytest

from aws_exec.settings.prices import Prices, hourly, prices_of


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


def test_a_task_costs_its_vcpus_its_memory_and_the_disk_beyond_what_is_free():
    prices = Prices(vcpu=1.0, gb=0.5, storage_gb=0.1, spot_share=0.25)
    assert hourly(prices, 2048, 4096) == 2 + 2
    assert hourly(prices, 2048, 4096, storage_gib=30) == 2 + 2 + 1
    assert hourly(prices, 2048, 4096, spot=True) == 1


@pytest.mark.parametrize(("cpu", "memory"), [(None, 1024), (256, None)])
def test_a_task_of_unknown_size_has_no_price(cpu, memory):
    assert hourly(Prices(), cpu, memory) is None
