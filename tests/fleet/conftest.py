"""One local AWS emulator for each module, and a shell."""

import pytest

from aws_exec.local import EmbeddedAws
from tests.fleet.scripts import Gate
from tests.fleet.shell import Shell
from tests.scripted.services import ScriptedEcs


@pytest.fixture(scope="module")
def aws():
    with EmbeddedAws(max_containers=12, start_delay=0, stop_delay=0, stop_timeout=1) as aws:
        yield aws


@pytest.fixture
def gate():
    return Gate()


@pytest.fixture
def service(gate):
    """An ECS whose late answers (`held`) wait for the gate."""
    with ScriptedEcs(later=gate) as service:
        yield service


@pytest.fixture
def shell(monkeypatch, capsys):
    return Shell(monkeypatch, capsys)
