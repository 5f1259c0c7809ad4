"""Every adapter passes the conformance suite."""

import pytest

from aws_exec.testing.conformance import CloudConformance
from tests.clouds.worlds import FakeWorld


class TestFakeEcs(CloudConformance):
    @pytest.fixture(autouse=True)
    def _world(self):
        self.world = FakeWorld()


class TestFakeBatch(CloudConformance):
    @pytest.fixture(autouse=True)
    def _world(self):
        self.world = FakeWorld(service="batch", idempotent_submit=False)


class TestEcsOnTheEmbeddedAws(CloudConformance):
    @pytest.fixture(autouse=True)
    def _world(self, ecs_world):
        self.world = ecs_world


class TestBatchOnTheEmbeddedAws(CloudConformance):
    @pytest.fixture(autouse=True)
    def _world(self, batch_world):
        self.world = batch_world


class TestBatchJobsOfSeveralContainersOnTheEmbeddedAws(CloudConformance):
    @pytest.fixture(autouse=True)
    def _world(self, several_world):
        self.world = several_world
