"""Clients are built as the Amazon provider builds them: connection, Region, credentials, settings."""

import sys
import threading
from functools import partial

import pytest

from aws_exec.clouds import session
from aws_exec.clouds.errors import CloudError
from aws_exec.clouds.session import ClientSource, client_config
from aws_exec.executors import compat
from aws_exec.lifecycle.values import FailureKind
from tests.dispatch.harness import PATIENCE
from tests.executors.versions import is_3_1

build_client = partial(session.build_client, find_connection=compat.connection)


@pytest.fixture(autouse=True)
def _bare(monkeypatch, tmp_path):
    """No credentials, regions or files but what the test gives."""
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AIRFLOW_CONN_AWS_DEFAULT"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "from-the-chain")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


def key_of(client) -> str:
    return client._request_signer._credentials.access_key


def test_calls_are_bounded_and_never_retried_below_us():
    config = client_config(7)
    assert (config.connect_timeout, config.read_timeout, config.max_pool_connections) == (5, 20, 7)
    assert config.retries == {"total_max_attempts": 1, "mode": "standard"}
    assert config.tcp_keepalive
    assert config.user_agent.startswith("awsexec Botocore/")  # what CloudTrail shows


@pytest.mark.parametrize("conn_id", [None, "", "aws_default"])
def test_without_a_connection_boto3_decides(conn_id, monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    client = build_client("ecs", conn_id=conn_id)
    assert (key_of(client), client.meta.region_name) == ("from-the-chain", "eu-north-1")
    assert client.meta.endpoint_url == "http://127.0.0.1:9"
    assert client.meta.config.retries == {"total_max_attempts": 1, "mode": "standard"}
    assert build_client("ecs", conn_id=conn_id, region_name="us-west-2").meta.region_name == "us-west-2"


@pytest.mark.skipif(is_3_1, reason="the hook cannot look a connection up outside of a task, and logs that")
def test_what_the_hook_logs_is_logged_as_the_providers(monkeypatch, capsys):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")
    build_client("ecs", conn_id="aws_default")
    logged = "".join(capsys.readouterr())
    assert "Unable to find AWS Connection ID 'aws_default'" in logged
    assert "aws_exec" not in logged


CONNECTION = '{"conn_type": "aws", "login": "from-airflow", "password": "p", "extra": {"region_name": "eu-west-3"%s}}'


def test_a_connection_gives_keys_region_and_its_own_client_settings(monkeypatch):
    extra = ', "config_kwargs": {"read_timeout": 900, "proxies": {"http": "http://proxy:1"}}'
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", CONNECTION % extra)
    client = build_client("ecs")
    assert (key_of(client), client.meta.region_name) == ("from-airflow", "eu-west-3")
    assert client.meta.config.proxies == {"http": "http://proxy:1"}
    assert client.meta.config.read_timeout == session.READ_TIMEOUT_SECONDS
    assert build_client("ecs", region_name="us-west-2").meta.region_name == "us-west-2"


def test_another_connection_id_is_resolved_by_the_provider(monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_TEAM_AWS", CONNECTION % "")
    assert key_of(build_client("ecs", conn_id="team_aws")) == "from-airflow"


@pytest.mark.parametrize("conn_id", [None, "aws_default"])
@pytest.mark.parametrize("region", [None, ""])
def test_a_missing_region_names_the_option_and_its_variable(conn_id, region, monkeypatch):
    if region is not None:
        monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    with pytest.raises(CloudError) as raised:
        build_client("ecs", conn_id=conn_id)
    fault = raised.value.failure
    assert (fault.kind, fault.code) == (FailureKind.REFUSED, "NoRegionError")
    for word in ("[aws_ecs_executor] region_name", "AIRFLOW__AWS_ECS_EXECUTOR__REGION_NAME", "AWS_DEFAULT_REGION"):
        assert word in fault.message


def test_a_profile_that_does_not_exist_is_a_matter_of_credentials(monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(CloudError) as raised:
        build_client("ecs", conn_id=None, region_name="us-east-1")
    assert raised.value.failure.kind is FailureKind.CREDENTIALS


class TestWithoutTheAmazonProvider:
    @pytest.fixture(autouse=True)
    def _not_installed(self, monkeypatch):
        package = "airflow.providers.amazon"
        for name in (package, *(each for each in sys.modules if each.startswith(f"{package}."))):
            monkeypatch.setitem(sys.modules, name, None)

    def test_aws_default_is_boto3s_own_chain_if_nobody_defined_it(self):
        client = build_client("ecs", region_name="us-east-1")
        assert (key_of(client), client.meta.region_name) == ("from-the-chain", "us-east-1")

    def test_a_plain_aws_default_is_understood(self, monkeypatch):
        monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", CONNECTION % ', "endpoint_url": "http://127.0.0.1:9"')
        client = build_client("ecs")
        assert (key_of(client), client.meta.region_name) == ("from-airflow", "eu-west-3")
        assert client.meta.endpoint_url == "http://127.0.0.1:9"

    def test_an_aws_default_that_assumes_a_role_is_refused(self, monkeypatch):
        monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", CONNECTION % ', "role_arn": "arn:aws:iam::1:role/x"')
        with pytest.raises(CloudError, match="has role_arn, which only apache-airflow-providers-amazon understands"):
            build_client("ecs")

    def test_any_other_connection_is_refused_even_if_it_exists(self, monkeypatch):
        monkeypatch.setenv("AIRFLOW_CONN_TEAM_AWS", CONNECTION % "")
        with pytest.raises(CloudError, match="'team_aws', which only apache-airflow-providers-amazon can resolve"):
            build_client("ecs", conn_id="team_aws", region_name="us-east-1")


def one_after_the_other(*clients):
    """Builds these; None is a failure."""
    rest = list(clients)

    def build():
        client = rest.pop(0)
        if client is None:
            raise LookupError
        return client

    return build


class TestTheClientSource:
    def test_a_client_is_built_once_for_all_threads(self):
        built = []
        begun, go_on = threading.Event(), threading.Event()

        def build() -> object:
            begun.set()
            assert go_on.wait(PATIENCE)
            built.append(object())
            return built[-1]

        source, got = ClientSource(build), []
        threads = [threading.Thread(target=lambda: got.append(source.get())) for _ in range(5)]
        for thread in threads:
            thread.start()
        assert begun.wait(PATIENCE)
        go_on.set()
        for thread in threads:
            thread.join(PATIENCE)
        assert got == built * 5
        assert len(built) == 1

    def test_a_renewal_swaps_only_what_could_be_built(self):
        source = ClientSource(one_after_the_other("first", None, "second"))
        assert source.get() == "first"
        with pytest.raises(LookupError):
            source.renew()
        assert source.get() == "first"
        source.renew()
        assert source.get() == "second"

    def test_a_build_that_failed_is_tried_again(self):
        source = ClientSource(one_after_the_other(None, "client"))
        with pytest.raises(LookupError):
            source.get()
        assert source.get() == "client"
