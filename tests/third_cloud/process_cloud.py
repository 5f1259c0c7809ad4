"""A third cloud, on one machine: each job is a process, and a folder that says all there is to know of it.

    <root>/<deployment>/<token>/
        identity.json   whose it is
        lock, log       locked by the processes of the job as long as any of them lives; what they print
        pid             of their process group, from just before the command starts
        exit, stop      the exit code of the command, once it has ended; why it was told to stop

A folder appears by one rename, so a token has one job. Any scheduler sees the same, and jobs outlive schedulers.
"""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from aws_exec.clouds.cloud import Answer, Capabilities, Description, Request
from aws_exec.lifecycle.identity import from_environment
from aws_exec.lifecycle.orphans import FleetMember
from aws_exec.lifecycle.values import CallFailure, FailureKind, Job, Observation, Status, Termination, launch_of

SERVICE = "process"
#: Waits for the word to start (a launcher that dies before it has noted the process never gives it), outlives SIGTERM
#: (whose trap must not be there yet when the command forks), and notes the exit code in one step.
_MAIN = 'read -r _ || exit; "$@" & trap : TERM; while wait $!; e=$?; [ -d /proc/$! ]; do :; done; echo $e >e; mv e exit'


class ProcessCloud:
    """The jobs of one deployment under `root`, which has to be there; at most `room` of them run at a time."""

    capabilities = Capabilities(SERVICE, idempotent_submit=True)

    def __init__(self, root: Path, deployment: str, room: int) -> None:
        self.root, self.deployment, self.room = root, deployment, room

    def submit(self, requests: Sequence[Request]) -> Sequence[Answer]:
        return [self._submit(request) for request in requests]

    def describe(self, location: str, jobs: Sequence[Job]) -> Description:
        looks = {job: self._look(job) for job in jobs}
        return Description(tuple(filter(None, looks.values())), tuple(job for job in jobs if looks[job] is None))

    def list_running(self, location: str, jobs: Sequence[Job]) -> Sequence[Job]:
        return [job for job in jobs if not _lives(self._folder(job))]

    def find(self, token_bases: Sequence[str], locations: Sequence[str]) -> Sequence[Observation]:
        return [seen for seen in self._fleet() if launch_of(seen.token) in token_bases]

    def stop(self, jobs: Sequence[Job], reason: str) -> Sequence[CallFailure | None]:
        return [self._stop(job, reason) for job in jobs]

    def list_fleet(self, locations: Sequence[str], ended_of: Sequence[str] = ()) -> Sequence[FleetMember]:
        fleet = list(self._fleet())
        lost = set(ended_of) - {launch_of(seen.token) for seen in fleet if seen.status is not Status.STOPPED}
        told = [seen for seen in fleet if seen.status is not Status.STOPPED or launch_of(seen.token) in lost]
        said = [json.loads(_text(self._folder(seen.job) / "identity.json")) for seen in told]
        return [FleetMember(seen, from_environment(whose)) for seen, whose in zip(told, said, strict=True)]

    def check(self) -> CallFailure | None:
        if os.access(self.root, os.W_OK | os.X_OK):
            return None
        return CallFailure(FailureKind.REFUSED, "check", "NoRoot", f"{self.root} is no folder to write to")

    def _submit(self, request: Request) -> Answer:
        job = Job(f"{SERVICE}:{self.deployment}/{request.token}")
        if (seen := self._look(job)) is not None:
            return seen
        if sum(seen.status is not Status.STOPPED for seen in self._fleet()) >= self.room:
            return CallFailure(FailureKind.NO_CAPACITY, "submit", "NoRoom", f"{self.room} processes run already")
        try:
            self._make(self._folder(job), **request.arguments)
        except OSError as error:
            return CallFailure(FailureKind.REFUSED, "submit", type(error).__name__, str(error))
        return self._look(job)

    def _make(self, folder: Path, command: Sequence[str], environment: Sequence[dict[str, str]]) -> None:
        variables = {"PATH": os.environ["PATH"]} | {each["name"]: each["value"] for each in environment}
        whose = {name: value for name, value in variables.items() if name.startswith("AWSEXEC_")}
        draft = folder.with_name(f".{folder.name}.{os.getpid()}.{threading.get_ident()}")
        draft.mkdir(parents=True)
        (draft / "identity.json").write_text(json.dumps(whose))
        with (draft / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                draft.rename(folder)
            except OSError:
                shutil.rmtree(draft)  # another request for the token was faster
            else:
                _start(folder, command, variables, lock.fileno())

    def _stop(self, job: Job, reason: str) -> CallFailure | None:
        seen, folder = self._look(job), self._folder(job)
        if seen is None or seen.status is Status.STOPPED:
            return None
        if not seen.started:
            return CallFailure(FailureKind.UNREACHED, "stop", "Starting", "its process is about to start")
        # SIGTERM; SIGKILL for what was told before, and for what outlives its command.
        first = seen.stop is None and not (folder / "stop").exists()
        if first:
            (folder / "stop").write_text(reason)
        with suppress(ProcessLookupError):
            os.killpg(int(_text(folder / "pid")), signal.SIGTERM if first else signal.SIGKILL)
        return None

    def _folder(self, job: Job) -> Path:
        return self.root / job.arn.removeprefix(f"{SERVICE}:")

    def _fleet(self) -> Iterator[Observation]:
        folders = (lock.parent for lock in (self.root / self.deployment).glob("[!.]*/lock"))
        return filter(None, (self._look(Job(f"{SERVICE}:{self.deployment}/{each.name}")) for each in folders))

    def _look(self, job: Job) -> Observation | None:
        folder = self._folder(job)
        if not folder.is_dir():
            return None
        lives = _lives(folder)  # asked first: what a process leaves behind is there once it has ended
        started, code, reason = (folder / "pid").exists(), _text(folder / "exit"), _text(folder / "stop")
        stop = Termination(SERVICE, int(code) if code else None, started, reason=reason, user_initiated=bool(reason))
        status = (Status.RUNNING if started else Status.STARTING) if lives else Status.STOPPED
        return Observation(job, status, started, folder.name, stop if code or not lives else None)


def _start(folder: Path, command: Sequence[str], variables: dict[str, str], lock: int) -> None:
    how = {"cwd": folder, "env": variables, "pass_fds": [lock], "start_new_session": True, "stdin": subprocess.PIPE}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(["sh", "-c", _MAIN, "sh", *command], stdout=log, stderr=log, **how)
    threading.Thread(target=process.wait, daemon=True).start()  # or it would stay behind as a zombie
    (folder / "pid").write_text(str(process.pid))
    with process.stdin as word:
        word.write(b"go\n")


def _lives(folder: Path) -> bool:
    try:
        with (folder / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return isinstance(error, BlockingIOError)
    return False


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""
