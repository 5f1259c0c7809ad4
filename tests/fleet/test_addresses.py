"""The addresses that a person types for a job."""

import pytest

from aws_exec.fleet import FleetJob, MisusedError, State, parse
from aws_exec.lifecycle.identity import Identity
from aws_exec.lifecycle.values import Job

ID = "0123456789abcdef0123456789abcdef"
UUID = "0d6a9c1e-1111-4222-8333-444455556666"
TASK = f"arn:aws:ecs:eu-central-1:123456789012:task/fleet/{ID}"
JOB = f"arn:aws:batch:eu-central-1:123456789012:job/{UUID}"
LAUNCH = "aaaaaaaa-1111-4222-8333-444455556666"


def job(arn=TASK, map_index="-1", run="manual__2026-01-01T00:00:00+00:00"):
    identity = Identity("ours", f"{LAUNCH}-1", "etl", "group.load", run, map_index, "1")
    return FleetJob("ecs", Job(arn, "fleet"), identity, State.RUNNING, "RUNNING")


@pytest.mark.parametrize(
    ("text", "service", "location"),
    [(TASK, "ecs", "fleet"), (TASK.replace("fleet/", ""), "ecs", ""), (JOB, "batch", "")],
)
def test_an_arn_says_where_it_is(text, service, location):
    address = parse(text)

    assert (address.arn, address.service, address.region, address.location) == (text, service, "eu-central-1", location)


@pytest.mark.parametrize("text", [ID, TASK, ID[:4], TASK[:-20], LAUNCH, job().address, "etl/group.load"])
def test_a_job_is_called_by_each_of_these(text):
    assert parse(text).means(job())


@pytest.mark.parametrize(
    "text", [ID[:-1] + "0", JOB, ID[1:5], "etl/load", "etl/group.load[0]", "etl/group.load@other", UUID]
)
def test_and_by_none_of_these(text):
    assert not parse(text).means(job())


def test_a_mapped_one_is_called_with_its_index_or_without():
    mapped = job(map_index="3")

    assert mapped.address == "etl/group.load[3]@manual__2026-01-01T00:00:00+00:00"
    assert parse(mapped.address).means(mapped)
    assert parse("etl/group.load").means(mapped)
    assert not parse("etl/group.load[4]").means(mapped)


@pytest.mark.parametrize("text", ["", "abc", "load", "-x", "etl/"])
def test_anything_else_is_refused_with_what_would_do(text):
    with pytest.raises(MisusedError, match=f'not a job: "{text}"') as refused:
        parse(text)
    assert "dag/task[map]@run" in refused.value.hint
