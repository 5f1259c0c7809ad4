"""One embedded AWS for all of these tests: its start costs more than what it is asked."""

import pytest

from aws_exec.local import EmbeddedAws
from tests.fleet.shell import Shell


@pytest.fixture(scope="session")
def aws():
    with EmbeddedAws(max_containers=12, start_delay=0, stop_delay=0, stop_timeout=1) as aws:
        yield aws


@pytest.fixture
def shell(monkeypatch, capsys):
    return Shell(monkeypatch, capsys)
