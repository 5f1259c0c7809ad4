"""Runs the command line in this process, faster than `helpers.awsexec` in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

import awsexec_cli.app


@pytest.fixture
def run(capsys, monkeypatch):
    """Run `awsexec` to its end."""

    def run(*arguments, **environment):
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["awsexec", *arguments])
            for name, value in {"COLUMNS": "200", **environment}.items():
                patch.setenv(name, value)
            capsys.readouterr()
            with pytest.raises(SystemExit) as ended:
                awsexec_cli.app.main()
        told = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, int(ended.value.code or 0), told.out, told.err)

    return run
