"""A search for launches takes many calls: a call without a response is retried, not the whole search."""

from __future__ import annotations

import pytest

from aws_exec.clouds.errors import CloudError
from aws_exec.lifecycle.values import FailureKind
from tests.clouds.http_adapters import batch_cloud, ecs_cloud
from tests.scripted.services import THROTTLES, ScriptedBatch, ScriptedEcs, reset, server_error

LAUNCH = "0f3e1a52-0000-4000-8000-000000000001"
BOTH = pytest.mark.parametrize(
    ("scripted", "cloud", "listing"), [(ScriptedEcs, ecs_cloud, "ListTasks"), (ScriptedBatch, batch_cloud, "ListJobs")]
)


@BOTH
@pytest.mark.parametrize("trick", [server_error(), reset()], ids=["500", "reset"])
def test_two_calls_without_an_answer_are_made_again(scripted, cloud, listing, trick):
    with scripted() as aws:
        aws.goes_wrong(trick, listing, times=2)
        assert list(cloud(aws).find([LAUNCH], [""])) == []
        assert aws.played()[listing] == 2


@BOTH
@pytest.mark.parametrize(
    ("trick", "kind", "calls"),
    [(server_error(), FailureKind.NO_ANSWER, 3), (THROTTLES[0], FailureKind.THROTTLED, 1)],
    ids=["500", "throttle"],
)
def test_it_is_not_insisted_upon(scripted, cloud, listing, trick, kind, calls):  # noqa: PLR0917 - a table
    """Least of all where AWS says that it is too fast."""
    with scripted() as aws:
        aws.goes_wrong(trick, listing)
        with pytest.raises(CloudError) as raised:
            cloud(aws).find([LAUNCH], [""])
        assert raised.value.failure.kind is kind
        assert aws.calls()[listing] == calls
