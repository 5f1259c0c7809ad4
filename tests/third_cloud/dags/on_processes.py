"""A DAG for the third cloud: two processes at once, and one that adds up what they return."""

from __future__ import annotations

import os

from airflow.sdk import dag, task

EXECUTOR = "ProcessExecutor"


@dag(schedule=None, catchup=False, default_args={"retries": 0, "executor": EXECUTOR})
def on_processes():
    @task
    def square(number):
        return {"square": number * number, "token": os.environ["AWSEXEC_TOKEN"], "colour": os.environ["COLOUR"]}

    @task(executor_config={"environment": {"COLOUR": "blue"}})
    def total(squares):
        return {
            "sum": sum(each["square"] for each in squares),
            "tokens": sorted(each["token"] for each in squares),
            "colours": [os.environ["COLOUR"], *(each["colour"] for each in squares)],
        }

    total(square.expand(number=[3, 4]))


on_processes()
