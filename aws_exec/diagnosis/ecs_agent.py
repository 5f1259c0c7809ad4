"""Errors that the ECS agent of a container instance names itself (amazon-ecs-agent: types with an ErrorName)."""

from typing import Final

from aws_exec.diagnosis import pages
from aws_exec.diagnosis.model import Blame, TerminationRule
from aws_exec.lifecycle.policy import Replacement

RULES: Final = (
    TerminationRule(
        id="agent-cgroup",
        when=r"\bCgroupError\b",
        cause="The ECS agent could not create the task's cgroup, which limits its CPU and memory, on the host.",
        blame=Blame.DEPLOYMENT,
        remedy="Check the memory and cpu cgroup controllers of the host; update the agent, or replace the instance.",
        page=pages.AGENT_CONFIGURATION,
    ),
    TerminationRule(
        id="container-vanished",
        when=r"\b(?:ContainerVanished|NoSuchContainer)Error\b",
        cause="The container is gone from its host: something removed it before the ECS agent saw how it ended.",
        blame=Blame.DEPLOYMENT,
        remedy="Run the task again; if it repeats, look for what removes containers there (docker rm, docker prune).",
        page=pages.STOPPED,
    ),
    TerminationRule(
        id="dependency-unresolved",
        when=r"\bTaskDependencyError\b",
        cause="The containers of the task wait for each other, or for something that the task does not have.",
        blame=Blame.DEPLOYMENT,
        replacement=Replacement.NO,
        remedy="Correct dependsOn, links and volumesFrom in the task definition.",
        page=pages.DEPENDENCIES,
    ),
    TerminationRule(
        id="stopped-before-pull",
        when=r"\bTaskStoppedBeforePullBeginError\b",
        cause="The task was stopped before its host began to pull the image.",
        blame=Blame.UNKNOWN,
        remedy="Look for who stopped it: a person, a scale-in, a Spot interruption, or another container that failed.",
        page=pages.WHY_STOPPED,
    ),
    TerminationRule(
        id="container-settings",
        when=r"\b(?:HostConfigError|DockerClientConfigError|UnrecognizedTransportProtocol|UnparsablePort)\b",
        cause="The ECS agent could not turn the container definition into a container of its host.",
        blame=Blame.DEPLOYMENT,
        remedy="Read the message: it names the setting; check the container definition and the execution role.",
        page=pages.CANNOT_CREATE,
    ),
    TerminationRule(
        id="agent-runtime",
        when=r"\b(?:ImpossibleStateTransition|CannotGetDocker\w*|Cannot(?:List|Remove|GetContainerTop)\w*)Error\b",
        cause="The ECS agent could not work with the container runtime of its host.",
        blame=Blame.DEPLOYMENT,
        remedy="Run the task again; if it repeats, update the agent and docker on the host, or replace the instance.",
        page=pages.RUNTIME,
    ),
)
