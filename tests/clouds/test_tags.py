"""If tagging is denied, our own tags are dropped first: those of the user may be allowed or required."""

import pytest
from botocore.exceptions import ClientError

from aws_exec.clouds.calls import Calls
from aws_exec.metrics.meter import NoMeter

ECS = {
    "tags": [{"key": "team", "value": "risk"}, {"key": "awsexec:dag-id", "value": "etl"}],
    "propagateTags": "TASK_DEFINITION",
}
BATCH = {"tags": {"team": "risk", "awsexec:dag-id": "etl"}, "propagateTags": True}
THEIRS = (
    ECS | {"tags": [{"key": "team", "value": "risk"}]},
    BATCH | {"tags": {"team": "risk"}},
)


class Service:
    """Denies tagging so many times; keeps what it was asked for."""

    def __init__(self, denials: int):
        self.denials = denials
        self.asked: list[dict] = []

    def launch(self, **arguments) -> dict:
        self.asked.append(arguments)
        if len(self.asked) <= self.denials:
            message = "not authorized to perform: ecs:TagResource on resource: y"
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": message}}, "Launch")
        return {}


def calls_of(service: Service) -> Calls:
    return Calls(lambda: service, lambda: True, tagging="ecs:TagResource", meter=NoMeter())


@pytest.mark.parametrize(("tagged", "theirs"), zip((ECS, BATCH), THEIRS, strict=True))
def test_the_tags_of_the_user_stay_if_only_ours_are_denied(tagged, theirs, caplog):
    service = Service(denials=1)
    calls = calls_of(service)
    for _ in range(2):
        calls.launch("Launch", "launch", {"name": "n"} | tagged)
    plain = {"name": "n"}
    assert service.asked == [plain | tagged, plain | theirs, plain | theirs]
    assert ["without awsexec:* tags" in record.message for record in caplog.records] == [True]


@pytest.mark.parametrize(("tagged", "theirs"), zip((ECS, BATCH), THEIRS, strict=True))
def test_all_tags_go_if_those_of_the_user_are_denied_too(tagged, theirs, caplog):
    service = Service(denials=2)
    calls = calls_of(service)
    for _ in range(2):
        calls.launch("Launch", "launch", {"name": "n"} | tagged)
    plain = {"name": "n"}
    assert service.asked == [plain | tagged, plain | theirs, plain, plain]
    assert len(caplog.records) == 2


def test_a_launch_that_has_only_our_tags_is_asked_for_without_any_at_once():
    service = Service(denials=1)
    calls_of(service).launch("Launch", "launch", {"tags": {"awsexec:dag-id": "etl"}})
    assert service.asked[1:] == [{}]


def test_a_launch_that_has_no_tags_and_is_denied_is_not_asked_for_again():
    service = Service(denials=9)
    with pytest.raises(ClientError):
        calls_of(service).launch("Launch", "launch", {"name": "n"})
    assert len(service.asked) == 1


def test_the_callers_arguments_are_left_as_they_are():
    before = {"tags": [dict(tag) for tag in ECS["tags"]]}
    given = {"tags": ECS["tags"]}
    calls_of(Service(denials=2)).launch("Launch", "launch", given)
    assert given == before
