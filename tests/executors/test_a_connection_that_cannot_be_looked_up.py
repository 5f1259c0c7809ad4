"""That a connection cannot be looked up is no sign that there is none: without it, it would be another account."""

import sys

import pytest
from airflow.sdk import BaseHook

from aws_exec.clouds.errors import CloudError
from aws_exec.clouds.session import build_client
from aws_exec.executors import compat
from aws_exec.lifecycle.values import Trouble

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


def test_no_client_of_another_account_is_built_then(airflow_raises, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "from-the-chain")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")
    # As a Python has it that is without the amazon provider, whatever has imported it before.
    monkeypatch.setitem(sys.modules, "airflow.providers.amazon.aws.hooks.base_aws", None)
    airflow_raises(NOT_INSTALLED)
    with pytest.raises(CloudError) as raised:
        build_client("ecs", find_connection=compat.connection)
    fault = raised.value.fault
    assert (fault.trouble, fault.code) == (Trouble.UNREACHED, "ModuleNotFoundError")
    assert "vault" in fault.message
