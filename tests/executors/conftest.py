"""An executor on a scripted service, configured as a user would: through Airflow's configuration and the environment.

ECS, unless a test is parametrised with another (`services.over_both`).
"""

from __future__ import annotations

import gc
import logging

import pytest

from tests.executors.cheap_clients import cheap_clients  # noqa: F401 - a fixture
from tests.executors.harness import Scheduler
from tests.executors.rows import Rows
from tests.executors.services import ECS


def configure(monkeypatch, service, url, **options):
    """Say so in the environment; an option of None is not set."""
    monkeypatch.setenv(service.scripted.VARIABLE, url)
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", "aws://")
    # A busy machine may stop a test for seconds; tests of what a stalled scheduler does set it themselves.
    monkeypatch.setenv("AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD", "900")
    for name, value in {**service.options, **options}.items():
        variable = service.variable(name)
        if value is None:
            monkeypatch.delenv(variable, raising=False)
        else:
            monkeypatch.setenv(variable, str(value))


@pytest.fixture
def service(request):
    """The service that this test is about."""
    return getattr(request, "param", ECS)


@pytest.fixture
def aws(service):
    """The service, scripted."""
    with service.scripted() as aws:
        yield aws


@pytest.fixture
def url(aws):
    """Of what executors talk to."""
    return aws.url


@pytest.fixture
def configured(monkeypatch, service, url):
    """Set options; what is not named is as in the service's `options`."""

    def configured(**options):
        configure(monkeypatch, service, url, **options)

    configured()
    return configured


@pytest.fixture
def started(configured, service, airflow_db):
    """Start an executor with these options; it is closed when the test ends. It asks the rows what an end means.

    It checks what has not started only if that is said: most of these tests have no rows.
    """
    executors = []

    def started(cls=None, *, clock=None, renewal=(0.05, 0.2), read_timeout=20, check_interval=None, **options):
        configured(**options)
        kind = cls or service.executor
        own = {"CREDENTIALS_RENEWAL": renewal, "READ_TIMEOUT": read_timeout, "CHECK_INTERVAL": check_interval}
        kind = type(kind.__name__, (kind,), own)
        executor = kind(parallelism=10_000, **({"clock": clock} if clock else {}))
        executor.job_id = 1
        executor._log = logging.getLogger("aws_exec.executor")  # Airflow's own goes past caplog
        executors.append(executor)
        executor.start()
        return executor

    yield started
    for executor in executors:
        if executor._heartbeat.dispatcher is not None:
            executor._heartbeat.dispatcher.close(0)


@pytest.fixture
def scheduler(started):
    """A scheduler with a plain executor."""
    return Scheduler(started())


@pytest.fixture
def rows(airflow_db):
    """Rows of a dag run in Airflow's database; none when the test ends."""
    with Rows() as rows:
        yield rows


@pytest.fixture
def no_old_garbage():
    """What the other tests have left is not collected in a time that is measured."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
