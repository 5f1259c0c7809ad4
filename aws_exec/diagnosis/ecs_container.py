"""The rules for the container runtime: it failed to create, start, inspect or stop a container, or memory ran out.

"CannotStartContainerError", "failed to create new container runtime task", "failed to create shim task" and "OCI
runtime create failed" name the step that failed, never the cause. "no such file or directory" and "permission denied"
are about what precedes them in the text: a command, a mount, a directory, a device.
"""

from typing import Final

from aws_exec.diagnosis import pages
from aws_exec.diagnosis.model import Blame, TerminationRule
from aws_exec.lifecycle.policy import Replacement

_START: Final = (
    r"(?:Cannot(?:Start|Create)Container|ContainerRuntimeError|DockerStateError|OCI runtime|shim task|"
    r"create new container runtime task|create new container:|start(?:ing)? container process|container init\b).*"
)

#: Programs of the host that docker and containerd themselves look up; the image is not involved.
_OF_THE_HOST: Final = r"(?:containerd-shim|docker-|runc\b|nvidia-)"

#: The rules for the step that failed: they match a message whose cause AWS cut off.
_STEPS: Final = ("container-not-created", "container-not-started", "runtime-error", "init-failed")

RULES: Final = (
    TerminationRule(
        id="start-dependency",
        general=("container-not-started",),
        when=r"dependency graph: .*container ordering dependency",
        cause="A container that this one depends on (dependsOn) did not end well, get healthy in time, or start.",
        blame=Blame.DEPLOYMENT,
        remedy="Mend that container, or drop it from dependsOn in the task definition.",
        page=pages.DEPENDENCIES,
    ),
    TerminationRule(
        id="start-memory-too-small",
        general=_STEPS,
        when=_START + r"(?:minimum memory limit|memory limit too low|cannot allocate memory|cgroup.*memory|init.*oom)",
        cause="The container has too little memory to be started at all.",
        blame=Blame.DEPLOYMENT,
        replacement=Replacement.NO,
        remedy="Give the container more memory.",
        page=pages.CANNOT_START,
    ),
    TerminationRule(
        id="out-of-memory",
        when=r"(?:OutOfMemory|due to memory usage|OOM.?kill)",
        cause="The container used more memory than it was given, and was killed.",
        blame=Blame.TASK,
        replacement=Replacement.NO,
        remedy="Give the task more memory, or make it use less.",
        page=pages.MEMORY,
    ),
    TerminationRule(
        id="start-wrong-platform",
        general=_STEPS,
        when=_START + r"exec format error",
        cause="The image was not built for the CPU architecture of its host.",
        blame=Blame.DEPLOYMENT,
        replacement=Replacement.NO,
        remedy="Build the image for that platform, or set runtimePlatform in the task definition to the image's.",
        page=pages.CANNOT_START,
    ),
    TerminationRule(
        id="start-no-user",
        general=_STEPS,
        when=_START
        + r"(?:unable to find (?:user|group)\b|no matching entries in (?:passwd|group)|: no (?:users|groups) found|"
        r"open \S*/etc/(?:passwd|group))",
        cause="The image does not know the user that the task definition, or the image itself, names.",
        blame=Blame.DEPLOYMENT,
        replacement=Replacement.NO,
        remedy="Correct user in the container definition, or use an image that has that user.",
        page=pages.CANNOT_START,
    ),
    TerminationRule(
        id="start-no-device",
        general=_STEPS,
        when=_START + r"(?:error gathering device information|adding custom device)",
        cause="The host does not have a device that the task definition lists.",
        blame=Blame.DEPLOYMENT,
        remedy="Run the task on instances that have it, or drop it from linuxParameters in the task definition.",
        page=pages.CANNOT_START,
    ),
    TerminationRule(
        id="volume-not-mounted",
        general=_STEPS,
        # runc wrote the line of its source before 1.1: those below mount.
        when=_START + r"(?:mounting \S+ to rootfs|error mounting\b|rootfs_linux\.go:\d+: mou|"
        r"rootfs_linux\.go:(?:5\d|60|76)[:. ]*(?m:$)|"
        r"mount source path|failed to mount local volume|while mounting volume|bind source path does not exist)",
        cause="A volume, or a path of the host, could not be mounted into the container.",
        blame=Blame.DEPLOYMENT,
        remedy="Check mountPoints and host paths: what is mounted on a file of the image must be a file, and be there.",
        page=pages.CANNOT_START,
    ),
    TerminationRule(
        id="start-command-not-found",
        general=_STEPS,
        when=_START + rf'(?:\bexec: \\*"(?!{_OF_THE_HOST})[^"]+": (?:execu|stat\b|perm|no such|is a d|not a d)|'
        r"\bexec (?!user process)[^ ]+: (?:no such file or dir|permission denied|not a directory|is a directory)|"
        r"exec user process caused[: \"]*(?:no such file or dir|permission denied))",
        cause="The command or entry point does not exist in the image, or is not executable.",
        blame=Blame.DEPLOYMENT,
        replacement=Replacement.NO,
        remedy="Use an image with Airflow's Python on its PATH and an entry point that passes the command on.",
        page=pages.CANNOT_START,
    ),
    TerminationRule(
        id="start-no-directory",
        general=_STEPS,
        when=_START + r"chdir to cwd",
        cause="The container's working directory does not exist in the image, or its user may not enter it.",
        blame=Blame.DEPLOYMENT,
        replacement=Replacement.NO,
        remedy="Correct workingDirectory in the container definition, or WORKDIR and USER of the image.",
        page=pages.CANNOT_START,
    ),
    TerminationRule(
        id="start-port-taken",
        general=_STEPS,
        when=_START + r"(?:\bBind for \S+ failed|port is already allocated|address already in use)",
        cause="A host port that the container maps is taken by another container.",
        blame=Blame.DEPLOYMENT,
        remedy="Map no host port (an Airflow task needs none), or use host port 0 or the awsvpc network mode.",
        page=pages.CANNOT_START,
    ),
    TerminationRule(
        id="start-disk-full",
        general=_STEPS,
        when=_START + r"no space left|Thin Pool has \S+ free data blocks",
        cause="The host's disk, or the task's ephemeral storage, is full.",
        blame=Blame.DEPLOYMENT,
        remedy="Enlarge the task's ephemeral storage or the host's volume; on EC2 remove unused images from the host.",
        page=pages.CANNOT_CREATE,
    ),
    TerminationRule(
        id="start-no-gpu",
        general=_STEPS,
        when=_START + r"(?:nvidia-container|\bnvml\b|runtime (?:specified|name:) nvidia|select device driver)",
        cause="The host has no GPU that the container can use.",
        blame=Blame.DEPLOYMENT,
        remedy="Run the task on instances with GPUs and the GPU-optimized AMI, or ask for none.",
        page=pages.CANNOT_START,
    ),
    TerminationRule(
        id="volume-not-filled",
        general=("volume-not-created", "container-not-created"),
        when=r"CannotCreate(?:Volume|Container).*(?:unable to copy contents to volume|: failed to copy file info for )",
        cause="What the image has at the path of a volume could not be copied into that volume.",
        blame=Blame.DEPLOYMENT,
        remedy="Mount the volume where the image has no files and no VOLUME. An EFS access point with a POSIX user"
        " refuses the copy.",
        page=pages.CANNOT_CREATE_VOLUME,
    ),
    TerminationRule(
        id="volume-not-created",
        when=r"(?:Cannot(?:Create|Inspect)Volume|InvalidVolumeError)",
        cause="A volume that the task mounts could not be created.",
        blame=Blame.DEPLOYMENT,
        remedy="Check the volumes of the task definition and the host's volume driver.",
        page=pages.CANNOT_CREATE_VOLUME,
    ),
    TerminationRule(
        id="container-not-created",
        when=r"CannotCreateContainer",
        cause="The container could not be created on its host.",
        blame=Blame.DEPLOYMENT,
        remedy="Read the message; check the container definition, the host's disk and the agent's log.",
        page=pages.CANNOT_CREATE,
    ),
    TerminationRule(
        id="container-not-started",
        # The others are Kubernetes's, of Batch jobs on Amazon EKS.
        when=r"\b(?:CannotStartContainer|ContainerCannotRun|RunContainerError|CreateContainer(?:Config)?Error)",
        cause="The container was created but could not be started.",
        blame=Blame.DEPLOYMENT,
        remedy="Read the message; check the command, the memory and the image.",
        page=pages.CANNOT_START,
    ),
    TerminationRule(
        id="container-not-inspected",
        when=r"Cannot(?:Inspect|Describe)Container",
        cause="The agent lost sight of the container: its host's container runtime did not answer.",
        blame=Blame.AWS,
        remedy="Run the task again; if it repeats on EC2, look at the load and the disk of the host.",
        page=pages.CANNOT_INSPECT,
    ),
    TerminationRule(
        id="container-not-stopped",
        when=r"CannotStopContainer",
        cause="The container could not be stopped: its host's container runtime did not answer.",
        blame=Blame.AWS,
        remedy="Run the task again; if it repeats on EC2, look at the load and the disk of the host.",
        page=pages.CANNOT_STOP,
    ),
    TerminationRule(
        id="runtime-timeout",
        when=r"(?:DockerTimeout|ContainerRuntimeTimeout|Could not transition to|TaskStateError)",
        cause="The container runtime did not bring the container up or down in time.",
        blame=Blame.AWS,
        remedy="Run the task again; if it repeats on EC2, look at the load, the disk and the image size of the host.",
        page=pages.RUNTIME_TIMEOUT,
    ),
    TerminationRule(
        id="runtime-error",
        when=r"(?:ContainerRuntimeError|DockerStateError|failed to create container|OCI runtime)",
        cause="The container runtime failed.",
        blame=Blame.AWS,
        remedy="Run the task again; if it repeats, check the container definition.",
        page=pages.RUNTIME,
    ),
)
