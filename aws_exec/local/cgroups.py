"""Control groups: the limits that the kernel keeps on the memory and the CPU of a container's processes.

A group is a directory, below that of the group which this process is in. Version 1 of the kernel's interface has one
tree for each controller, version 2 has one tree for all: the kernel's documentation, admin-guide/cgroup-v1 and
admin-guide/cgroup-v2.rst. Otherwise they differ in names, and in the form of what `settings` writes.

A group is named after the process that made it: what a killed emulator could not remove, the next one does.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

from aws_exec.container.cgroup import paths

_LOG = logging.getLogger(__name__)

#: Which limits of containers are in force.
LimitMode: TypeAlias = Literal["none", "memory", "all"]

#: What the kernel says of this process.
PROC = Path("/proc/self")

_PREFIX = "awsexec-"
_CONTROLLERS = ("memory", "cpu", "cpuacct")
_MIB = 1024 * 1024
_UNITS_PER_VCPU = 1024
#: Microseconds in which a group may use so much CPU; the kernel's default, and what the ECS agent and Docker use.
_PERIOD = 100_000
#: A killed process leaves its group when the kernel has torn it down: milliseconds, more under load. So often, and so
#: many seconds apart, a group is removed anew before it is left behind.
_REMOVALS = 200
_REMOVAL_PAUSE = 0.01


class NoControlGroupsError(Exception):
    """This process cannot make control groups; the message says why."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a container may use; None is as much as the machine has.

    Attributes:
        memory: MiB.
        cpu: CPU units, 1024 of which are one vCPU: a cap, as on Fargate.
    """

    memory: int | None = None
    cpu: int | None = None


NO_LIMITS = Limits()

#: Kernels without swap accounting do not have them.
_OPTIONAL = frozenset({"memory.memsw.limit_in_bytes", "memory.swap.max"})


def settings(limits: Limits, *, unified: bool) -> Iterator[tuple[str, str, str]]:
    """Yield what enforces limits: controller, file, what goes into it, in the order in which the kernel takes it.

    No memory may be swapped out: version 1 limits memory and swap together, version 2 each for itself.

    Args:
        limits: what a container may use.
        unified: whether it is version 2.
    """
    if limits.memory is not None:
        memory = str(limits.memory * _MIB)
        yield "memory", "memory.max" if unified else "memory.limit_in_bytes", memory
        yield "memory", *(("memory.swap.max", "0") if unified else ("memory.memsw.limit_in_bytes", memory))
    if limits.cpu is not None:
        quota = limits.cpu * _PERIOD // _UNITS_PER_VCPU
        if unified:
            yield "cpu", "cpu.max", f"{quota} {_PERIOD}"
        else:
            yield "cpu", "cpu.cfs_period_us", str(_PERIOD)
            yield "cpu", "cpu.cfs_quota_us", str(quota)


@dataclass(frozen=True, slots=True)
class Tree:
    """Where groups are made.

    Attributes:
        parents: the directory below which a group is made, by controller: `memory` and `cpu`, which limit, and
            `cpuacct`, which counts the CPU time used. In version 2 they are the same.
        unified: whether it is version 2.
    """

    parents: Mapping[str, Path]
    unified: bool

    @property
    def directories(self) -> tuple[Path, ...]:
        """Each directory once, that of `memory` first."""
        return tuple(dict.fromkeys(self.parents.values()))


@dataclass(frozen=True, slots=True)
class ControlGroup:
    """A container's group; without directories none at all, and nothing is limited.

    Attributes:
        directories: what a process must join to be in it: it writes `0` into the `cgroup.procs` of each.
        events: the file that counts the processes which the kernel killed; None for no group.
    """

    directories: tuple[Path, ...] = ()
    events: Path | None = None

    def oom_kills(self) -> int:
        """Return how many of its processes the kernel killed because they needed more memory than the limit."""
        if self.events is None:
            return 0
        return int(dict(line.split() for line in self.events.read_text().splitlines()).get("oom_kill", 0))

    def remove(self) -> None:
        """Kill whatever is still in it, and remove it; without effect a second time."""
        for _ in range(_REMOVALS):
            self._kill()
            if all(_removed(directory) for directory in self.directories):
                return
            time.sleep(_REMOVAL_PAUSE)
        _LOG.warning("cannot remove the control group %s", self.directories[0])

    def _kill(self) -> None:
        for directory in self.directories:
            with contextlib.suppress(OSError):  # it is removed, or was never made
                if (at_once := directory / "cgroup.kill").exists():  # version 2, from Linux 5.14
                    at_once.write_text("1")
                for pid in map(int, (directory / "cgroup.procs").read_text().split()):
                    _kill(pid)


def make(tree: Tree, limits: Limits) -> ControlGroup:
    """Make a group, with its limits in force.

    Raises:
        OSError: the kernel refused.
    """
    name = f"{_PREFIX}{os.getpid()}-{uuid.uuid4().hex[:12]}"
    events = "memory.events" if tree.unified else "memory.oom_control"
    group = ControlGroup(tuple(parent / name for parent in tree.directories), tree.parents["memory"] / name / events)
    try:
        for directory in group.directories:
            directory.mkdir()
        for controller, file, text in settings(limits, unified=tree.unified):
            path = tree.parents[controller] / name / file
            if file not in _OPTIONAL or path.exists():
                path.write_text(text)
    except OSError:
        group.remove()
        raise
    return group


def find(proc: Path = PROC) -> Tree:
    """Return where this process can make groups.

    Args:
        proc: the folder of `cgroup`, the groups that this process is in, and of `mountinfo`.

    Raises:
        NoControlGroupsError: nowhere.
    """
    try:
        mounts, own = _mounts(proc / "mountinfo"), paths((proc / "cgroup").read_text())
        if "memory" in mounts:
            parents = {name: _below(*mounts[name], own[name]) for name in _CONTROLLERS}
            return Tree(parents, unified=False)
        point, root = mounts[""]
        directory = _delegating(_below(point, root, own[""]), point)
    except FileNotFoundError as error:
        raise NoControlGroupsError(f"{error.filename} does not exist") from error
    except KeyError as error:
        raise NoControlGroupsError(f"no control groups are mounted for {error.args[0] or 'memory'}") from error
    return Tree(dict.fromkeys(_CONTROLLERS, directory), unified=True)


def _mounts(path: Path) -> dict[str, tuple[Path, str]]:
    """By controller, or an empty name for version 2: where its tree is mounted, and which part of the tree that is."""
    found: dict[str, tuple[Path, str]] = {}
    for line in path.read_text().splitlines():
        about, _, filesystem = line.partition(" - ")
        kind, _, options = filesystem.split(" ", 2)
        root, point = about.split(" ")[3:5]
        names = {"cgroup": options.split(","), "cgroup2": [""]}.get(kind, [])
        found |= {name: (Path(point), root) for name in names}
    return found


def _below(point: Path, root: str, group: str) -> Path:
    """The directory of a group; the mount point where the group is not below what is mounted."""
    relative = os.path.relpath(group, root)
    return point if relative.startswith("..") else point / relative


def _delegating(directory: Path, top: Path) -> Path:
    """The nearest group whose groups below have the controllers, in version 2.

    A group cannot give its controllers to groups below it while processes are in it ("no internal processes"), which
    is why it is seldom this process's own; none is changed.
    """
    for one in (directory, *directory.parents):
        if {"memory", "cpu"} <= set((one / "cgroup.subtree_control").read_text().split()):
            return one
        if one == top:
            break
    raise NoControlGroupsError(f"no cgroup.subtree_control from {directory} up to {top} has memory and cpu")


def sweep(tree: Tree) -> None:
    """Remove the groups of processes that do not exist any more."""
    for directory in tree.directories:
        for group in directory.glob(f"{_PREFIX}*"):
            pid = group.name.removeprefix(_PREFIX).partition("-")[0]
            if not Path(f"/proc/{pid}").exists():
                _removed(group)  # what still ends in it leaves it to the next


def _removed(directory: Path) -> bool:
    try:
        directory.rmdir()
    except FileNotFoundError:
        return True
    except OSError:  # a process is in it
        return False
    return True


def _kill(pid: int) -> None:
    if pid:  # 0 stands for a process of another PID namespace
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class Enforcement:
    """Which limits are in force, and where.

    Attributes:
        tree: where groups are made; None: containers have no limits.
        cpu: whether that of the CPU is.
        problem: why there are none, though they were wanted; empty otherwise.
    """

    tree: Tree | None = None
    cpu: bool = False
    problem: str = ""

    @classmethod
    def of(cls, mode: LimitMode, proc: Path = PROC) -> Enforcement:
        """Return what this process can enforce of a mode; log why, if that is nothing.

        Nothing stands in for control groups. RLIMIT_AS counts the addresses that a process reserved, and Airflow
        reserves more than it uses; it counts each process alone; and it fails an allocation where the kernel kills.
        """
        if mode == "none":
            return NOTHING_ENFORCED
        try:
            tree = find(proc)
            sweep(tree)
            make(tree, Limits(memory=512, cpu=1024)).remove()
        except (NoControlGroupsError, OSError) as error:
            _LOG.info("containers have no memory limits: %s", error)
            return cls(problem=str(error))
        return cls(tree, mode == "all")

    def group(self, limits: Limits) -> ControlGroup:
        """Make a container's group, unless nothing of it is limited.

        Raises:
            OSError: the kernel refused.
        """
        kept = limits if self.cpu else replace(limits, cpu=None)
        return ControlGroup() if self.tree is None or kept == NO_LIMITS else make(self.tree, kept)


NOTHING_ENFORCED = Enforcement()
