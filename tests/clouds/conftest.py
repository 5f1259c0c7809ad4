"""One local AWS emulator for all tests of this folder: starting it takes longest."""

import pytest

from aws_exec.local import EmbeddedAws
from tests.clouds import http_adapters
from tests.clouds.batch_answers import ScriptedBatch
from tests.clouds.worlds import BatchWorld, EcsWorld, client_of


@pytest.fixture(scope="session")
def aws():
    with EmbeddedAws(max_containers=4, start_delay=0, stop_delay=0, stop_timeout=5) as aws:
        yield aws


@pytest.fixture(scope="session")
def client(aws):
    return client_of(aws)


@pytest.fixture
def ecs_world(aws, client):
    world = EcsWorld(aws, client)
    yield world
    world.close()


@pytest.fixture(scope="session")
def batch_client(aws):
    return client_of(aws, "batch")


@pytest.fixture
def batch_world(aws, batch_client):
    world = BatchWorld(aws, batch_client)
    yield world
    world.close()


@pytest.fixture
def several_world(aws, batch_client):
    world = BatchWorld(aws, batch_client, several=True)
    yield world
    world.close()


@pytest.fixture(scope="module")
def stubbed_batch_client():
    return http_adapters.client("batch", region_name="us-east-1")


@pytest.fixture
def batch(stubbed_batch_client):
    batch = ScriptedBatch(stubbed_batch_client)
    with batch.stub:
        yield batch
