"""That a connection cannot be looked up is no sign that there is none: without it, it would be another account."""

import sys
from contextlib import contextmanager

import pytest
from airflow.models.connection import Connection
from airflow.sdk import BaseHook
from airflow.secrets import BaseSecretsBackend
from airflow.utils.session import create_session
from sqlalchemy import delete, event
from sqlalchemy.exc import OperationalError

from aws_exec.clouds.errors import CloudError
from aws_exec.clouds.session import build_client
from aws_exec.executors import compat
from aws_exec.lifecycle.values import FailureKind
from tests.executors.versions import is_3_1

#: As Airflow 3.1 says it outside a task.
OF_31 = ImportError("cannot import name 'SUPERVISOR_COMMS'", name="airflow.sdk.execution_time.task_runner")
NOT_INSTALLED = ModuleNotFoundError("No module named 'vault'", name="vault")


@pytest.fixture
def airflow_raises(monkeypatch):
    """Airflow's look-up ends so."""

    def raises(error):
        def get_connection(_conn_id):
            raise error

        monkeypatch.setattr(BaseHook, "get_connection", get_connection)

    return raises


def test_outside_a_task_airflow_31_has_none(airflow_raises):
    airflow_raises(OF_31)
    assert compat.connection("aws_default") is None


@pytest.mark.parametrize("error", [NOT_INSTALLED, ImportError("cannot import name 'Backend'", name="vault.airflow")])
def test_a_secrets_backend_that_is_not_installed_is_told(airflow_raises, error):
    airflow_raises(error)
    with pytest.raises(type(error)) as raised:
        compat.connection("aws_default")
    assert raised.value is error


@pytest.fixture
def other_account(monkeypatch):
    """What boto3 would find."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "from-the-chain")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")


@pytest.fixture(params=[True, False], ids=["with the provider", "without the provider"])
def with_or_without_the_provider(request, monkeypatch):
    """As a Python has it that is without the Amazon provider, whatever has imported it before."""
    if not request.param:
        monkeypatch.setitem(sys.modules, "airflow.providers.amazon.aws.hooks.base_aws", None)


@pytest.mark.usefixtures("other_account", "with_or_without_the_provider")
def test_no_client_of_another_account_is_built_then(airflow_raises):
    airflow_raises(NOT_INSTALLED)
    with pytest.raises(CloudError) as raised:
        build_client("ecs", find_connection=compat.connection)
    fault = raised.value.failure
    assert (fault.kind, fault.code) == (FailureKind.UNREACHED, "ModuleNotFoundError")
    assert "vault" in fault.message


class FailingBackend(BaseSecretsBackend):
    """A secrets backend whose server is away."""

    def get_connection(self, conn_id):
        raise ConnectionRefusedError(conn_id)


@pytest.mark.usefixtures("other_account", "with_or_without_the_provider")
def test_nor_while_a_secrets_backend_cannot_be_asked(monkeypatch):
    monkeypatch.setenv("AIRFLOW__SECRETS__BACKEND", f"{__name__}.FailingBackend")
    with pytest.raises(CloudError) as raised:
        build_client("ecs", find_connection=compat.connection)
    assert (raised.value.failure.kind, raised.value.failure.code) == (FailureKind.UNREACHED, "ConnectionRefusedError")


@contextmanager
def silent_database():
    """Airflow's database answers no statement."""

    def fail(_connection, _cursor, statement, parameters, *_):
        raise OperationalError(statement, parameters, ConnectionResetError())

    with create_session() as session:
        engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", fail)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", fail)


@pytest.fixture
def aws_default(airflow_db, monkeypatch):
    """`aws_default` in Airflow's database, as a scheduler finds it there."""
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
    with create_session() as session:
        session.add(Connection(conn_id="aws_default", conn_type="aws", login="from-airflow", password="p"))
    yield
    with create_session() as session:
        session.execute(delete(Connection).where(Connection.conn_id == "aws_default"))


@pytest.mark.skipif(is_3_1, reason="the scheduler of this Airflow looks no connection up in the database")
@pytest.mark.usefixtures("other_account", "aws_default", "with_or_without_the_provider")
def test_nor_while_the_database_does_not_answer_and_the_right_one_is_when_it_does():
    with silent_database(), pytest.raises(CloudError) as raised:
        build_client("ecs", find_connection=compat.connection)
    assert (raised.value.failure.kind, raised.value.failure.code) == (FailureKind.UNREACHED, "OperationalError")
    client = build_client("ecs", find_connection=compat.connection)
    assert client._request_signer._credentials.access_key == "from-airflow"
