"""200 tasks with a workload store, while a fifth of the calls to the service and to S3 goes wrong.

The containers are scripted, but what they do with their commands is the code that runs in a container: the workload is
fetched from the scripted S3, and deleted there.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor

import jwt
import pytest

from aws_exec.container import bootstrap, store
from tests.executors.harness import FastClock, Scheduler, task
from tests.executors.services import over_both
from tests.scripted.s3 import ScriptedS3
from tests.scripted.services import BY_HAND
from tests.scripted.tricks import cut_short, error, reset, server_error

pytestmark = pytest.mark.containers

TASKS = 200
#: At 5 % each.
EVERYWHERE = (server_error(), server_error(acts=True), reset(), reset(acts=True))
SLOW_DOWN = error("SlowDown", "Please reduce your request rate.", status=503)


class Containers:
    """Runs each container that a scripted service has launched: it fetches its workload, and ends well if it has it.

    Attributes:
        fetched: how often the workload of each task instance was fetched, by the instance's id.
    """

    def __init__(self, aws) -> None:
        self.fetched = Counter()
        self._aws = aws
        self._pool = ThreadPoolExecutor(8)
        self._running: dict[str, Future[None]] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_exc):
        self._over.set()
        self._thread.join()
        self._pool.shutdown()
        for future in self._running.values():
            future.result()

    def _watch(self):
        while not self._over.wait(0.01):
            for launch in self._aws.launches()[len(self._running) :]:
                self._running[launch.arn] = self._pool.submit(self._run, launch)

    def _run(self, launch):
        self._aws.start(launch.arn)
        code = 0
        try:
            option, address, region = launch.command[-3:]
            assert option == bootstrap.STORED
            workload = json.loads(store.fetch(address, region))
            claims = jwt.decode(workload["token"], options={"verify_signature": False})
            assert claims["sub"] == workload["ti"]["id"]
            self.fetched[workload["ti"]["id"]] += 1
        except SystemExit as error:
            code = error.code
        self._aws.exit(launch.arn, code)
        self._aws.end(launch.arn)


@pytest.fixture
def s3(monkeypatch):
    with ScriptedS3(seed=1) as s3:
        monkeypatch.setenv(s3.VARIABLE, s3.url)
        yield s3


@over_both
def test_nothing_is_lost_nothing_runs_twice_and_nothing_is_left(started, aws, service, s3, caplog):
    sent = []
    aws.set_plan(BY_HAND)
    aws.listen(lambda _, body: sent.append(body))
    with Containers(aws) as containers:
        scheduler = Scheduler(started(clock=FastClock(8), workload_store="s3://workloads/production"))
        for trick in EVERYWHERE:
            aws.goes_wrong(trick, share=0.05)
        for trick in (*EVERYWHERE, SLOW_DOWN):
            s3.goes_wrong(trick, share=0.05)
        s3.goes_wrong(cut_short(), "GetObject", share=0.05)
        workloads = [task(f"task-{number}") for number in range(TASKS)]
        scheduler.queue(*workloads)
        scheduler.until_over(*(workload.key for workload in workloads), deadline=120)
    assert [scheduler.outcomes(workload.key) for workload in workloads] == [["success"]] * TASKS
    assert containers.fetched == {str(workload.ti.id): 1 for workload in workloads}
    assert aws.double_launches() == {}
    assert s3.objects == {}
    assert min(s3.played()[name] for name in ("PutObject", "GetObject", "DeleteObject")) > 20
    assert aws.played()[service.launch] > 20
    assert len(sent) > TASKS
    assert not [body for body in sent if b"eyJ" in body], "no token was ever sent to the service"
    assert "Traceback" not in caplog.text
