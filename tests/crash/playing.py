"""What happens to the scheduler in a case; each function starts the run and leaves a scheduler alive."""

from collections.abc import Callable
from typing import Any, TypeAlias

from tests.crash.stage import Stage

Play: TypeAlias = Callable[..., None]

LAUNCHES = ("RunTask", "SubmitJob")


def at(*points: str) -> Play:
    """A scheduler dies at the first point, the next one at the second, and so on."""

    def play(stage: Stage, **conf: Any) -> None:
        stage.arm(points[0])
        stage.begin(**conf)
        stage.dies()
        for point in points[1:]:
            stage.arm(point)
            stage.restart()
            stage.dies()
        stage.restart()

    return play


def call_under_way(*, acted: bool) -> Play:
    """The launch calls are at AWS, which has carried them out or will when the scheduler is dead."""

    def play(stage: Stage) -> None:
        stall_launches(stage, acted=acted)
        stage.begin()
        until_stalled(stage)
        stage.kill()
        stage.aws.faults.let_go()
        stage.restart()

    return play


def while_jobs_start(stage: Stage) -> None:
    """There is no room for them before the next scheduler has them; their launch was not answered."""
    stage.aws.faults.occupy()
    call_under_way(acted=True)(stage)
    stage.until_adopted()
    stage.aws.faults.vacate()


def while_jobs_run(stage: Stage) -> None:
    """User code runs, and waits for the next scheduler."""
    stage.begin(gated=True)
    stage.until_all_run()
    stage.kill()
    stage.restart()
    stage.until_adopted()
    stage.case.open_gate()


def ended_while_jobs_run(stage: Stage) -> None:
    """User code runs; the scheduler ends in order, as in a rolling restart."""
    stage.begin(gated=True)
    stage.until_all_run()
    stage.end()
    stage.restart()
    stage.until_adopted()
    stage.case.open_gate()


def ended_during_the_launch_call(stage: Stage) -> None:
    """AWS has carried the launch calls out and does not answer; the scheduler ends in order meanwhile."""
    stall_launches(stage, acted=True)
    stage.begin()
    until_stalled(stage)
    stage.end()
    stage.aws.faults.let_go()
    stage.restart()


def while_jobs_end(stage: Stage) -> None:
    """They end while there is no scheduler."""
    case = stage.begin(gated=True)
    stage.until_all_run()
    stage.kill()
    case.open_gate()
    case.run.until(lambda: all(launch.ended_at for launch in case.run.launches), "all containers have ended")
    stage.restart()


def while_adopting(stage: Stage) -> None:
    """User code runs; the next scheduler dies when it has adopted it and Airflow has not saved that."""
    stage.begin(gated=True)
    stage.until_all_run()
    stage.kill()
    stage.arm("adopting")
    stage.restart()
    stage.dies()
    stage.restart()
    stage.until_adopted()
    stage.case.open_gate()


def after_adoption_has_launched(stage: Stage) -> None:
    """Killed before the launch; the next one's launch calls are carried out, and it is killed before the answer."""
    stage.arm("composed")
    stage.begin()
    stage.dies()
    stall_launches(stage, acted=True)
    stage.restart()
    until_stalled(stage)
    stage.kill()
    stage.aws.faults.let_go()
    stage.restart()


def stall_launches(stage: Stage, *, acted: bool) -> None:
    """Have all launches of the run wait at AWS."""
    for operation in LAUNCHES:
        stage.aws.faults.stall_next(operation, acted=acted, times=2)


def until_stalled(stage: Stage) -> None:
    """Wait until they do."""
    arrived = dict.fromkeys(LAUNCHES, 2)
    stage.airflow.wait_until(lambda: stage.aws.faults.stalled == arrived, 60, "all launches are at AWS")
