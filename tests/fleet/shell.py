"""Runs commands: in this process, which is cheap, or as a process, which is what users do."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import awsexec_cli.app
from awsexec_cli.output import printer
from tests.tree import ROOT

#: The program, as an installed one runs.
AWSEXEC = [sys.executable, "-c", "from awsexec_cli.app import main; main()"]


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


def environment(**given: str) -> dict[str, str]:
    """A shell's, without what the machine has of AWS, of Airflow, or of colours."""
    mine = ("AWS_", "AIRFLOW__", "AWSEXEC_", "COLUMNS", "FORCE_COLOR", "NO_COLOR")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(mine)}
    return {**kept, "AWS_CONFIG_FILE": "/nonexistent", "AWS_EC2_METADATA_DISABLED": "true", **given}


@contextmanager
def running(*arguments: str, program: Sequence[str] = AWSEXEC, **given: str) -> Iterator[subprocess.Popen[str]]:
    """Run a command as a process, to be read while it runs; it is killed in the end."""
    with subprocess.Popen(
        [*program, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment(**given),
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def process(*arguments: str, program: Sequence[str] = AWSEXEC, **given: str) -> Done:
    """Run a command as a process, to its end."""
    with running(*arguments, program=program, **given) as process:
        out, err = process.communicate(timeout=120)
    return Done(process.returncode, out, err)


class Shell:
    """Runs `awsexec` in this process."""

    def __init__(self, monkeypatch, capsys) -> None:
        self._patch = monkeypatch
        self._capsys = capsys

    def __call__(self, *arguments: str, **given: str) -> Done:
        wanted = environment(**given)
        for name in [name for name in os.environ if name not in wanted]:
            self._patch.delenv(name)
        for name, value in wanted.items():
            self._patch.setenv(name, value)
        self._patch.setattr(sys, "argv", ["awsexec", *arguments])
        for console in ("out", "err"):
            printer.__dict__.pop(console, None)
        self._capsys.readouterr()
        with self._patch.context() as patch:
            patch.setattr(sys, "stdin", io.StringIO())
            code = awsexec_cli.app._run()
        said = self._capsys.readouterr()
        return Done(code, said.out, said.err)
