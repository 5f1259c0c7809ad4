"""A file of variables is read as a shell reads it, and as Docker does where a shell would refuse."""

import json
import subprocess
import time

import pytest

from aws_exec.settings.rules.airflow_text import read_environment_file

SHELL = [
    "A=b",
    "A=b # a comment",
    "A=b#c",
    "A='b # c' # a comment",
    'A="b \\"c\\" \\$d \\\\ \\e"',
    "A=b'c d'\"e f\"g",
    r"A=b\ c\'d",
    "A=",
    "A=''",
    "export A='b'",
    "  A=b",
    'A=\'{\n  "tags": {"a": "b"}\n}\'\nB=c',
    "A='it'\\''s'",
    "# comment\n\nA=b\n",
]


@pytest.mark.parametrize("text", SHELL)
def test_it_is_read_as_a_shell_reads_it(text, tmp_path):
    path = tmp_path / "x.env"
    path.write_text(text)
    script = 'set -a; . "$1"; exec "$2" -c "import json, os; print(json.dumps(dict(os.environ)))"'
    command = ["/bin/sh", "-c", script, "sh", str(path), "python3"]
    sourced = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    read, complaints = read_environment_file(text, "x.env")

    assert complaints == []
    assert read.values
    assert {name: value.text for (_, name), value in read.values.items()} == {
        name: sourced[name] for _, name in read.values
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('A={"tags": {"team": "data"}}', '{"tags": {"team": "data"}}'),
        ('A={"tags": {"team": "data #1"}} # a comment', '{"tags": {"team": "data #1"}}'),
        ("A=[{'capacityProvider': 'FARGATE'}]", "[{'capacityProvider': 'FARGATE'}]"),
        ("A=two words # a comment", "two words"),
        ("A=it's here", "it's here"),
    ],
)
def test_what_a_shell_would_refuse_is_read_as_docker_reads_it(text, value):
    read, complaints = read_environment_file(text, "x.env")
    assert (read.values["", "A"].text, complaints) == (value, [])


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ("A='b\nB=c", "x.env:1:3", "has a ' that is not closed"),
        ('\n A="b" c', "x.env:2:4", "has text behind its quoted value"),
        ("A b", "x.env:1:1", "is no NAME=value"),
    ],
)
def test_what_cannot_be_meant_is_reported(text, where, message):
    _, (complaint,) = read_environment_file(text, "x.env")
    assert (str(complaint.position), complaint.message) == (where, message)


def test_a_value_is_where_its_text_begins():
    read, _ = read_environment_file("A='{\n}'\n export B=\"c\" # d", "x.env")
    positions = {name: (str(value.key), str(value.position)) for (_, name), value in read.values.items()}
    assert positions == {"A": ("x.env:1:1", "x.env:1:4"), "B": ("x.env:3:9", "x.env:3:12")}


@pytest.mark.parametrize("line", ["A='", 'A="', "A=b\\", 'A={"', "A='b' c"])
def test_a_long_file_takes_little_time_whatever_its_quotes(line):
    before = time.process_time()
    read_environment_file(f"{line}\n" * 20_000, "x.env")
    assert time.process_time() - before < 5
