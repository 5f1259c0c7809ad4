"""Airflow and AWS as every test finds them: a throw-away home, throw-away credentials. Before anything imports Airflow.

Airflow's own settings are in the home's `airflow.cfg`, not in the environment: a test that starts another Airflow gives
it another home, and nothing of ours leaks into it.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import pytest

_HOME = Path(tempfile.mkdtemp(prefix="awsexec-tests-"))
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)

_CONFIGURATION = f"""
[core]
load_examples = False
dags_folder = {_HOME / "dags"}
[database]
sql_alchemy_conn = sqlite:///{_HOME / "airflow.db"}
[api_auth]
jwt_secret = a-secret-that-only-tests-know-0123456789abcdef0123456789abcdef0123456789
[logging]
logging_level = WARNING
base_log_folder = {_HOME / "logs"}
[usage_data_collection]
enabled = False
"""

(_HOME / "dags").mkdir()
(_HOME / "airflow.cfg").write_text(_CONFIGURATION)

for name in [name for name in os.environ if name.startswith(("AIRFLOW_", "AWS_", "AWSEXEC_"))]:
    del os.environ[name]
os.environ |= {
    "AIRFLOW_HOME": str(_HOME),
    "AWS_ACCESS_KEY_ID": "AKIATHROWAWAY0000000",
    "AWS_SECRET_ACCESS_KEY": "throw/away/secret/access/key/0000000000",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": str(_HOME / "no-aws-config"),
    "AWS_SHARED_CREDENTIALS_FILE": str(_HOME / "no-aws-credentials"),
}


@pytest.fixture(scope="session")
def airflow_home():
    """The home that Airflow was imported with."""
    return _HOME


@pytest.fixture(scope="session")
def airflow_db():
    """Airflow's database, migrated once; only tests that need rows pay for it."""
    from airflow.utils.db import initdb  # noqa: PLC0415 - not before the environment is set, nor without need

    initdb()
