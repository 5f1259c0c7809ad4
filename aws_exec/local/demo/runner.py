"""Runs the demo: starts the embedded AWS and Airflow, triggers the DAG, watches it, sums it up, cleans up."""

from __future__ import annotations

import contextlib
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.text import Text

from aws_exec.local import EmbeddedAws, Launch
from aws_exec.local.airflow.home import USER
from aws_exec.local.airflow.processes import ComponentDiedError, LocalAirflow, TookTooLongError
from aws_exec.local.demo import summary
from aws_exec.local.demo.plan import DAG_ID, DAGS, RESULT, STOP_DELAY
from aws_exec.local.demo.table import Progress, table
from aws_exec.local.demo.watch import Returns, Row, rows

#: The first is the default; a task may ask for the other.
EXECUTOR = "aws_exec.AwsEcsExecutor,aws_exec.AwsBatchExecutor"

#: How often the table is looked at, seconds: a person sees no more.
_LOOK = 0.5

#: Seconds for the last ECS task or Batch job to end after Airflow has its task's state.
_LAST_END = 30.0

#: How often the home is removed anew, and the seconds between: a process that was killed dies within them.
_REMOVALS = 50
_REMOVAL_PAUSE = 0.1

#: Quicker than a fleet needs: here a sweep is one call on loopback.
_EXECUTOR_SETTINGS = {"deployment": "demo", "poll_interval": "1", "shutdown_timeout": "1"}


@dataclass(frozen=True, slots=True)
class Options:
    """How to run it.

    Attributes:
        port: of Airflow's API server and web interface; 0 for any free one.
        max_containers: how many run at a time; each costs a few seconds of a core to import Airflow.
        timeout: seconds for everything up to the summary.
        keep: whether to leave all of it up afterwards, until interrupted.
    """

    port: int = 0
    max_containers: int = 3
    timeout: float = 300.0
    keep: bool = False


@dataclass
class _Stage:
    """What a run of the demo has at hand."""

    options: Options
    console: Console
    aws: EmbeddedAws
    airflow: LocalAirflow
    began: float = field(default_factory=time.monotonic)
    returns: Returns = field(default_factory=Returns)

    def left(self) -> float:
        """Seconds left of the timeout."""
        return max(self.began + self.options.timeout - time.monotonic(), 0.0)

    def rows(self, run_id: str) -> list[Row]:
        """What is to be shown now."""
        ledger = self.aws.ledger()
        records = self.airflow.records
        returned = self.returns.look(ledger)
        return rows(records.task_instances(DAG_ID, run_id), ledger, records.events(DAG_ID, run_id), returned)


def run(options: Options, console: Console) -> bool:
    """Run the demo and print what happens; leaves no process and, unless it failed, no file.

    Args:
        options: how.
        console: where to; a live table if it is a terminal, else lines.

    Returns:
        Whether all went as it should; if not, why has been printed.

    Raises:
        LocalError: it could not be run; the message says why.
        TookTooLongError: it was not done in time.
    """
    home = Path(tempfile.mkdtemp(prefix="awsexec-demo-"))
    look_into = False  # whether the files are worth keeping
    try:
        with _staged(home, options, console) as stage:
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
        _print_lines(console, [f"The logs are in {home / 'logs'}"])
    return well


def _remove(home: Path) -> None:
    """Remove a home; what a process that was just killed still wrote into it, too."""
    for _ in range(_REMOVALS):
        shutil.rmtree(home, ignore_errors=True)
        if not home.exists():
            return
        time.sleep(_REMOVAL_PAUSE)


@contextlib.contextmanager
def _staged(home: Path, options: Options, console: Console) -> Iterator[_Stage]:
    """The embedded AWS and Airflow, up and well."""
    output = home / "logs" / "containers"
    output.mkdir(parents=True)
    _print_lines(console, ["The embedded AWS starts ..."])
    with EmbeddedAws(max_containers=options.max_containers, stop_delay=STOP_DELAY, output_directory=output) as aws:
        airflow = LocalAirflow(
            home,
            executor=EXECUTOR,
            environment=aws.environment(),
            dags=[DAGS],
            port=options.port,
            settings={
                # Airflow's 80 example DAGs are loaded, as by default: once, parsing them anew takes 25 s of one core.
                "dag_processor": {"min_file_process_interval": "1800"},
                "aws_ecs_executor": _EXECUTOR_SETTINGS,
                "aws_batch_executor": _EXECUTOR_SETTINGS,
            },
        )
        aws.container_environment |= airflow.container_environment()
        stage = _Stage(options, console, aws, airflow)
        try:
            airflow.start(stage.left(), told=lambda line: _print_lines(console, [line]))
            airflow.wait_for_dag(DAG_ID, stage.left())
            yield stage
        finally:
            # Nothing is worth keeping: a graceful end would only take longer.
            airflow.kill()


def _play(stage: _Stage) -> bool:
    """Trigger the DAG, watch it, sum it up; returns whether all went as it should."""
    started_in = time.monotonic() - stage.began
    run_id = stage.airflow.trigger(DAG_ID)
    state, took = _watch(stage, run_id)
    last = stage.rows(run_id)
    console = stage.console
    console.print()
    console.print(table(last))
    console.print()
    _print_lines(console, summary.came_back(last))
    if (report := stage.airflow.records.returned(DAG_ID, run_id, RESULT)) is not None:
        console.print()
        console.print(summary.result(report))
        _print_lines(console, [summary.result_in_words(report)])
    console.print()
    _print_lines(console, [summary.verdict(last, took, started_in)])
    wrong = summary.problems(last) or ([] if state == "success" else [f"the DAG run ended {state}"])
    _conclude(stage, run_id, last, wrong)
    return not wrong


def _watch(stage: _Stage, run_id: str) -> tuple[str, float]:
    """Show what happens until the DAG run and its containers are over; returns the run's state, and its seconds.

    Raises:
        LocalError: a component of Airflow died.
        TimeoutError: the run took too long.
    """
    most = stage.options.max_containers
    began = time.monotonic()
    _print_lines(stage.console, [f"DAG {DAG_ID} on {EXECUTOR}, up to {most} containers at a time:", ""])
    with _screen(stage.console) as show:

        def over() -> str | None:
            show(stage.rows(run_id))
            state = stage.airflow.records.run_state(DAG_ID, run_id)
            return state if state in {"success", "failed"} else None

        def settled() -> bool:
            show(stage.rows(run_id))
            return all(map(_has_ended, stage.aws.ledger()))

        state = stage.airflow.wait_until(over, stage.left(), f"the DAG {DAG_ID} has run", every=_LOOK)
        took = time.monotonic() - began
        with contextlib.suppress(TimeoutError):  # what is missing is told as a problem
            stage.airflow.wait_until(settled, _LAST_END, every=_LOOK)
    return state, took


@contextlib.contextmanager
def _screen(console: Console) -> Iterator[Callable[[list[Row]], None]]:
    """Shows rows: a live table on a terminal, else a line for each change."""
    if not console.is_terminal:
        progress = Progress()
        yield lambda seen: _print_lines(console, progress.lines(seen))
        return
    with Live(console=console, auto_refresh=False, transient=True) as live:
        yield lambda seen: live.update(table(seen), refresh=True)


def _has_ended(launch: Launch) -> bool:
    """Whether a container has exited, and its status shows it: a Batch job stays RUNNING until all of it is over."""
    return launch.over or (launch.ended_at is not None and launch.status != "RUNNING")


def _conclude(stage: _Stage, run_id: str, last: list[Row], wrong: list[str]) -> None:
    console = stage.console
    if not wrong:
        console.print(
            Text.assemble(
                ("All succeeded", "bold green"),
                ", each container launched once, no try burnt but the deliberate one.",
            ),
            soft_wrap=True,
        )
        return
    console.print("Not all went as it should:", style="bold red")
    _print_lines(console, [f"- {problem}" for problem in wrong])
    events = stage.airflow.records.events(DAG_ID, run_id)
    _print_lines(console, summary.explain(last, events, stage.airflow.home.logs))


def _leave_up(stage: _Stage) -> None:
    """Tell where everything is, and wait to be interrupted."""
    home, names = stage.airflow.home, stage.aws.names
    stage.console.print()
    _print_lines(
        stage.console,
        [
            f"Airflow: {home.url}   user {USER}, password {home.password}",
            f"AWS:     {stage.aws.endpoint_url}   cluster {names.cluster}, queue {names.job_queue}, any credentials",
            f"Files:   {home.directory}",
            "Ctrl-C ends all of it.",
        ],
    )
    with contextlib.suppress(KeyboardInterrupt):  # not an interruption: what it waits for
        signal.pause()


def _print_lines(console: Console, lines: list[str]) -> None:
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)
