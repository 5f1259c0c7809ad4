"""Regions and partitions are botocore's."""

import pytest
from botocore.loaders import Loader

from aws_exec.regions import is_region, meant_region, partitions

DOCUMENT = Loader().load_data("partitions")


@pytest.mark.parametrize("partition", DOCUMENT["partitions"], ids=lambda each: each["id"])
def test_every_region_of_every_partition_is_one(partition):
    regions = [name for name in partition["regions"] if not name.endswith("-global")]
    assert [name for name in regions if not is_region(name)] == []
    assert partition["id"] in [each.id for each in partitions()]


@pytest.mark.parametrize("name", ["eusc-de-east-1", "us-gov-west-1", "eu-isoe-west-1", "eu-new-9"])
def test_a_region_that_a_pattern_of_ours_would_miss_is_one(name):
    assert is_region(name)


@pytest.mark.parametrize(
    "name",
    ["", "eu-central", "eu-central-1a", "EU-CENTRAL-1", "eu-Central-1", "aws-global", "xx-east-1", "eu central 1"],
)
def test_what_is_not_a_region_is_none(name):
    assert not is_region(name)


@pytest.mark.parametrize(
    ("name", "meant"),
    [("eu-centrall-1", "eu-central-1"), ("us-gov-wst-1", "us-gov-west-1"), ("eu_central-1", "eu-central-1")],
)
def test_a_misspelt_region_means_the_one_that_is_most_like_it(name, meant):
    assert meant_region(name) == meant


@pytest.mark.parametrize("name", ["eu-central-1", "ap-southeast-99", "eu-new-9", "somewhere"])
def test_a_region_that_may_be_new_means_no_other(name):
    assert meant_region(name) == ""
