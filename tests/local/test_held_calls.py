"""A call can be delayed before it is carried out or before its response; the client may be gone by then."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.local.helpers import job_of, request_of


@pytest.fixture
def later():
    with ThreadPoolExecutor() as threads:
        yield threads.submit


@pytest.fixture
def launch(aws, ecs, batch):
    """By operation: a launch that ends at once."""
    return {
        "RunTask": lambda: ecs.run_task(**request_of(aws)),
        "SubmitJob": lambda: batch.submit_job(**job_of(aws)),
    }


@pytest.mark.parametrize("operation", ["RunTask", "SubmitJob"])
@pytest.mark.parametrize("acted", [False, True])
def test_a_stalled_launch_has_made_a_container_only_if_it_was_to_act(aws, launch, later, operation, acted):
    before = len(aws.ledger())
    aws.faults.stall_next(operation, acted=acted)

    answer = later(launch[operation])
    aws.wait_until(lambda: aws.faults.stalled == {operation: 1})
    assert (len(aws.ledger()) - before, answer.done()) == (int(acted), False)

    aws.faults.let_go()
    assert answer.result(30)["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert len(aws.ledger()) - before == 1
    assert aws.faults.stalled == {}


def test_only_so_many_calls_wait_and_none_after_letting_go(aws, launch, later):
    aws.faults.stall_next("RunTask", times=2)
    first = later(launch["RunTask"])
    aws.wait_until(lambda: aws.faults.stalled == {"RunTask": 1})
    assert launch["SubmitJob"]()["jobId"]

    aws.faults.let_go()

    assert first.result(30)["tasks"]
    assert launch["RunTask"]()["tasks"]
