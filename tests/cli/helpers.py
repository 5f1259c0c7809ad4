"""Runs the command line as users do: a process of its own, pipes instead of a terminal."""

import os
import subprocess
import sys

from tests.tree import ROOT

#: `awsexec`, without counting on its being on the PATH.
AWSEXEC = [sys.executable, "-m", "awsexec_cli.app"]


def awsexec(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `awsexec` to its end."""
    return program("from awsexec_cli.app import main; main()", *arguments, **environment)


def labels(stderr: str) -> list[str]:
    """Return the label of each line: `error`, `hint`, `warning`."""
    return [line.partition(": ")[0] for line in stderr.splitlines()]


def program(text: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a Python program to its end, as `awsexec` with arguments."""
    script = f"import sys; sys.argv = ['awsexec', *sys.argv[1:]]\n{text}"
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
        check=False,
        env={**os.environ, "COLUMNS": "120", **environment},
    )
