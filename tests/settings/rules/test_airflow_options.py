"""Airflow's own options that containers depend on: where the API server is, its keys, remote logging."""

import pytest

from aws_exec.settings.rules.airflow_options import url_mistake
from aws_exec.settings.rules.check_sources import check_sources
from aws_exec.settings.rules.sources import by_suffix, read_sources

ECS = "[aws_ecs_executor]\ncluster = c\ncontainer_name = a\ntask_definition = t\nsubnets = subnet-0a1b2c3d\n"
LOCALHOST = {"AIRFLOW__CORE__EXECUTION_API_SERVER_URL": "http://localhost:8080/execution/"}


@pytest.mark.parametrize(
    "url",
    [
        "https://airflow.example.org/execution/",
        "http://10.0.0.5:8080/execution",
        "https://example.org/airflow/execution/",
        "http://[fd00::1]/execution/",
    ],
)
def test_a_url_that_containers_can_use_is_right(url):
    assert url_mistake(url, is_local=False) is None


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://localhost:8080/execution/", "names localhost, which is the container itself"),
        ("http://127.0.0.1/execution/", "names 127.0.0.1, which is the container itself"),
        ("http://0.0.0.0:8080/execution/", "names 0.0.0.0, which is the container itself"),
        ("http://[::1]:8080/execution/", "names ::1, which is the container itself"),
        ("https://airflow.example.org", "has the path /, and the Execution API is at /execution/"),
        ("https://airflow.example.org/api/v2", "has the path /api/v2, and the Execution API is at /execution/"),
        ("airflow.example.org/execution/", "is not a URL"),
        ("ftp://airflow.example.org/execution/", "is not a URL"),
        ("http://[::1/execution/", "is not a URL"),
    ],
)
def test_any_other_is_wrong(url, said):
    mistake = url_mistake(url, is_local=False)

    assert mistake is not None
    assert mistake[0] == said


def test_the_remedy_of_a_wrong_path_has_the_right_one():
    mistake = url_mistake("https://user:hunter2@airflow.example.org:8443/a", is_local=False)

    assert mistake is not None
    assert mistake[1] == "Write https://airflow.example.org:8443/a/execution/"


def test_localhost_is_right_where_aws_is_an_emulator_on_this_machine(tmp_path):
    cfg = tmp_path / "airflow.cfg"
    cfg.write_text(ECS)

    def found(**environment):
        sources = read_sources(by_suffix([cfg]), {**LOCALHOST, **environment}, with_environment=True)
        return [one.rule for one in check_sources(sources)]

    assert found() == ["execution-api-url"]
    assert found(AWS_ENDPOINT_URL="https://vpce-1.ecs.eu-central-1.vpce.amazonaws.com") == ["execution-api-url"]
    assert found(AWS_ENDPOINT_URL="http://127.0.0.1:5566") == []


def test_a_key_that_two_sources_set_differently_is_found_and_not_shown(tmp_path):
    cfg, variables = tmp_path / "airflow.cfg", tmp_path / "prod.env"
    cfg.write_text(f"[api_auth]\njwt_secret = hunter2hunter2\njwt_issuer = airflow\n{ECS}")
    variables.write_text("AIRFLOW__API_AUTH__JWT_SECRET=hunter3hunter3\nAIRFLOW__API_AUTH__JWT_ISSUER=airflow\n")
    (found,) = check_sources(read_sources(by_suffix([cfg, variables]), {}, with_environment=False))

    assert (found.rule, str(found.position)) == ("api-auth-differs", f"{variables}:1:31")
    assert f"[api_auth] jwt_secret differs from the one at {cfg}:2:14" in found.message
    assert "hunter" not in str(found)


def test_an_airflow_that_starts_none_of_our_executors_is_not_judged(tmp_path):
    cfg = tmp_path / "airflow.cfg"
    cfg.write_text("[core]\nexecutor = LocalExecutor\nexecution_api_server_url = http://localhost:8080/execution/\n")

    assert check_sources(read_sources(by_suffix([cfg]), {}, with_environment=False)) == []
