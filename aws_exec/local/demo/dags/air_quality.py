# ruff: noqa: INP001 - a folder of DAGs is no package
"""Three days of air quality readings, one file a station, to a ranking of the stations.

Every task runs in a container of its own: an ECS task, or a Batch job where the task asks for one by its executor.
Three of them show what an executor must get right when a task comes back:

* `calibration` fails on its first try, on purpose, and succeeds on its second;
* `readings_complete` is a sensor in reschedule mode, on Batch: its container goes away between two looks;
* `embargo` defers: its container goes away while the triggerer waits for it.
"""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
from airflow.sdk import BaseOperator, dag, get_current_context, task

READINGS = Path(__file__).parent / "readings"

#: Micrograms of PM2.5 per cubic metre: the 24-hour guideline of the World Health Organization (2021).
GUIDELINE = 15.0

#: `[core] executor` has both executors; the first is what a task runs on that does not ask for one.
BATCH = "AwsBatchExecutor"


@task.sensor(mode="reschedule", poke_interval=6, timeout=120, executor=BATCH)
def readings_complete() -> bool:
    """Whether the readings can be taken: stations may still correct them for a second after we first look."""
    context = get_current_context()
    first_look = context["ti"].get_first_reschedule_date(context)
    return first_look is not None and datetime.now(UTC) - first_look > timedelta(seconds=1)


@task
def stations() -> list[str]:
    """The stations that delivered a file."""
    return sorted(path.stem for path in READINGS.glob("*.csv"))


@task(executor=BATCH)
def summarise(station: str) -> dict[str, Any]:
    """One station's figures; readings without a value are counted, not guessed."""
    with (READINGS / f"{station}.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    values = {row["time"]: float(row["pm25"]) for row in rows if row["pm25"]}
    worst = max(values, key=lambda time: values[time])
    return {
        "station": station,
        "readings": len(rows),
        "missing": len(rows) - len(values),
        "mean": sum(values.values()) / len(values),
        "worst": values[worst],
        "worst_at": worst,
    }


@task(retries=1, retry_delay=timedelta(seconds=6))
def calibration() -> dict[str, float]:
    """The sensors' correction factors, from a service that is never there the first time."""
    if get_current_context()["ti"].try_number == 1:
        raise ConnectionError("the calibration service is not there (on purpose: the second try succeeds)")
    return {"harbour": 1.04, "hilltop": 0.97, "market": 1.0, "ringroad": 1.02, "school": 0.99}


class Embargo(BaseOperator):
    """Waits for a while without a container: the triggerer does the waiting."""

    def __init__(self, *, seconds: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seconds = seconds

    def execute(self, context: Any) -> None:  # noqa: ARG002 - Airflow's signature
        """Go away until it is over."""
        self.defer(trigger=TimeDeltaTrigger(timedelta(seconds=self.seconds)), method_name="lifted")

    def lifted(self, context: Any, event: Any) -> str:  # noqa: ARG002 - Airflow's signature
        """Come back, in a new container."""
        return f"lifted at {event}"


@task
def report(summaries: list[dict[str, Any]], factors: dict[str, float]) -> dict[str, Any]:
    """All stations, worst first, corrected by their sensors' factors."""
    ranking = sorted(
        (
            {
                "station": summary["station"],
                "mean": round(summary["mean"] * factors[summary["station"]], 1),
                "worst": round(summary["worst"] * factors[summary["station"]], 1),
                "worst_at": summary["worst_at"],
            }
            for summary in summaries
        ),
        key=lambda line: line["mean"],
        reverse=True,
    )
    return {
        "readings": sum(summary["readings"] for summary in summaries),
        "missing": sum(summary["missing"] for summary in summaries),
        "guideline": GUIDELINE,
        "above": [line["station"] for line in ranking if line["mean"] > GUIDELINE],
        "ranking": ranking,
    }


@dag(schedule=None, catchup=False, default_args={"retries": 0}, tags=["awsexec"])
def air_quality() -> None:
    """Rank the stations of a town by the dust in their air."""
    listed = stations()
    summaries = summarise.expand(station=listed)
    made = report(summaries, calibration())  # type: ignore[arg-type] # Airflow passes what they return
    [readings_complete(), Embargo(task_id="embargo", seconds=6)] >> made


air_quality()
