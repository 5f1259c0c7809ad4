"""A connection to Airflow's database that lost its other end: it is given up, and nothing of it is used again."""

from __future__ import annotations

import socket
import threading
from contextlib import closing
from uuid import uuid4

import pytest
from airflow.utils.session import create_session
from sqlalchemy import event

from aws_exec.dispatch.dispatcher import MAX_HUNG_THREADS
from tests.executors.harness import PATIENCE, FastClock, Scheduler, task
from tests.executors.rows import ALIVE, RUN, adopt
from tests.scripted.services import BY_HAND

KEY = task("load", run_id=RUN).key


class Network:
    """TCP connections to a server that answers each question, until it is cut; then those that there are hear nothing.

    Attributes:
        asked: the DBAPI connection of each question, and the thread that asked.
        lost: the DBAPI connections that the pool was told to forget.
    """

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._wires = {}
        self._cut = []
        self.answers = True
        self.asked = []
        self.lost = []

    def wait_for_answer(self, connection, _cursor, _statement, *_):
        """A statement goes over the wire of its connection, and waits there for the answer."""
        if not threading.current_thread().name.startswith("awsexec-database"):
            return
        driver = connection.connection.driver_connection
        if driver not in self._wires:
            near = socket.create_connection(self._listener.getsockname())
            far, _ = self._listener.accept()
            self._wires[driver] = (near, far)
        near, far = self._wires[driver]
        if self.answers:
            far.sendall(b"!")
        else:
            self._cut.append(far)
        self.asked.append((driver, threading.current_thread()))
        assert near.recv(1) == b"!"

    def loses(self, connection, *_):
        """The pool forgets a connection."""
        self.lost.append(connection)

    def reconnects(self):
        """What was cut hears its answers after all."""
        self.answers = True
        for far in self._cut:
            far.sendall(b"!")
        self._cut.clear()

    def close(self):
        """End everything."""
        self.reconnects()
        for thread in {thread for _, thread in self.asked}:
            if getattr(thread, "dismissed", False):
                thread.join(PATIENCE)
                assert not thread.is_alive()
        for wire in self._wires.values():
            for end in wire:
                end.close()
        self._listener.close()


@pytest.fixture
def network(airflow_db):
    """Between the database lane and Airflow's database."""
    with create_session() as session:
        engine = session.get_bind()
    with closing(Network()) as network:
        hooks = [("before_cursor_execute", network.wait_for_answer), ("invalidate", network.loses)]
        for name, hook in hooks:
            event.listen(engine, name, hook)
        yield network
        for name, hook in hooks:
            event.remove(engine, name, hook)


@pytest.fixture
def scheduler(started, network):
    """A minute passes within a second."""
    scheduler = Scheduler(started(clock=FastClock(60)))
    scheduler.executor.job_id = ALIVE
    return scheduler


def test_a_launch_that_a_hung_connection_was_asked_about_goes_out_over_another(scheduler, aws, rows, network):
    rows.add("load", external_id=str(uuid4()))
    network.answers = False
    adopt(scheduler.executor)
    scheduler.until(lambda: network.asked)
    network.answers = True
    scheduler.until_over(KEY)
    assert len(aws.launches()) == 1
    (hung, stuck), *rest = network.asked
    assert stuck.is_alive()
    assert hung not in [connection for connection, _ in rest]


def test_what_it_answers_late_changes_nothing_and_it_is_not_used_again(scheduler, aws, rows, network):
    rows.add("load", external_id=str(uuid4()))
    network.answers = False
    adopt(scheduler.executor)
    scheduler.until(lambda: network.asked)
    network.answers = True
    scheduler.until_over(KEY)
    (hung, stuck), *_ = network.asked
    network.reconnects()
    stuck.join(PATIENCE)
    assert not stuck.is_alive()
    assert hung in network.lost
    scheduler.rest(0.2)
    assert len(aws.launches()) == 1
    assert scheduler.outcomes(KEY) == ["success"]


def test_a_check_of_what_airflow_still_wants_that_hangs_is_given_up_and_its_connection_too(started, aws, rows, network):
    aws.set_plan(BY_HAND)
    scheduler = Scheduler(started(clock=FastClock(20), check_interval=5.0, orphan_interval="0"))
    workload = task("load", run_id=RUN)
    rows.add("load", id=rows._as_id(workload.ti.id))
    scheduler.queue(workload)
    scheduler.until(lambda: scheduler.executor.machine.store.watched)
    network.answers = False
    scheduler.until(lambda: network._cut)
    hung, stuck = network.asked[-1]
    dispatcher = scheduler.executor._heartbeat.dispatcher
    scheduler.until(lambda: (oldest := dispatcher.oldest()) is not None and oldest.kind == "CheckWanted")
    scheduler.until(lambda: stuck.dismissed)
    network.reconnects()
    stuck.join(PATIENCE)
    assert not stuck.is_alive()
    assert hung in network.lost
    check = scheduler.executor.machine.store.state.check
    scheduler.until(lambda: scheduler.executor.machine.store.state.check.due > check.due)
    assert scheduler.executor.machine.owns(workload.key)


def test_a_database_that_is_cut_off_costs_the_pool_no_more_than_a_few_connections(scheduler, aws, rows, network):
    names = [f"task-{number}" for number in range(20)]
    keys = [task(name, run_id=RUN).key for name in names]
    rows.add(*names, external_id=lambda _: str(uuid4()))
    network.answers = False
    adopt(scheduler.executor)
    scheduler.until(lambda: len(network.asked) == MAX_HUNG_THREADS + 1)
    scheduler.rest(3.0)  # minutes
    assert len(network.asked) == MAX_HUNG_THREADS + 1
    network.reconnects()
    scheduler.until_over(*keys)
    assert len(aws.launches()) == 20
