"""Checks against AWS: the Region of the calls, and the number of clients."""

import pytest
from botocore.loaders import Loader

from aws_exec.aws_checks.checks import clients_of
from aws_exec.clouds.errors import CloudError

HERE = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def shell(monkeypatch):
    """A person's: with a Region, and nothing else of the machine's."""
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")


def test_a_client_is_built_once_for_each_service_and_region():
    clients = clients_of(None, None, HERE)

    assert clients("eu-central-1")("ecs") is clients("eu-central-1")("ecs")
    assert len({id(clients(region)(service)) for region in ("a", "b") for service in ("ecs", "ec2")}) == 4


@pytest.mark.parametrize(
    ("asked", "configured", "where"),
    [("us-east-1", "eu-central-1", "us-east-1"), (None, "eu-central-1", "eu-central-1"), (None, None, "eu-west-1")],
)
def test_it_is_of_the_region_that_was_asked_for_then_the_configured_then_the_shells(asked, configured, where):
    assert clients_of(asked, None, HERE)(configured)("ecs").meta.region_name == where


def test_what_is_no_region_is_refused_before_anything_is_asked():
    with pytest.raises(CloudError, match='unknown AWS Region "eu-wst-1"; did you mean "eu-west-1"'):
        clients_of(None, None, None)("eu-wst-1")


def test_a_region_that_botocore_does_not_know_yet_can_be_asked():
    assert clients_of(None, None, None)("eu-south-9")("ecs").meta.region_name == "eu-south-9"


@pytest.mark.parametrize("partition", Loader().load_data("partitions")["partitions"], ids=lambda each: each["id"])
def test_every_region_of_every_partition_can_be_asked(partition):
    """Those too in which botocore knows no service yet."""
    clients = clients_of(None, None, None)
    regions = [name for name in partition["regions"] if not name.endswith("-global")]

    assert [clients(name)("ecs").meta.region_name for name in regions] == regions
