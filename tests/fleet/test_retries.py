"""How often a command repeats a call that AWS throttles or fails, counted on the wire."""

import pytest

from awsexec_cli.exit_codes import Exit
from tests.fleet.scripts import given, launched, reaching
from tests.scripted.services import ScriptedBatch, ScriptedEcs, error, server_error

THROTTLED = error("ThrottlingException", "Rate exceeded")
FAILURES = pytest.mark.parametrize("failure", [THROTTLED, server_error()], ids=["throttled", "failed"])


@FAILURES
def test_the_first_page_of_a_listing_on_ecs_is_asked_for_five_times(shell, tmp_path, failure):
    with ScriptedEcs() as service:
        service.goes_wrong(failure)
        done = shell("list", **given(service, tmp_path))

        assert (done.code, service.calls()["ListTasks"]) == (Exit.FAILED, 5)


@FAILURES
def test_the_first_page_of_each_listing_on_batch_is_asked_for_five_times(shell, tmp_path, failure):
    with ScriptedBatch() as service:
        service.goes_wrong(failure)
        done = shell(
            "list", "--queue", "fleet", **reaching(service, tmp_path), AWS_ENDPOINT_URL_BATCH=service.get_url()
        )

        assert (done.code, service.calls()["ListJobs"]) == (Exit.FAILED, 5)


def test_a_stop_that_is_throttled_is_sent_five_times(shell, tmp_path):
    with ScriptedEcs() as service:
        (arn,) = launched(service, "load")
        service.goes_wrong(THROTTLED, operation="StopTask")
        done = shell("terminate", arn, "--yes", **given(service, tmp_path))

        assert (done.code, service.calls()["StopTask"]) == (Exit.PARTIAL, 5)
