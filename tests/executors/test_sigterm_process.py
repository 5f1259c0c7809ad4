"""A real process whose AWS hangs ends when it is told to: within its time, or at once when it is told again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from threading import Timer

import pytest

from tests.executors.conftest import configure
from tests.executors.harness import PATIENCE
from tests.executors.services import BATCH, ECS

#: Seconds that an interpreter with Airflow in it takes to come up, on a machine that is busy with other things. With
#: what follows it is less than pytest allows a test, so that it is this that says what happened.
STARTING = 200.0
#: And to go away. Less than a call's `READ_TIMEOUT_SECONDS`: to wait for one to give up is too long.
LEAVING = 15.0


class Deaf:
    """A server that takes connections and never answers; or one whose connections hang, since its queue is full."""

    def __init__(self, server, connections):
        self._server = server
        self._connections = connections
        self.url = f"http://127.0.0.1:{server.getsockname()[1]}"

    def wait_for(self, operation):
        """Wait until it has a request for this operation of ECS."""
        self._server.settimeout(PATIENCE)
        while True:
            connection, _ = self._server.accept()
            self._connections.append(connection)
            connection.settimeout(PATIENCE)
            if f".{operation}".encode() in connection.recv(65536):
                return


@contextmanager
def deaf(*, connects):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(100 if connects else 0)
        connections = [] if connects else [socket.socket() for _ in range(2)]
        try:
            for each in connections:
                each.settimeout(0)
                each.connect_ex(server.getsockname())
            yield Deaf(server, connections)
        finally:
            for each in connections:
                each.close()


@pytest.fixture
def process(monkeypatch):
    """Start the process with an AWS at this URL; whatever comes of it, it is gone in the end."""
    started = []

    def process(service, url, timeout):
        configure(monkeypatch, service, url, shutdown_timeout=timeout, check_health_on_startup="False")
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.executors.ending_process", service.name],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(child)
        until_said(child, "sending heartbeats", STARTING)
        return child

    yield process
    for child in started:
        child.kill()
        child.wait()
        child.stdout.close()


def until_said(child, word, deadline=PATIENCE):
    """Read what it says up to this word; in vain once the time is up, since it is killed then."""
    late = Timer(deadline, child.kill)
    late.start()
    said = []
    try:
        for line in child.stdout:
            said.append(line)
            if line.strip() == word:
                return
    finally:
        late.cancel()
    raise AssertionError(f"it ended with {child.wait()} and never said {word!r}: {''.join(said)}")


def end(child):
    """What it said from now on; fails if it does not go away."""
    said, _ = child.communicate(timeout=PATIENCE)
    assert child.returncode == os.EX_OK, said
    # Airflow's own exit handler complains where a thread of ours has a session open when there is no time to wait.
    assert "aws_exec/" not in said
    return said.split()


def test_one_sigterm_ends_it_within_the_shutdown_timeout(process):
    with deaf(connects=True) as aws:
        child = process(ECS, aws.url, 1)
        aws.wait_for("RunTask")  # it waits for an answer only once AWS has a request
        begin = time.monotonic()
        child.send_signal(signal.SIGTERM)
        assert end(child)[-1] == "ended"
        assert 0.8 < time.monotonic() - begin < 1 + LEAVING


def test_a_second_sigterm_ends_it_at_once(process):
    with deaf(connects=False) as aws:
        child = process(BATCH, aws.url, 600)
        child.send_signal(signal.SIGTERM)
        until_said(child, "ending")
        begin = time.monotonic()
        child.send_signal(signal.SIGTERM)
        assert "ended" not in end(child)
        assert time.monotonic() - begin < LEAVING
