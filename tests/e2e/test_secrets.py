"""Secrets are written for the components only: readable by no other user, and in no log."""

import configparser

from aws_exec.local.airflow.home import make_home


def read(path):
    parser = configparser.ConfigParser()
    parser.read(path)
    return parser


def test_files_with_secrets_are_their_owners_only(tmp_path):
    home = make_home(tmp_path / "home", 8080, "LocalExecutor", [], {})

    secret = [home.directory / "airflow.cfg", home.directory / "passwords.json"]
    assert [oct(path.stat().st_mode & 0o777) for path in secret] == ["0o600"] * 2
    assert home.directory.stat().st_mode & 0o077 == 0


def test_the_home_of_the_containers_has_no_secret(tmp_path):
    home = make_home(tmp_path / "home", 8080, "LocalExecutor", [], {})

    components, containers = read(home.directory / "airflow.cfg"), read(home.for_containers / "airflow.cfg")
    text = (home.for_containers / "airflow.cfg").read_text()
    secrets = [("core", "fernet_key"), ("api", "secret_key"), ("api_auth", "jwt_secret")]
    assert [components[section][option] in text for section, option in secrets] == [False] * 3
    assert home.password not in text
    assert "sql_alchemy_conn" not in text
    assert containers["core"]["execution_api_server_url"] == "http://127.0.0.1:8080/execution/"


def test_no_two_airflows_share_a_secret(tmp_path):
    homes = [make_home(tmp_path / name, 8080, "LocalExecutor", [], {}) for name in ("one", "two")]

    first, second = (read(home.directory / "airflow.cfg") for home in homes)
    assert first["api_auth"]["jwt_secret"] != second["api_auth"]["jwt_secret"]
    assert homes[0].password != homes[1].password


def test_what_a_user_sets_wins(tmp_path):
    home = make_home(tmp_path, 8080, "X", [], {"core": {"parallelism": "2"}, "mine": {"rate": "5%"}})

    written = read(home.directory / "airflow.cfg")
    assert (written["core"]["parallelism"], written["mine"]["rate"]) == ("2", "5%")


def test_no_token_is_in_any_log_of_components_or_executor(airflow, trigger):
    run = trigger("killed")
    run.over()

    logs = (airflow.home.logs / "components").glob("*.log")
    assert [path.name for path in logs if "eyJ" in path.read_text()] == []
