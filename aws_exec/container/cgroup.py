"""What the kernel counts for the container: memory and CPU of its cgroup, v2 or v1. Standard library only.

Files and units: the kernel's `Documentation/admin-guide/cgroup-v2.rst` and `cgroup-v1/{memory,cpuacct}.rst`.
"""

from __future__ import annotations

import os

#: Where cgroups are mounted.
MOUNT = "/sys/fs/cgroup"
#: v1 writes "no limit" as the largest multiple of a page; no machine has half as much memory.
_NO_LIMIT = 1 << 62
#: Ticks per second of `cpuacct.stat` (USER_HZ).
_TICKS = os.sysconf("SC_CLK_TCK")
#: Set in every container of ECS, and so of Batch.
_AT_AWS = "ECS_CONTAINER_METADATA_URI_V4"


class Cgroup:
    """The counters of one cgroup.

    Attributes:
        memory: the directory of its memory controller; empty if there is none that counts this container alone.
        cpu: of its CPU controller, likewise.
        accounting: of v1's CPU accounting, likewise; the same as `cpu` in v2.
        unified: whether it is v2.
    """

    def __init__(self, memory: str = "", cpu: str = "", accounting: str = "", *, unified: bool = True) -> None:
        self.memory = memory
        self.cpu = cpu
        self.accounting = accounting
        self.unified = unified

    @property
    def version(self) -> str:
        """`cgroup-v1` or `cgroup-v2`; empty if nothing counts this container alone."""
        return f"cgroup-v{2 if self.unified else 1}" if self.memory else ""

    def memory_peak(self) -> int | None:
        """Return the most memory that was in use at a time, in bytes; None if the kernel does not count it."""
        return _number(self.memory, "memory.peak" if self.unified else "memory.max_usage_in_bytes")

    def memory_limit(self) -> int | None:
        """Return the limit in bytes; None if it has none."""
        limit = _number(self.memory, "memory.max" if self.unified else "memory.limit_in_bytes")
        return limit if limit is not None and limit < _NO_LIMIT else None

    def oom_kills(self) -> int | None:
        """Return how many processes the kernel killed because the limit was reached; None if it does not count them."""
        return _member(self.memory, "memory.events" if self.unified else "memory.oom_control", "oom_kill")

    def cpu_seconds(self) -> tuple[float, float] | None:
        """Return user and system CPU time; None if they are not counted."""
        name, unit = ("cpu.stat", 1e6) if self.unified else ("cpuacct.stat", float(_TICKS))
        user = _member(self.accounting, name, "user_usec" if self.unified else "user")
        system = _member(self.accounting, name, "system_usec" if self.unified else "system")
        return None if user is None or system is None else (user / unit, system / unit)

    def throttled_seconds(self) -> float | None:
        """Return how long its processes waited because the CPU limit was reached; None if that is not counted."""
        member, unit = ("throttled_usec", 1e6) if self.unified else ("throttled_time", 1e9)
        throttled = _member(self.cpu, "cpu.stat", member)
        return None if throttled is None else throttled / unit

    def cpu_limit(self) -> float | None:
        """Return the limit in vCPUs; None if it has none."""
        if self.unified:
            quota, _, period = _text(self.cpu, "cpu.max").partition(" ")
        else:
            quota, period = _text(self.cpu, "cpu.cfs_quota_us"), _text(self.cpu, "cpu.cfs_period_us")
        return int(quota) / int(period) if quota.isdecimal() and period.isdecimal() and int(period) else None


def own_cgroup(mount: str = MOUNT, process: str = "/proc/self/cgroup") -> Cgroup:
    """Return the cgroup of this container; one without counters if it shares its cgroup with other programs.

    At AWS the mount shows the container's cgroup at its root. Elsewhere (the local AWS emulator) it is at the path in
    `/proc/self/cgroup`, and counts as the container's if nothing but this process and its parent runs in it.
    """
    own_paths = paths(_text("", process))
    unified = os.path.exists(os.path.join(mount, "cgroup.controllers"))
    at_aws = _AT_AWS in os.environ

    def directory(controller: str) -> str:
        root = mount if unified else os.path.join(mount, controller)
        own = os.path.normpath(root + "/" + own_paths.get("" if unified else controller, "/"))
        if own != os.path.normpath(root) and os.path.isdir(own):
            return own if at_aws or _is_alone(own) else ""
        return root if at_aws and os.path.isdir(root) else ""

    cpu = directory("cpu")
    return Cgroup(directory("memory"), cpu, cpu if unified else directory("cpuacct"), unified=unified)


def _is_alone(directory: str) -> bool:
    processes = {int(word) for word in _text(directory, "cgroup.procs").split() if word.isdecimal()}
    return bool(processes) and processes <= {os.getpid(), os.getppid()}


def paths(text: str) -> dict[str, str]:
    """Return the path of each v1 controller, and of v2 under the empty name, from the text of `/proc/PID/cgroup`."""
    found = {}
    for line in text.splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        found.update(dict.fromkeys(controllers.split(","), path))
    return found


def _text(directory: str, name: str) -> str:
    try:
        with open(os.path.join(directory, name), encoding="ascii") as file:
            return file.read().strip()
    except (OSError, ValueError):
        return ""


def _number(directory: str, name: str) -> int | None:
    text = _text(directory, name) if directory else ""
    return int(text) if text.isdecimal() else None


def _member(directory: str, name: str, member: str) -> int | None:
    for line in (_text(directory, name) if directory else "").splitlines():
        key, _, value = line.partition(" ")
        if key == member and value.isdecimal():
            return int(value)
    return None
