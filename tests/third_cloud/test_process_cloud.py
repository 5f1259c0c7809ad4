"""docs/architecture.md on adding a cloud is enough: an adapter over processes passes the suite."""

import os

import pytest

from aws_exec.clouds.cloud import Request
from aws_exec.lifecycle.values import Observation, Status, Termination
from aws_exec.testing.conformance import CloudConformance
from tests.third_cloud.process_cloud import ProcessCloud
from tests.third_cloud.process_world import ROOM, ProcessWorld
from tests.tree import ROOT

TOKEN = "0b1e66ab-5c7c-4c3d-9a57-0c4c7fdbd5f5-1"


@pytest.fixture
def world(tmp_path):
    world = ProcessWorld(tmp_path)
    yield world
    world.close()


class TestProcesses(CloudConformance):
    @pytest.fixture(autouse=True)
    def _world(self, world):
        self.world = world


def launched(cloud, request) -> Observation:
    [seen] = cloud.submit([request])
    assert seen.status is Status.RUNNING
    return seen


def test_its_adapter_is_shorter_than_150_lines():
    lines = (ROOT / "tests" / "third_cloud" / "process_cloud.py").read_text().splitlines()
    assert len(lines) < 150


def test_a_job_outlives_what_launched_it_and_is_found_by_the_next(world):
    job = launched(world.cloud, world.request(TOKEN)).job
    successor = ProcessCloud(world.root, "ours", ROOM)
    [found] = successor.find([TOKEN.removesuffix("-1")], [])
    assert (found.job, found.status) == (job, Status.RUNNING)
    world.finish(job, 7)
    [ended] = successor.describe("", [job]).seen
    assert (ended.status, ended.stop.exit_code) == (Status.STOPPED, 7)


def test_what_ignores_the_first_stop_is_killed_by_the_second(world, tmp_path_factory):
    pipe = tmp_path_factory.mktemp("pipes") / "up"
    os.mkfifo(pipe)
    script = 'trap "" TERM; echo up > "$0"; while :; do read -r _ < "$0"; done'
    arguments = world.processes.container(TOKEN) | {"command": ["sh", "-c", script, str(pipe)]}
    job = launched(world.cloud, Request(TOKEN, "", arguments)).job
    assert pipe.read_text() == "up\n"
    assert world.cloud.stop([job], "enough") == [None]
    assert world.cloud.list_running("", [job]) == []
    assert world.cloud.stop([job], "again") == [None]
    world.wait_until_stopped(job)
    [ended] = world.cloud.describe("", [job]).seen
    assert ended.stop == Termination("process", None, started=True, reason="enough", user_initiated=True)


def test_a_job_whose_launcher_died_before_it_had_a_process_never_started(world):
    folder = world.root / "ours" / TOKEN
    folder.mkdir(parents=True)
    (folder / "lock").touch()
    [seen] = world.cloud.submit([world.request(TOKEN)])
    assert (seen.status, seen.started, seen.stop) == (Status.STOPPED, False, Termination("process"))
