"""A scripted fleet on ECS for tests of the command line: jobs of this deployment, and answers that wait for a word."""

from __future__ import annotations

import threading
from collections.abc import Callable

from tests.fleet.fleet import OURS, identity
from tests.scripted.services import ScriptedEcs

REGION = "eu-central-1"


class Gate:
    """Holds back what a scripted service answers late (`held`), until it is opened.

    Args:
        free: answers that are let through before.
    """

    def __init__(self, free: int = 0) -> None:
        self._free = free
        self._came = threading.Semaphore(0)
        self._held: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self._open = False

    def __call__(self, _: float, send: Callable[[], None]) -> None:
        with self._lock:
            self._free -= 1
            if not self._open and self._free < 0:
                self._held.append(send)
                self._came.release()
                return
        send()

    def wait_for(self, count: int) -> None:
        """Wait until so many answers are held."""
        for _ in range(count):
            assert self._came.acquire(timeout=60), "nobody asks"

    def open(self) -> None:
        """Let all of them go, now and later."""
        with self._lock:
            self._open, held = True, self._held
        for send in held:
            send()


def reaching(service: ScriptedEcs, home: object) -> dict[str, str]:
    """The environment of a shell whose ECS is this one; whose jobs are ours is not said."""
    return {
        "AIRFLOW_HOME": str(home),
        "AWS_ENDPOINT_URL_ECS": service.get_url(),
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
    }


def given(service: ScriptedEcs, home: object) -> dict[str, str]:
    """The same, with a cluster and a deployment configured."""
    return {
        **reaching(service, home),
        "AIRFLOW__AWS_ECS_EXECUTOR__CLUSTER": "fleet",
        "AIRFLOW__AWS_ECS_EXECUTOR__DEPLOYMENT": OURS,
    }


def launched(service: ScriptedEcs, *tasks: str, cluster: str = "fleet", **how: str) -> list[str]:
    """Tasks that run in a cluster; their ARNs. `how` is as of `fleet.identity`."""
    arns = []
    for task in tasks:
        pairs = [{"name": name, "value": value} for name, value in identity(task, **how).environment().items()]
        overrides = {"containerOverrides": [{"name": "airflow", "environment": pairs}]}
        arns.append(service.add({"cluster": cluster, "overrides": overrides}))
    return arns
