"""The workload store at S3: where a launch's workload is, and what the failures of a write mean."""

from __future__ import annotations

import re

import pytest

from aws_exec.clouds.errors import CloudError
from aws_exec.clouds.session import ClientSource, build_client
from aws_exec.clouds.workload_store import WorkloadStore
from aws_exec.container.store import split
from aws_exec.lifecycle.values import FailureKind
from aws_exec.metrics.catalogue import API_CALLS
from aws_exec.metrics.meter import Series, Tally
from tests.scripted.s3 import ScriptedS3
from tests.scripted.tricks import error, expired, reset, server_error, unsigned

LAUNCH, OTHER = "0f8fad5b-d9cb-469f-a165-70867728950e", "7c9e6679-7425-40de-944b-e07fc1f90ae7"


@pytest.fixture
def s3(monkeypatch):
    with ScriptedS3() as s3:
        monkeypatch.setenv(s3.VARIABLE, s3.url)
        yield s3


def store(url="s3://workloads/production", meter=None):
    clients = ClientSource(lambda: build_client("s3", find_connection=lambda _: None, conn_id=""))
    return WorkloadStore(url, clients, meter or Tally())


def refused(put):
    with pytest.raises(CloudError) as caught:
        put()
    return caught.value.failure


def test_a_launch_has_one_address_that_another_process_does_not_know():
    one, other = store(), store()
    assert re.fullmatch(rf"s3://workloads/production/{LAUNCH}/[0-9a-f]{{32}}", one.address(LAUNCH))
    assert one.address(LAUNCH) == one.address(LAUNCH)
    chances = {each.address(launch).rpartition("/")[2] for each in (one, other) for launch in (LAUNCH, OTHER)}
    assert len(chances) == 4


@pytest.mark.parametrize("url", ["s3://workloads", "s3://workloads/production"])
def test_what_is_put_is_there_in_these_bytes(s3, url):
    it = store(url)
    address = it.address(LAUNCH)
    it.put(address, '{"type": "ExecuteTask", "name": "größer"}')
    assert s3.objects == {split(address)[1]: '{"type": "ExecuteTask", "name": "größer"}'.encode()}


def test_the_region_is_the_clients(s3):
    assert store().region() == "eu-central-1"


def test_each_write_is_counted(s3):
    tally = Tally()
    it = store(meter=tally)
    it.put(it.address(LAUNCH), "{}")
    tally.drain()
    assert tally.counts == {Series(API_CALLS, "PutObject", ()): 1}


@pytest.mark.parametrize(
    ("trick", "kind"),
    [
        (error("SlowDown", "Please reduce your request rate.", status=503), FailureKind.THROTTLED),
        (server_error(), FailureKind.NO_ANSWER),
        (error("ServiceUnavailable", "Service is unable to handle request.", status=503), FailureKind.NO_ANSWER),
        (reset(), FailureKind.NO_ANSWER),
        (expired(), FailureKind.CREDENTIALS),
        (error("InvalidAccessKeyId", "It does not exist in our records.", status=403), FailureKind.CREDENTIALS),
        (unsigned(), FailureKind.CREDENTIALS),
        (error("AccessDenied", "Access Denied", status=403), FailureKind.REFUSED),
        (error("NoSuchBucket", "The specified bucket does not exist", status=404), FailureKind.REFUSED),
        (error("KMS.DisabledException", "arn:aws:kms:x is disabled.", status=400), FailureKind.REFUSED),
        (error("ValidationError", "what is this"), FailureKind.REFUSED),
    ],
    ids=lambda value: value.value if isinstance(value, FailureKind) else "",
)
def test_no_failure_is_for_good(s3, trick, kind):
    s3.goes_wrong(trick)
    it = store()
    fault = refused(lambda: it.put(it.address(LAUNCH), '{"token": "eyJhbGciOi.SECRET.JWT"}'))
    assert (fault.kind, fault.operation) == (kind, "PutObject")
    assert "eyJ" not in str(fault)


def test_a_denial_names_the_right_and_the_prefix(s3):
    s3.goes_wrong(error("AccessDenied", "Access Denied", status=403))
    it = store()
    fault = refused(lambda: it.put(it.address(LAUNCH), "{}"))
    needed = "(workload_store needs s3:PutObject on s3://workloads/production/*)"
    assert fault.message == f"Access Denied {needed}"


def test_a_renewed_client_has_the_credentials_of_now(s3, monkeypatch):
    it = store()
    it.put(it.address(LAUNCH), "{}")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    it.renew()
    assert it.region() == "us-east-1"
