"""Images without awsexec, with an older one, and with a broken one: the same command in all of them."""

from __future__ import annotations

import pytest

from aws_exec.container.outcome import Outcome

pytestmark = pytest.mark.containers


def test_an_image_without_awsexec_runs_airflows_own_module(run, api, plain_python):
    container = run("raise ValueError", python=plain_python)
    assert (container.code, api.states()) == (0, ["failed"])
    assert "awsexec.usage" not in container.output


def test_an_image_with_an_older_awsexec_does_too(run, api, plain_python, tmp_path):
    package = tmp_path / "older" / "aws_exec"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("__version__ = '0.0.1'\n")
    container = run("raise ValueError", python=plain_python, PYTHONPATH=str(package.parent))
    assert (container.code, api.states()) == (0, ["failed"])


def test_an_image_whose_awsexec_is_broken_is_not_taken_for_one_without(run, api, plain_python, tmp_path):
    package = tmp_path / "broken" / "aws_exec"
    (package / "container").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "container" / "__init__.py").write_text("import a_module_that_is_not_there\n")
    container = run(python=plain_python, PYTHONPATH=str(package.parent))
    assert (container.code, api.asked) == (1, [])
    assert "a_module_that_is_not_there" in container.output


def without(folder, name, before=""):
    """A module that cannot be imported."""
    (folder / "sitecustomize.py").write_text(
        f"import os, sys\n{before}\n"
        "class Refuse:\n"
        "    def find_spec(self, name, *_):\n"
        f"        if name == '{name}':\n"
        "            raise RuntimeError('broken on purpose')\n"
        "sys.meta_path.insert(0, Refuse())\n"
    )


@pytest.mark.parametrize("part", ["cgroup", "supervisor", "facts", "parent"])
def test_an_entry_that_fails_before_the_task_steps_aside(run, api, tmp_path, part):
    """A module of ours that cannot be imported: the task runs as in an image without awsexec."""
    without(tmp_path, f"aws_exec.container.{part}")
    container = run("raise ValueError", PYTHONPATH=str(tmp_path))
    assert api.states() == ["failed"], container.output
    assert container.code == 0


def test_it_steps_aside_without_a_standard_error_too(run, api, tmp_path):
    without(tmp_path, "aws_exec.container.parent", before="os.close(2); sys.stderr = None")
    assert (run("raise ValueError", PYTHONPATH=str(tmp_path)).code, api.states()) == (0, ["failed"])


def test_a_record_that_cannot_be_made_costs_the_record_only(run, api, tmp_path):
    without(tmp_path, "aws_exec.container.usage")
    container = run("raise ValueError", PYTHONPATH=str(tmp_path))
    assert (container.code, api.states()) == (Outcome.FAILED, ["failed"])
    assert "awsexec: the usage record was not written: RuntimeError: broken on purpose" in container.output


def test_a_parent_that_fails_waits_for_the_task_all_the_same(run, api, tmp_path):
    breaks = (
        "import aws_exec.container.parent as p\ndef broken(*_): raise RuntimeError('broken')\np.Parent._wait = broken"
    )
    (tmp_path / "sitecustomize.py").write_text(breaks)
    container = run("raise ValueError", PYTHONPATH=str(tmp_path))
    assert (container.code, api.states()) == (0, ["failed"])
    assert "outcome will not be known: RuntimeError: broken" in container.output


def test_an_airflow_that_cannot_be_started_is_not_a_workload_that_cannot_be_read(run, tmp_path):
    without(tmp_path, "airflow.executors.workloads")
    assert run(PYTHONPATH=str(tmp_path)).code == 1


BREAK = """
from aws_exec.container import supervisor
def broken(*_, **__): raise RuntimeError('broken on purpose')
supervisor.{} = broken
"""


def in_supervisor(folder, code):
    """Run code in the supervisor's process, before Airflow's module is imported."""
    (folder / "sitecustomize.py").write_text(
        "import sys\n"
        "class Hook:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'airflow.sdk.execution_time.execute_workload':\n"
        f"            exec({code!r}, {{}})\n"
        "sys.meta_path.insert(0, Hook())\n"
    )


@pytest.mark.parametrize("function", ["_wrap_supervisor", "_reporting_start"])
def test_an_exit_that_no_wrap_explains_is_airflows_own(run, api, tmp_path, function):
    """The executor reads 1 as "perhaps refused", and does not report it over what runs elsewhere."""
    in_supervisor(tmp_path, BREAK.format(function))
    api.answers["run"] = 409
    assert run(PYTHONPATH=str(tmp_path)).code == 1


def test_threads_that_nobody_shut_down_do_not_keep_the_container(run, tmp_path):
    """Python tells the threads of executors to end before it waits for them."""
    pool = "import sys, concurrent.futures as f\nsys.pool = f.ThreadPoolExecutor(1)\nsys.pool.submit(int).result()"
    in_supervisor(tmp_path, pool)
    assert run(PYTHONPATH=str(tmp_path)).code == Outcome.DONE


def test_without_pidfd_signals_still_take_the_pipe(run, tmp_path):
    """Seccomp profiles and old kernels refuse `pidfd_open`; the task starts, is followed and ends all the same."""
    refuse = "import os\ndef refuse(*_): raise PermissionError('pidfd_open')\nos.pidfd_open = refuse"
    in_supervisor(tmp_path, refuse)
    container = run("os.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(60)", PYTHONPATH=str(tmp_path))
    assert container.code == Outcome.KILLED  # known only of a task whose start was told


@pytest.mark.parametrize("function", ["_wrap_supervisor", "_waiting", "_wake_at_exit", "_report_end", "_note_failure"])
def test_a_wrap_that_fails_costs_no_task(run, api, tmp_path, function):
    in_supervisor(tmp_path, BREAK.format(function))
    container = run("print('hello')", PYTHONPATH=str(tmp_path))
    assert api.states() == ["success"], container.output
    assert container.code == Outcome.DONE
