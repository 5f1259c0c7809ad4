"""An Airflow home of its own for every run, and an environment without anybody's AWS configuration."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from bench.spec import Run

#: What both executors need to be told; the option names are the Amazon provider's.
OPTIONS = {
    "ecs": {
        "cluster": "fleet",
        "container_name": "airflow",
        "task_definition": "airflow:7",
        "launch_type": "FARGATE",
        "subnets": "subnet-1,subnet-2",
    },
    "batch": {"job_queue": "fleet", "job_definition": "airflow:7", "job_name": "airflow"},
}

#: Only ours knows these; said, so that they do not depend on where the home is.
OURS = {"deployment": "bench"}

_CONFIGURATION = """
[core]
load_examples = False
[api_auth]
jwt_secret = a-secret-that-only-the-benchmark-knows-0123456789abcdef0123456789abcdef
[logging]
logging_level = ERROR
[usage_data_collection]
enabled = False
"""


def environment(home: Path) -> dict[str, str]:
    """The environment of everything that is run: this home, throw-away credentials, nothing else of Airflow or AWS."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("AIRFLOW_", "AWS_", "AWSEXEC_"))}
    return kept | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "AIRFLOW_CONN_AWS_DEFAULT": "aws://",
        "AWS_ACCESS_KEY_ID": "AKIATHROWAWAY0000000",
        "AWS_SECRET_ACCESS_KEY": "throw/away/secret/access/key/0000000000",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(home / "no-aws-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(home / "no-aws-credentials"),
    }


def options(run: Run) -> dict[str, str]:
    """The environment variables that say the options of the executor of a run."""
    section = f"AIRFLOW__AWS_{run.service.upper()}_EXECUTOR__"
    told = {**OPTIONS[run.service], **OURS, **run.options}
    return {f"{section}{name.upper()}": text for name, text in told.items()}


def make_home(where: Path) -> Path:
    """A home with an empty database, to be copied for each run."""
    where.mkdir()
    (where / "airflow.cfg").write_text(_CONFIGURATION)
    program = "from airflow.utils.db import initdb; initdb()"
    subprocess.run(
        [sys.executable, "-c", program],
        env=environment(where),
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    return where


def copy_of(home: Path, where: Path) -> Path:
    """A home for one run."""
    shutil.copytree(home, where, ignore=shutil.ignore_patterns("logs"))
    return where
