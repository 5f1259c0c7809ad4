"""Airflow and AWS as every test finds them: a throw-away home, throw-away credentials. Before anything imports Airflow.

Airflow's own settings are in the home's `airflow.cfg`, not in the environment: a test that starts another Airflow gives
it another home, and nothing of ours leaks into it.
"""

from __future__ import annotations

import atexit
import gc
import logging
import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

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


# A shell that starts us in the background has us ignore SIGINT, and whatever we start after us.
signal.signal(signal.SIGINT, signal.default_int_handler)


#: The tests of the one real Airflow.
_E2E = "tests/e2e/"


class ByFile(LoadScopeScheduling):
    """Processes share the tests by file; those of the one real Airflow are one file."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return _E2E if file.startswith(_E2E) else file


def pytest_xdist_make_scheduler(config, log):
    """With `--numprocesses`, which `make test` gives."""
    return ByFile(config, log)


def pytest_collection_modifyitems(items):
    """The real Airflow begins first: it takes longest."""
    items.sort(key=lambda item: not item.nodeid.startswith(_E2E))


def pytest_collection_finish():
    """The collector is not to look through what was imported, and stays, again and again: a third of a second each."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 50, 100)


@pytest.fixture(scope="session")
def airflow_home():
    """The home that Airflow was imported with."""
    return _HOME


@pytest.fixture(scope="session")
def airflow_db():
    """Airflow's database, migrated once; only tests that need rows pay for it."""
    from airflow.utils.db import initdb  # noqa: PLC0415 - not before the environment is set, nor without need

    initdb()
    for logger in logging.root.manager.loggerDict.values():
        if isinstance(logger, logging.Logger):
            logger.disabled = False  # Alembic's logging configuration disables those that are there already
