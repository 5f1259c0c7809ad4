"""One embedded AWS a module, for all of its tests, and a shell."""

import pytest

from aws_exec.local import EmbeddedAws
from tests.fleet.shell import Shell


@pytest.fixture(scope="module")
def aws():
    with EmbeddedAws(max_containers=12, start_delay=0, stop_delay=0, stop_timeout=1) as aws:
        yield aws


@pytest.fixture
def shell(monkeypatch, capsys):
    return Shell(monkeypatch, capsys)
