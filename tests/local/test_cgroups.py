"""Where control groups are made, and what is written into them, in both versions of the kernel's interface.

Version 2 is tested as far as text and a tree of plain files go: where its group has no memory controller, no limit can
be seen to hold. What kills and removes a group runs on a real one, wherever a tree of version 2 is mounted.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from aws_exec.local.cgroups import ControlGroup, Limits, NoControlGroupsError, find, make, settings, sweep

V1 = """\
35 31 0:32 / {0}/memory rw,relatime - cgroup cgroup rw,memory
32 31 0:29 / {0}/cpu,cpuacct rw,nosuid shared:15 master:3 - cgroup cgroup rw,cpu,cpuacct
41 31 0:38 / {0}/unified rw,relatime - cgroup2 cgroup2 rw
23 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
"""
V2 = "41 31 0:38 {1} {0} rw,relatime - cgroup2 cgroup2 rw,nsdelegate\n"


def said(tmp_path: Path, mounts: str, groups: str, root: str = "/") -> Path:
    """A /proc/self that says this of a tree at `tmp_path`."""
    proc = tmp_path / "proc"
    proc.mkdir()
    (proc / "mountinfo").write_text(mounts.format(tmp_path, root))
    (proc / "cgroup").write_text(groups)
    return proc


def group(directory: Path, controllers: str) -> Path:
    """A group of version 2 that gives groups below it these controllers."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "cgroup.subtree_control").write_text(controllers)
    return directory


def test_version_1_has_a_tree_for_each_controller_below_the_groups_of_this_process(tmp_path):
    proc = said(tmp_path, V1, "5:memory:/user/one\n4:cpu,cpuacct:/\n1:name=systemd:/\n0::/\n")

    tree = find(proc)

    memory, cpu = tmp_path / "memory" / "user" / "one", tmp_path / "cpu,cpuacct"
    assert not tree.unified
    assert tree.parents == {"memory": memory, "cpu": cpu, "cpuacct": cpu}
    assert tree.directories == (memory, cpu)


def test_a_group_outside_of_what_is_mounted_is_that_at_the_mount_point(tmp_path):
    """As in a container that sees the host's paths, with its own group mounted."""
    mounts = V1.replace("0:32 / ", "0:32 /docker/abc ")
    inside = said(tmp_path, mounts, "5:memory:/docker/abc/below\n4:cpu,cpuacct:/docker/abc\n0::/\n")
    assert find(inside).parents["memory"] == tmp_path / "memory" / "below"

    (inside / "cgroup").write_text("5:memory:/elsewhere\n4:cpu,cpuacct:/\n0::/\n")
    assert find(inside).parents["memory"] == tmp_path / "memory"


def test_version_2_has_one_tree_below_the_nearest_group_that_gives_memory_and_cpu(tmp_path):
    group(tmp_path, "cpuset cpu io memory pids")
    user = group(tmp_path / "user.slice", "cpu memory pids")
    group(tmp_path / "user.slice" / "user-0.slice", "memory pids")
    group(tmp_path / "user.slice" / "user-0.slice" / "session-1.scope", "")
    proc = said(tmp_path, V2, "0::/user.slice/user-0.slice/session-1.scope\n")

    tree = find(proc)

    assert tree.unified
    assert tree.directories == (user,)
    assert set(tree.parents) == {"memory", "cpu", "cpuacct"}


def test_version_2_is_no_use_where_no_group_gives_memory(tmp_path):
    """As in a container with a namespace of its own: its processes are in the one group that it sees."""
    group(tmp_path, "")
    proc = said(tmp_path, V2, "0::/\n")

    with pytest.raises(NoControlGroupsError, match="has memory and cpu"):
        find(proc)


@pytest.mark.parametrize(
    ("mounts", "groups", "why"),
    [
        ("23 1 8:1 / / rw - ext4 /dev/sda1 rw\n", "", "no control groups are mounted for memory"),
        (V1, "5:memory:/\n0::/\n", "no control groups are mounted for cpu"),
    ],
)
def test_what_is_not_mounted_is_named(tmp_path, mounts, groups, why):
    with pytest.raises(NoControlGroupsError, match=why):
        find(said(tmp_path, mounts, groups))


def test_without_proc_there_are_no_groups(tmp_path):
    with pytest.raises(NoControlGroupsError, match="mountinfo does not exist"):
        find(tmp_path)


def test_limits_in_version_1():
    assert list(settings(Limits(memory=512, cpu=256), unified=False)) == [
        ("memory", "memory.limit_in_bytes", "536870912"),
        ("memory", "memory.memsw.limit_in_bytes", "536870912"),
        ("cpu", "cpu.cfs_period_us", "100000"),
        ("cpu", "cpu.cfs_quota_us", "25000"),
    ]


def test_limits_in_version_2():
    assert list(settings(Limits(memory=512, cpu=2048), unified=True)) == [
        ("memory", "memory.max", "536870912"),
        ("memory", "memory.swap.max", "0"),
        ("cpu", "cpu.max", "200000 100000"),
    ]


def test_what_has_no_limit_is_not_written():
    assert list(settings(Limits(cpu=1024), unified=True)) == [("cpu", "cpu.max", "100000 100000")]
    assert list(settings(Limits(memory=1), unified=True)) == [
        ("memory", "memory.max", "1048576"),
        ("memory", "memory.swap.max", "0"),
    ]
    assert list(settings(Limits(), unified=False)) == []


def test_a_group_of_version_2_in_plain_files(tmp_path):
    """The files that limit are written; there is no swap accounting here, and its file is left alone."""
    group(tmp_path, "memory cpu")

    made = make(find(said(tmp_path, V2, "0::/\n")), Limits(memory=64, cpu=512))

    (directory,) = made.directories
    assert directory.parent == tmp_path
    assert {path.name: path.read_text() for path in directory.iterdir()} == {
        "memory.max": "67108864",
        "cpu.max": "50000 100000",
    }
    assert made.events == directory / "memory.events"
    made.events.write_text("low 0\nhigh 0\nmax 12\noom 2\noom_kill 2\noom_group_kill 0\n")
    assert made.oom_kills() == 2


def test_a_kernel_that_does_not_count_killed_processes_counts_none(tmp_path):
    """`oom_kill` in `memory.oom_control` is there since Linux 4.13."""
    events = tmp_path / "memory.oom_control"
    events.write_text("oom_kill_disable 0\nunder_oom 0\n")

    assert ControlGroup((), events).oom_kills() == 0


def test_groups_of_processes_that_are_gone_are_swept_and_no_others(tmp_path):
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    tree = find(said(tmp_path, V1, "5:memory:/\n4:cpu,cpuacct:/\n0::/\n"))
    mine, other = f"awsexec-{os.getpid()}-1", "another-1"
    for parent in tree.directories:
        for name in (mine, other, f"awsexec-{gone.pid}-1", f"awsexec-{gone.pid}-2"):
            (parent / name).mkdir(parents=True)
    (tree.directories[0] / f"awsexec-{gone.pid}-2" / "process").touch()

    sweep(tree)

    memory, cpu = ({path.name for path in parent.iterdir()} for parent in tree.directories)
    assert cpu == {mine, other}
    assert memory == {mine, other, f"awsexec-{gone.pid}-2"}, "what is not empty is left"


@pytest.fixture
def real_v2() -> Path:
    """A new group at the top of the tree of version 2."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        if " - cgroup2 " in line:
            directory = Path(line.split(" ")[4]) / f"awsexec-{os.getpid()}-test"
            try:
                directory.mkdir()
            except OSError as error:
                pytest.skip(f"cannot make a control group of version 2: {error}")
            return directory
    pytest.skip("no tree of version 2 is mounted")


def test_a_real_group_of_version_2_is_removed_with_the_processes_in_it(real_v2):
    with subprocess.Popen(["sleep", "600"]) as process:
        (real_v2 / "cgroup.procs").write_text(str(process.pid))

        ControlGroup((real_v2,)).remove()

        assert process.wait(10) == -signal.SIGKILL
    assert not real_v2.exists()
