"""What the container runtime could not do: create, start, inspect or stop a container, or keep it within its memory."""

from typing import Final

from aws_exec.diagnosis import pages
from aws_exec.diagnosis.model import Blame, StopRule
from aws_exec.lifecycle.policy import Replacement

_START: Final = r"(?:CannotStartContainer|CannotCreateContainer|ContainerRuntimeError|OCI runtime|shim task).*"

RULES: Final = (
    StopRule(
        id="out-of-memory",
        when=r"(?:OutOfMemory|due to memory usage|OOM.?kill)",
        cause="The container used more memory than it was given, and was killed.",
        blame=Blame.TASK,
        new=Replacement.NO,
        remedy="Give the task more memory, or make it use less.",
        page=pages.MEMORY,
    ),
    StopRule(
        id="start-wrong-platform",
        when=_START + r"exec format error",
        cause="The image was not built for the CPU architecture of its host.",
        blame=Blame.DEPLOYMENT,
        new=Replacement.NO,
        remedy="Build the image for that platform, or set runtimePlatform in the task definition to the image's.",
        page=pages.CANNOT_START,
    ),
    StopRule(
        id="start-command-not-found",
        when=_START + r"(?:executable file not found|no such file or directory|permission denied|not a directory)",
        cause="The command or entry point does not exist in the image, or is not executable.",
        blame=Blame.DEPLOYMENT,
        new=Replacement.NO,
        remedy="Use an image with Airflow's Python on its PATH and an entry point that passes the command on.",
        page=pages.CANNOT_START,
    ),
    StopRule(
        id="start-port-taken",
        when=_START + r"(?:port is already allocated|address already in use)",
        cause="A host port that the container maps is taken by another container.",
        blame=Blame.DEPLOYMENT,
        remedy="Map no host port (an Airflow task needs none), or use host port 0 or the awsvpc network mode.",
        page=pages.CANNOT_START,
    ),
    StopRule(
        id="start-memory-too-small",
        when=_START + r"(?:minimum memory limit|memory limit too low|cannot allocate memory|cgroup.*memory|init.*oom)",
        cause="The container has too little memory to be started at all.",
        blame=Blame.DEPLOYMENT,
        new=Replacement.NO,
        remedy="Give the container more memory.",
        page=pages.CANNOT_START,
    ),
    StopRule(
        id="start-disk-full",
        when=r"(?:CannotStart|CannotCreate|ContainerRuntime).*no space left on device",
        cause="The host's disk, or the task's ephemeral storage, is full.",
        blame=Blame.DEPLOYMENT,
        remedy="Enlarge the task's ephemeral storage or the host's volume.",
        page=pages.CANNOT_CREATE,
    ),
    StopRule(
        id="start-no-gpu",
        when=_START + r"(?:nvidia|gpu|device driver)",
        cause="The host has no GPU that the container can use.",
        blame=Blame.DEPLOYMENT,
        remedy="Run the task on instances with GPUs and the GPU-optimized AMI, or ask for none.",
        page=pages.CANNOT_START,
    ),
    StopRule(
        id="volume-not-created",
        when=r"CannotCreateVolume",
        cause="A volume that the task mounts could not be created.",
        blame=Blame.DEPLOYMENT,
        remedy="Check the volumes of the task definition and the host's volume driver.",
        page=pages.CANNOT_CREATE_VOLUME,
    ),
    StopRule(
        id="container-not-created",
        when=r"CannotCreateContainer",
        cause="The container could not be created on its host.",
        blame=Blame.DEPLOYMENT,
        remedy="Read the message; check the container definition, the host's disk and the agent's log.",
        page=pages.CANNOT_CREATE,
    ),
    StopRule(
        id="container-not-started",
        when=r"CannotStartContainer",
        cause="The container was created but could not be started.",
        blame=Blame.DEPLOYMENT,
        remedy="Read the message; check the command, the memory and the image.",
        page=pages.CANNOT_START,
    ),
    StopRule(
        id="container-not-inspected",
        when=r"CannotInspectContainer",
        cause="The agent lost sight of the container: its host's container runtime did not answer.",
        blame=Blame.AWS,
        remedy="Run the task again; if it repeats on EC2, look at the load and the disk of the host.",
        page=pages.CANNOT_INSPECT,
    ),
    StopRule(
        id="container-not-stopped",
        when=r"CannotStopContainer",
        cause="The container could not be stopped: its host's container runtime did not answer.",
        blame=Blame.AWS,
        remedy="Run the task again; if it repeats on EC2, look at the load and the disk of the host.",
        page=pages.CANNOT_STOP,
    ),
    StopRule(
        id="runtime-timeout",
        when=r"(?:DockerTimeout|ContainerRuntimeTimeout|Could not transition to)",
        cause="The container runtime did not bring the container up or down in time.",
        blame=Blame.AWS,
        remedy="Run the task again; if it repeats on EC2, look at the load, the disk and the image size of the host.",
        page=pages.RUNTIME_TIMEOUT,
    ),
    StopRule(
        id="runtime-error",
        when=r"(?:ContainerRuntimeError|failed to create container|OCI runtime)",
        cause="The container runtime failed.",
        blame=Blame.AWS,
        remedy="Run the task again; if it repeats, check the container definition.",
        page=pages.RUNTIME,
    ),
)
