"""The world that the conformance suite runs over: processes that wait for their exit code."""

import fcntl
import uuid
from pathlib import Path

from aws_exec.clouds.cloud import Request
from aws_exec.lifecycle.values import Job, Token
from aws_exec.testing.conformance import World
from tests.clouds.worlds import Processes
from tests.third_cloud.process_cloud import SERVICE, ProcessCloud

#: More than the suite runs at a time.
ROOM = 200


class ProcessWorld(World):
    def __init__(self, root: Path):
        self.root = root
        self.cloud = ProcessCloud(root, "ours", ROOM)
        self.processes = Processes()

    def request(self, token: Token) -> Request:
        return Request(token, self.location, self.processes.container(token))

    def other_request(self, token: Token) -> Request:
        return Request(token, self.location, {**self.processes.container(token), "command": ["false"]})

    def start(self, job: Job) -> None:
        """It has started by the time it was accepted."""

    def finish(self, job: Job, exit_code: int) -> None:
        self.processes.exit(job.arn.rpartition("/")[2], exit_code)
        self.wait_until_stopped(job)

    def wait_until_stopped(self, job: Job) -> None:
        with self.file(job, "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)

    def refuse_next(self) -> None:
        self.cloud.room = 0

    def launch_foreign(self, token: Token | None) -> Job:
        token = token or f"{uuid.uuid4()}-1"
        [seen] = ProcessCloud(self.root, "theirs", ROOM).submit([self.request(token)])
        return seen.job

    def unknown_job(self) -> Job:
        return Job(f"{SERVICE}:ours/{uuid.uuid4()}-1")

    def unhealthy(self) -> ProcessCloud:
        return ProcessCloud(self.root / "nowhere", "ours", ROOM)

    def containers(self) -> int:
        return len(list(self.root.glob("*/*")))

    def file(self, job: Job, name: str) -> Path:
        """What the cloud knows of a job."""
        return self.root / job.arn.removeprefix(f"{SERVICE}:") / name

    def close(self) -> None:
        """Leave nothing running, nor any request half carried out."""
        assert not list(self.root.glob("*/.*"))
        for deployment in ("ours", "theirs"):
            jobs = [each.seen.job for each in ProcessCloud(self.root, deployment, ROOM).list_fleet([])]
            for _ in range(2):  # the second time it is SIGKILL
                self.cloud.stop(jobs, "the test is over")
            for job in jobs:
                self.wait_until_stopped(job)
        self.processes.close()
