"""Runs the demo: starts the local AWS emulator and Airflow, plays both acts, stops everything."""

from __future__ import annotations

import contextlib
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from aws_exec.local import EmbeddedAws
from aws_exec.local.airflow.home import USER
from aws_exec.local.airflow.processes import ComponentDiedError, LocalAirflow, TookTooLongError
from aws_exec.local.demo import act_one, act_two
from aws_exec.local.demo.plan import BAD_NIGHT, DAG_ID, DAGS, STOP_DELAY
from aws_exec.local.demo.screen import Screen
from aws_exec.local.demo.stage import Explain, Stage
from aws_exec.local.demo.watch import short_id

#: The first is the default; a task may ask for the other.
EXECUTOR = "aws_exec.AwsEcsExecutor,aws_exec.AwsBatchExecutor"

#: How often the home is removed anew, and the seconds between: a process that was killed dies within them.
_REMOVALS = 50
_REMOVAL_PAUSE = 0.1

#: Quicker than a fleet needs: here a sweep is one call on loopback.
_EXECUTOR_SETTINGS = {"poll_interval": "1", "shutdown_timeout": "1"}

#: For the executors, and for `awsexec` in another shell.
_EXPORTS = dict.fromkeys(("AIRFLOW__AWS_ECS_EXECUTOR__DEPLOYMENT", "AIRFLOW__AWS_BATCH_EXECUTOR__DEPLOYMENT"), "demo")

_SETTINGS = {
    # Airflow's 80 example DAGs are loaded, as by default: once, parsing them anew takes 25 s of one core.
    "dag_processor": {"min_file_process_interval": "1800"},
    # A scheduler that was killed is missed after so many seconds, by one that looks so often: Airflow's defaults are 30
    # and 300. A third of the first is how late a heartbeat may be before launches wait.
    "scheduler": {"scheduler_health_check_threshold": "10", "orphaned_tasks_check_interval": "2"},
    "aws_ecs_executor": _EXECUTOR_SETTINGS,
    "aws_batch_executor": _EXECUTOR_SETTINGS,
}

#: Printed at the end.
NEXT = """
Next:
  awsexec demo --keep             the same, and then explore it
  awsexec local up                run the emulator for your own Airflow
  awsexec check-health --policy   print the IAM policy that the executors need"""


@dataclass(frozen=True, slots=True)
class Options:
    """How to run it.

    Attributes:
        port: of Airflow's API server and web interface; 0 for any free one.
        max_containers: how many run at a time; each costs a few seconds of a core to import Airflow.
        timeout: seconds for everything up to the end of the last act.
        keep: whether to leave all of it up afterwards, until interrupted.
    """

    port: int = 0
    max_containers: int = 3
    timeout: float = 300.0
    keep: bool = False


def run(options: Options, console: Console, explain: Explain) -> bool:
    """Run the demo and print what happens; leaves no process and, unless it failed, no file.

    Args:
        options: how.
        console: where to; a live table if it is a terminal, else lines.
        explain: explains what failed.

    Returns:
        Whether all went as it should; if not, why has been printed.

    Raises:
        LocalError: it could not be run; the message says why.
        TookTooLongError: it was not done in time.
    """
    screen = Screen(console)
    home = Path(tempfile.mkdtemp(prefix="awsexec-demo-"))
    look_into = False  # whether the files are worth keeping
    try:
        with _staged(home, options, screen, explain) as stage:
            well = _play(stage)
            look_into = not well
            if options.keep:
                _leave_up(stage)
    except TimeoutError as error:
        look_into = True
        why = f"{error}; gave up after {options.timeout:g} s. The logs are in {home / 'logs'}"
        raise TookTooLongError(why) from error
    except ComponentDiedError:
        look_into = True
        raise
    finally:
        if not look_into:
            _remove(home)
    if not well:
        screen.say(f"The logs are in {home / 'logs'}")
    elif not options.keep:
        screen.say(NEXT)
    return well


def _remove(home: Path) -> None:
    """Remove a home; what a process that was just killed still wrote into it, too."""
    for _ in range(_REMOVALS):
        shutil.rmtree(home, ignore_errors=True)
        if not home.exists():
            return
        time.sleep(_REMOVAL_PAUSE)


@contextlib.contextmanager
def _staged(home: Path, options: Options, screen: Screen, explain: Explain) -> Iterator[Stage]:
    """The local AWS emulator and Airflow, up and well."""
    began = time.monotonic()
    output = home / "logs" / "containers"
    output.mkdir(parents=True)
    with contextlib.ExitStack() as stack:
        with screen.waiting("Starting the local AWS emulator"):
            aws = stack.enter_context(
                EmbeddedAws(max_containers=options.max_containers, stop_delay=STOP_DELAY, output_directory=output)
            )
        aws.exports |= {**_EXPORTS, "AIRFLOW_HOME": str(home)}
        airflow = LocalAirflow(
            home, executor=EXECUTOR, environment=aws.environment(), dags=[DAGS], port=options.port, settings=_SETTINGS
        )
        aws.container_environment |= airflow.container_environment()
        stage = Stage(screen, aws, airflow, explain, options.timeout, options.max_containers, began)
        try:
            airflow.start(stage.left(), step=screen.waiting)
            with screen.waiting("Waiting for the DAG processor to read the DAGs"):
                for dag_id in (DAG_ID, BAD_NIGHT):
                    airflow.wait_for_dag(dag_id, stage.left())
            yield stage
        finally:
            # Nothing is worth keeping: a graceful end would only take longer.
            with screen.waiting("Stopping Airflow, the emulator and all containers"):
                airflow.kill()
                aws.close()


def _play(stage: Stage) -> bool:
    """Play both acts, the second only if the first went well; return whether all went as planned."""
    wrong = act_one.play(stage) or act_two.play(stage)
    screen = stage.screen
    screen.say()
    if not wrong:
        screen.say(
            "All as planned: no container was launched twice, no try was lost but the deliberate one.", "bold green"
        )
        return True
    screen.say("Not all went as planned:", "bold red")
    for problem in wrong:
        screen.say(f"- {problem}")
    return False


def _leave_up(stage: Stage) -> None:
    """Say where everything is, and wait to be interrupted."""
    home, screen = stage.airflow.home, stage.screen
    failed = next((launch for launch in reversed(stage.aws.ledger()) if launch.exit_code), None)
    job = short_id(failed) if failed else "JOB"
    stage.aws.publish()
    screen.say(f"\nAirflow: {home.url}   user {USER}, password {home.password}\nFiles: {home.directory}")
    screen.say(f"""
Next, in another shell:
  eval "$(awsexec local env)"
  awsexec list -a
  awsexec explain {job}

Ctrl-C stops all of it.""")
    with contextlib.suppress(KeyboardInterrupt):  # not an interruption: what it waits for
        signal.pause()
