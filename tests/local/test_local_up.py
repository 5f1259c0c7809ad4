"""`awsexec local up`: the local AWS emulator in the foreground of a terminal."""

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from typer.testing import CliRunner

from awsexec_cli.commands.local import app
from tests.local.helpers import is_gone
from tests.tree import ROOT

COMMAND = [sys.executable, "-c", "from awsexec_cli.commands.local import app; app(prog_name='awsexec local')", "up"]


def _up(*options: str, **more) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, **more
    )


def _exports(up: subprocess.Popen[str]) -> dict[str, str]:
    """What it printed to export; it is up once the last line is there."""
    exports = {}
    while "AIRFLOW__AWS_ECS_EXECUTOR__SUBNETS" not in exports:
        line = up.stdout.readline()
        assert line.startswith("export "), line + up.stderr.read()
        name, _, value = line.removeprefix("export ").strip().partition("=")
        exports[name] = value
    return exports


def _run_task(environment: dict[str, str], code: str) -> None:
    """RunTask without an SDK, which takes longer to import than all the rest of the test."""
    options = {k.removeprefix("AIRFLOW__AWS_ECS_EXECUTOR__"): v for k, v in environment.items()}
    request = {
        "cluster": options["CLUSTER"],
        "taskDefinition": options["TASK_DEFINITION"],
        "launchType": options["LAUNCH_TYPE"],
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": [options["SUBNETS"]]}},
        "overrides": {
            "containerOverrides": [{"name": options["CONTAINER_NAME"], "command": ["python", "-uc", code]}],
        },
    }
    scope = f"Credential=testing/20260101/{options['REGION_NAME']}/ecs/aws4_request"
    headers = {
        "X-Amz-Target": "AmazonEC2ContainerServiceV20141113.RunTask",
        "Content-Type": "application/x-amz-json-1.1",
        "Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=none",
    }
    connection = HTTPConnection(urlsplit(environment["AWS_ENDPOINT_URL"]).netloc, timeout=30)
    connection.request("POST", "/", json.dumps(request), headers)
    assert connection.getresponse().status == 200
    connection.close()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0), (signal.SIGHUP, 0)])
def test_it_prints_what_to_export_runs_containers_and_ends_cleanly(number, code, tmp_path):
    told = tmp_path / "told"
    os.mkfifo(told)
    program = """
        import os, signal
        with open(os.environ["TOLD"], "w") as told:
            print(os.getpid(), os.environ["A"], os.environ["C"], file=told)
        signal.pause()
    """
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    options = ("--start-delay", "0", "--env", f"TOLD={told}", "-e", "A=b", "-e", "C")
    with _up(*options, env={**os.environ, "C": "d", "TMPDIR": str(scratch)}) as up:
        _run_task(_exports(up), textwrap.dedent(program))
        with told.open() as reader:
            pid, *given = reader.readline().split()

        up.send_signal(number)

        assert up.wait(20) == code
        assert "Traceback" not in up.stderr.read()
    assert given == ["b", "d"]
    assert is_gone(int(pid))
    assert list(scratch.iterdir()) == []


def test_another_shell_gets_the_variables_of_the_newest_emulator_that_runs(tmp_path):
    scratch = {**os.environ, "TMPDIR": str(tmp_path)}
    ask = [*COMMAND[:-1], "env"]

    def asked():
        return subprocess.run(ask, check=False, capture_output=True, text=True, cwd=ROOT, timeout=60, env=scratch)

    none = asked()
    with _up("--limits", "none", env=scratch) as first:
        _exports(first)
        with _up("--limits", "none", env=scratch) as second:
            newest = _exports(second)
            told = asked()
            second.kill()
        left = asked()
        first.terminate()
        first.wait(20)

    assert (none.returncode, none.stdout) == (5, "")
    assert none.stderr.startswith("error: no local AWS emulator is running\nhint: ")
    assert newest.items() <= dict(line.removeprefix("export ").split("=") for line in told.stdout.splitlines()).items()
    assert "AIRFLOW__AWS_ECS_EXECUTOR__DEPLOYMENT=local\n" in told.stdout
    assert told.stderr.startswith("2 emulators are running; this is the newest, http://127.0.0.1:")
    assert left.stdout.count("export ") == told.stdout.count("export ")
    assert (left.stderr, left.stdout != told.stdout) == ("", True)
    assert asked().returncode == 5


def test_containers_have_no_control_group_if_no_limits_are_wanted(tmp_path):
    told = tmp_path / "told"
    os.mkfifo(told)
    program = f"open({str(told)!r}, 'w').write(open('/proc/self/cgroup').read())"

    with _up("--limits", "none", "--start-delay", "0") as up:
        _run_task(_exports(up), program)
        own = told.read_text()
        up.terminate()

        assert up.wait(20) == 0
    assert own == Path("/proc/self/cgroup").read_text()


def test_a_port_in_use_is_an_error_with_a_hint_and_exit_2():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])

        ended = CliRunner().invoke(app, ["up", "--port", port])

    assert ended.exit_code == 2
    assert ended.stdout == ""
    line, hint = ended.stderr.splitlines()
    assert hint.startswith("hint: use another --port")
    assert f"cannot listen on port {port}: Address already in use" in line


def test_a_missing_extra_is_an_error_that_names_the_package_to_install(tmp_path):
    (tmp_path / "moto.py").write_text("raise ModuleNotFoundError('No module named moto', name='moto')\n")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}

    ended = subprocess.run(COMMAND, check=False, capture_output=True, text=True, cwd=ROOT, timeout=60, env=environment)

    assert ended.returncode == 2
    _, line = ended.stderr.splitlines()
    assert "pip install 'awsexec[local]'" in line


def test_a_variable_that_is_not_set_cannot_be_given():
    ended = CliRunner().invoke(app, ["up", "-e", "NOT_SET_AT_ALL"])

    assert ended.exit_code == 2
    assert "NOT_SET_AT_ALL" in ended.stderr


def test_a_directory_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")

    ended = CliRunner().invoke(app, ["up", "--log-directory", str(tmp_path / "file" / "below")])

    assert ended.exit_code == 2
    assert "--log-directory" in str(ended.exception) + ended.stderr


def test_neither_help_nor_the_package_imports_moto_or_airflow():
    asked = "print([m for m in ('moto', 'airflow', 'boto3') if m in sys.modules])"
    code = f"import sys, awsexec_cli.commands.local, aws_exec.local; {asked}"

    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)

    assert ended.stdout.strip() == "[]"
