"""Text that looks like a secret is masked, as AWS, Java, Python, JSON and shells write it; other text is not."""

from __future__ import annotations

import json
import time

import pytest

from aws_exec.redaction import MASK, holds_secret, is_secret_name, may_hold_secret, redact, redact_line

PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEhunter2\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Authorization: Bearer hunter2", "Authorization: ***"),
        ("Authorization: Basic hunter2, Host: x", "Authorization: ***, Host: x"),
        ("?X-Amz-Date=1&X-Amz-Signature=hunter2", "?X-Amz-Date=1&X-Amz-Signature=***"),
        ('{"password": "two words hunter2", "a": 1}', '{"password": "***", "a": 1}'),
        ("{'password': 'with, comma hunter2'}", "{'password': '***'}"),
        (r'{"x": "{\"password\": \"hunter2\"}"}', r'{"x": "{\"password\": \"***\"}"}'),
        (r'{"password": "a\"hunter2"}', '{"password": "***"}'),
        ('"password": "cut off hunter2', '"password": "***'),
        ('{"password": ["a", "hunter2"], "b": 1}', '{"password": ***, "b": 1}'),
        ('{"secret": {"value": "hunter2"}}', '{"secret": ***}'),
        ("DB_PASS=hunter2 B=1", "DB_PASS=*** B=1"),
        ("api_key: hunter2", "api_key: ***"),
        ("AIRFLOW_CONN_DB=mysql://root:hunter2/x@h/d", "AIRFLOW_CONN_DB=***"),
        ("postgres://u:p@hunter2@db/airflow", "postgres://***@db/airflow"),
        ("postgres://u:p/hunter2@db/airflow", "postgres://***@db/airflow"),
        ('[{"name": "DB_PASSWORD", "value": "hunter2 x"}]', '[{"name": "DB_PASSWORD", "value": "***"}]'),
        ("KeyValuePair(name=DB_PASSWORD, value=hunter2)", "KeyValuePair(name=DB_PASSWORD, value=***)"),
        ("psql --password hunter2 db", "psql --password *** db"),
        ("['mysql', '--password', 'hunter2', 'db'] failed", "['mysql', '--password', '***', 'db'] failed"),
        ("\x1b[36mpassword\x1b[0m=\x1b[35mhunter2\x1b[0m", "\x1b[36mpassword\x1b[0m=***"),
        (f"got {PEM} here", "got *** here"),
    ],
)
def test_a_secret_is_masked_and_what_is_around_it_is_not(said, shown):
    assert redact(said) == shown
    assert holds_secret(said)


@pytest.mark.parametrize(
    "said",
    [
        'KeyValuePair(name=STAGE, value=prod) {"name": "STAGE", "value": "prod"}',
        "https://registry:5000/team/image@sha256:0123abcd",
        "https://host/path?mail=a@b",
        "psql --host db --port 5432 --no-password --quiet",
        "token expired, password rejected, signature expired",
        'name: "AWSEXEC_TOKEN", value: "0d6a-1"',
    ],
)
def test_what_is_no_secret_stays(said):
    assert redact(said) == said


@pytest.mark.parametrize("name", ["AIRFLOW_CONN_DB", "DB_PASS", "PGPASSFILE_PASSWORD", "SENTRY_DSN", "DB_PWD"])
def test_a_name_tells_that_its_value_is_secret(name):
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["PWD", "BYPASS", "AIRFLOW__CORE__PARALLELISM", "STAGE", "COMPASS_URL"])
def test_a_plain_name_does_not(name):
    assert not is_secret_name(name)


def test_each_option_that_airflow_calls_sensitive_is_secret_as_an_environment_variable():
    from airflow.configuration import conf  # noqa: PLC0415 - slow

    variables = [f"AIRFLOW__{section}__{option}".upper() for section, option in conf.sensitive_config_values]
    assert "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN" in variables
    assert [name for name in variables if not is_secret_name(name)] == []


@pytest.mark.parametrize("text", ['{"A": {"name": "B", "Value": "c"}}', "{'Environment': 1}", "password=hunter2"])
def test_what_may_set_variables_may_hold_a_secret(text):
    assert may_hold_secret(text)


@pytest.mark.parametrize("text", ["value", "env {}", '{"cpu": 1}', ""])
def test_what_sets_none_holds_none(text):
    assert not may_hold_secret(text)


#: Texts that nearly match one expression after the other, again and again.
NEARLY = ("://a", "name=a,", "--a ", "token ", "a-", "-----BEGIN PRIVATE KEY----- ", "password='\\", "/a", "{", "eyJ")
#: What is faster is taken to be this fast, in seconds: below it the clock tells little.
SHORTEST = 0.001


def seconds(function, text):
    """Of this thread, for as long as it takes at least: other processes do not count."""
    taken = []
    for _ in range(3):
        began = time.thread_time()
        function(text)
        taken.append(time.thread_time() - began)
    return min(taken)


@pytest.mark.parametrize("part", NEARLY)
@pytest.mark.parametrize("function", [redact, may_hold_secret])
def test_a_text_made_to_be_slow_takes_as_long_as_it_is(function, part):
    """Every expression is bounded: eight times the text takes about eight times as long; quadratic is 64 times."""
    short, long = (seconds(function, part * count) for count in (2000, 16000))

    assert long < 24 * max(short, SHORTEST)


def test_a_long_path_of_a_file_is_no_secret_and_a_long_word_with_slashes_is():
    path = "/var/lib/airflow/" + "a_folder_with_a_name-of_some_length/" * 4 + "logs/db-migrate.log"
    assert redact(f"its log is {path}") == f"its log is {path}"
    assert redact(f"'{path}'") == f"'{path}'"
    word = "/" + "Zm9vYmFy" * 12 + "/b+c/" + "cXV4" * 10
    assert redact(f"said {word}") == f"said {MASK}"
    assert redact(path.replace("_", "+")) != path.replace("_", "+")


def test_an_odd_character_is_written_out_and_is_no_secret():
    odd = "half \ud83d, whole \N{PILE OF POO}, nothing \x00"
    assert redact(odd) == "half \\ud83d, whole \N{PILE OF POO}, nothing \\x00"
    assert redact(odd, longest=len(odd)) == redact(odd)
    assert not holds_secret(odd)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ({"event": 'with "password=hunter2" in it'}, {"event": 'with "password=***" in it'}),
        ({"event": "password=hunter2\nof db"}, {"event": "password=***\nof db"}),
        ({"event": "read\n" + "Zm9v" * 40}, {"event": f"read\n{MASK}"}),
        ({"event": "x", "password": 8123456, "port": 1}, {"event": "x", "password": MASK, "port": 1}),
        ({"event": "x", "token": None, "secret": True}, {"event": "x", "token": None, "secret": True}),
        ({"event": "x", "sentry_dsn": "hunter2"}, {"event": "x", "sentry_dsn": MASK}),
        ({"event": "x", "login": {"user": 1, "api_key": "hunter2"}}, {"login": {"user": 1, "api_key": MASK}}),
        ({"event": "x", "command": ["psql", "--password", "hunter2"]}, {"command": ["psql", "--password", MASK]}),
        ({"event": "x", "value": "hunter2", "name": "DB_PASSWORD"}, {"value": MASK, "name": "DB_PASSWORD"}),
        ({"event": "x", "mysql://u:hunter2@db": 2}, {"mysql://***@db": MASK}),
    ],
)
def test_a_record_is_masked_by_its_members_and_stays_a_record(said, shown):
    for line in (json.dumps(said), json.dumps(said, ensure_ascii=False, separators=(",", ":"))):
        found = json.loads(redact_line(line))
        assert found.items() >= shown.items()


def test_escapes_of_json_hide_no_secret():
    line = r'{"event":"p\u0061ssword=hunter2 mysql:\/\/u:hunter2@db"}'
    assert redact_line(line) == '{"event":"password=*** mysql://***@db"}'


@pytest.mark.parametrize("line", ['{"event": "a\\nb", "n": [1.50, NaN]}', "{'no': 'json'}", "{" * 2000, "[1]", ""])
def test_a_line_without_a_secret_stays_as_it_is(line):
    assert redact_line(line) == line


def test_of_a_member_that_is_there_twice_no_secret_is_shown():
    assert "hunter2" not in redact_line('{"event": "password=hunter2", "event": "x"}')
