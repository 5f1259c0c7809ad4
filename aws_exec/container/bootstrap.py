"""The command of a task's container. Read by the scheduler; the container runs it."""

from __future__ import annotations

from aws_exec.container.outcome import Outcome
from aws_exec.container.versions import AIRFLOW

#: Airflow's own module, which the Amazon provider's executors run.
AIRFLOW_MODULE = "airflow.sdk.execution_time.execute_workload"
OUR_MODULE = "aws_exec.container"
#: The event of the line that a probe prints.
PROBE_EVENT = "awsexec.probe"
#: The option that the address of a workload in a store follows, and a Region.
STORED = "--workload"

#: Decides in the container. Only that awsexec, or this package of it, is missing makes it run Airflow's module.
_ENTRY = f"""\
import runpy
m="{OUR_MODULE}"
try:__import__(m)
except ModuleNotFoundError as e:
 if e.name not in(m,"aws_exec"):raise
 m="{AIRFLOW_MODULE}"
runpy.run_module(m,None,"__main__",True)"""

#: Likewise for a workload in a store, which Airflow's module cannot fetch.
_ENTRY_OF_STORE = f"""\
import runpy
m="{OUR_MODULE}"
try:__import__(m)
except ModuleNotFoundError as e:
 if e.name not in(m,"aws_exec"):raise
 print("the image has no awsexec to fetch the workload");raise SystemExit({int(Outcome.WORKLOAD_STORE_NEEDS_AWSEXEC)})
runpy.run_module(m,None,"__main__",True)"""

#: What `check-health --probe` runs. Without awsexec, or with an older one, it prints what can be seen all the same.
_PROBE = f"""\
try:import aws_exec.container.probe as p;p.main()
except ImportError:import json,sys,importlib.metadata as i;\
print(json.dumps({{"event":"{PROBE_EVENT}","python":sys.version,\
"airflow":[d.version for d in i.distributions(name="{AIRFLOW}")]}}))"""


def airflow_command(workload: str) -> list[str]:
    """Return the command that the Amazon provider's executors give a container."""
    return ["python", "-m", AIRFLOW_MODULE, "--json-string", workload]


def entry_command(workload: str) -> list[str]:
    """Return the command that runs `aws_exec.container` where the image has it, and Airflow's module where not."""
    return ["python", "-c", _ENTRY, "--json-string", workload]


def stored_command(url: str, region: str) -> list[str]:
    """Return the command for a workload that waits in a store at this address, which the Region's S3 knows."""
    return ["python", "-c", _ENTRY_OF_STORE, STORED, url, region]


def airflow_words(words: list[str]) -> list[str]:
    """Return the words that Airflow's module takes: with the workload itself in place of its address.

    Raises:
        SystemExit: it could not be fetched; the code is the outcome.
    """
    if words[:1] != [STORED]:
        return words
    # botocore is for such a command only.
    from aws_exec.container.store import fetch

    return ["--json-string", fetch(*words[1:])]


def probe_command(options: str) -> list[str]:
    """Return the command of a probe; `options` is the JSON that `aws_exec.container.probe` reads."""
    return ["python", "-c", _PROBE, "--probe", options]
