"""What an Airflow of one's own is configured with: two homes, one for its components and one for the containers.

The containers' home holds no secret and no database: a container knows where the API server is, and has its task's
token in its command line, as on AWS.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from aws_exec.local.http import LOOPBACK

USER = "admin"

#: Section -> option -> value, as in airflow.cfg.
Settings = Mapping[str, Mapping[str, str]]

#: Tuned for two cores and impatient people: what Airflow does seldom by default it does every second or so, and what
#: costs processor time without use here it does not do at all.
_QUICK: Settings = {
    "core": {
        "hostname_callable": "socket.gethostname",  # the default asks the DNS
        "parallelism": "16",
    },
    "api": {"workers": "1", "expose_config": "False"},
    "dag_processor": {
        "parsing_processes": "1",
        "min_file_process_interval": "60",
        "refresh_interval": "30",
        "print_stats_interval": "0",
        "stale_dag_threshold": "3600",
    },
    "scheduler": {
        "scheduler_heartbeat_sec": "1",
        "job_heartbeat_sec": "2",
        "scheduler_idle_sleep_time": "0.5",
        "enable_health_check": "False",
        "catchup_by_default": "False",
        "task_queued_timeout": "3600",  # the executor for Batch warns of Airflow's ten minutes
    },
    "triggerer": {"job_heartbeat_sec": "2", "capacity": "20"},
    "usage_data_collection": {"enabled": "False"},  # nothing leaves this machine
    "logging": {"colored_console_log": "False"},
}


@dataclass(frozen=True, slots=True)
class AirflowHome:
    """The files of one Airflow.

    Attributes:
        directory: AIRFLOW_HOME of the components; everything else is below it.
        port: of the API server, on loopback.
        password: of the user `admin`, made for this home.
    """

    directory: Path
    port: int
    password: str

    @property
    def url(self) -> str:
        """Where the API server and the web interface are."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.directory / "airflow.db"

    @property
    def dags(self) -> Path:
        """Where DAG files are."""
        return self.directory / "dags"

    @property
    def logs(self) -> Path:
        """Where task logs are, and in `components/` those of the components."""
        return self.directory / "logs"

    @property
    def for_containers(self) -> Path:
        """AIRFLOW_HOME of the containers."""
        return self.directory / "container"


def make_home(directory: Path, port: int, executor: str, dags: Iterable[Path], settings: Settings) -> AirflowHome:
    """Write configuration and DAG files.

    Args:
        directory: made if missing, readable by its owner only.
        port: for the API server.
        executor: as `[core] executor`.
        dags: directories whose content is copied together.
        settings: options of airflow.cfg that win over the ones here.
    """
    home = AirflowHome(directory, port, secrets.token_urlsafe(12))
    for each in (directory, home.logs / "components", home.for_containers):
        each.mkdir(parents=True, exist_ok=True, mode=0o700)
    for source in dags:
        shutil.copytree(source, home.dags, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    passwords = directory / "passwords.json"
    _write(passwords, json.dumps({USER: home.password}))
    shared = _shared(home, executor)
    _write(home.for_containers / "airflow.cfg", _cfg(_QUICK, shared))
    _write(directory / "airflow.cfg", _cfg(_QUICK, shared, _secret(home, passwords), settings))
    return home


def _shared(home: AirflowHome, executor: str) -> Settings:
    return {
        "core": {
            # A container cannot load a DAG with a task that asks for an executor which is not configured there too.
            "executor": executor,
            "dags_folder": str(home.dags),
            "execution_api_server_url": f"{home.url}/execution/",
        },
        "logging": {"base_log_folder": str(home.logs)},
    }


def _secret(home: AirflowHome, passwords: Path) -> Settings:
    """What only the components know, and have to agree about."""
    return {
        "core": {
            "fernet_key": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "simple_auth_manager_users": f"{USER}:admin",
            "simple_auth_manager_passwords_file": str(passwords),
        },
        "database": {"sql_alchemy_conn": f"sqlite:///{home.database}"},
        "api": {
            "host": LOOPBACK,
            "port": str(home.port),
            "base_url": home.url,
            "secret_key": secrets.token_hex(32),
        },
        "api_auth": {"jwt_secret": secrets.token_hex(64)},
        "logging": {"dag_processor_child_process_log_directory": str(home.logs / "dag_processor")},
    }


def _cfg(*layers: Settings) -> str:
    """The layers as airflow.cfg, later ones winning option by option."""
    merged: dict[str, dict[str, str]] = {}
    for layer in layers:
        for section, options in layer.items():
            merged.setdefault(section, {}).update(options)
    return "\n".join(
        f"[{section}]\n" + "".join(f"{name} = {value.replace('%', '%%')}\n" for name, value in options.items())
        for section, options in merged.items()
    )


def _write(path: Path, text: str) -> None:
    """Write a file that only its owner can read, from its first byte on."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
