"""The output of describe, explain, check-health and terminate-all, at 80 and at 160 columns."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from aws_exec.aws_checks.calls import Outcome, Status
from aws_exec.diagnosis import diagnose
from aws_exec.fleet import ContextLine, Explanation, FleetJob, LogLocation, Size, State, TimelineEntry
from aws_exec.fleet.health import Branch
from aws_exec.fleet.model import PULL, PULLED
from aws_exec.fleet.task_state import of_exit
from aws_exec.lifecycle.identity import Identity
from aws_exec.lifecycle.values import Job, Termination
from awsexec_cli import termination
from awsexec_cli.commands import check_health, describe, explain
from awsexec_cli.output import write, write_lines
from tests.fleet.test_screens import NOW, looks_as_it_did, screen

ID = "1a2b3c4d" * 4
STEPS = {"queued": 0, "network attached": 9, PULL: 12, PULLED: 58, "started": 61, "stopped": 3712}
WHO = Identity(
    "production",
    "0d6a9c1e-1111-4222-8333-444455556666-1",
    "models_of_the_whole_city",
    "train.fit",
    "scheduled__2026-11-22T00:00:00+00:00",
    "117",
    "2",
)
FAILED = FleetJob(
    "ecs",
    Job(f"arn:aws:ecs:eu-central-1:123456789012:task/airflow-fleet/{ID}", "airflow-fleet"),
    WHO,
    State.FAILED,
    "STOPPED",
    definition="airflow-task:17",
    size=Size(4, 16384, fargate=True, spot=True),
    timeline=tuple(TimelineEntry(NOW + at, what) for what, at in STEPS.items()),
    created=NOW,
    started=NOW + 61,
    stopped=NOW + 3712,
    stop=Termination(
        "ecs",
        exit_code=137,
        code="EssentialContainerExited",
        reason="Essential container in task exited",
        container_reason="OutOfMemoryError: Container killed due to memory usage",
        started=True,
    ),
    container="airflow",
)
STUCK = FleetJob(
    "batch",
    Job("arn:aws:batch:eu-central-1:123456789012:job/3c4d5e6f-1111-4222-8333-444455556666", "gpu-queue"),
    WHO,
    State.WAITING,
    "RUNNABLE",
    waiting="MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - The job resource requirement (vCPU/memory/GPU) is higher than "
    "that can be met by the CE(s) attached to the job queue.",
)


def described():
    service = SimpleNamespace(
        log_location=lambda _: LogLocation("/ecs/airflow", f"airflow/airflow/{ID}", "eu-central-1")
    )
    prices = "an estimate: Fargate, us-east-1, 2026-07"
    fleet = SimpleNamespace(services={"ecs": service}, cost=lambda _: 0.0712, prices=prices)
    write_lines(describe._lines(fleet, FAILED, "its log does not show it"))
    write("\n")
    job = replace(FAILED, stop=Termination("ecs", exit_code=80, started=True), timeline=())
    write_lines(describe._lines(fleet, replace(job, task_state=of_exit(job.stop, is_stored=False)), ""))


def explained():
    said = Explanation(
        "The container exited with 137 after 1h00m.",
        diagnose(FAILED.stop),
        (),
        ["epoch 3 of 40, loss 0.0417", "Killed"],
        healthy=False,
    )
    write_lines(explain.explanation_lines(FAILED, said))
    write("\n")
    facts = [
        ContextLine("job queue gpu-queue", "ENABLED, VALID"),
        ContextLine("jobs before it", "3 RUNNABLE jobs are older"),
        ContextLine("compute environment gpu-ce", "DISABLED, VALID, EC2, 0 of 64 vCPUs", bad=True),
    ]
    found = diagnose(Termination("batch", reason=STUCK.waiting))
    write_lines(
        explain.explanation_lines(
            STUCK, Explanation("It has not started: RUNNABLE for 3h05m.", found, facts, healthy=False)
        )
    )


def checked():
    role = "arn:aws:sts::123456789012:assumed-role/airflow-scheduler/i-0abcdef0123456789"
    remedy = "Name a cluster of this Region and account: aws ecs list-clusters shows those there are"
    outcomes = [
        Outcome(Status.PASS, "sts:GetCallerIdentity", "identity", role),
        Outcome(Status.FAIL, "ecs:DescribeClusters", "cluster gone", "does not exist", remedy),
        Outcome(
            Status.WARN, "", "Fargate quota", "6 vCPUs at a time; [core] parallelism 32 x 1 vCPU is 32", "Raise it"
        ),
        Outcome(Status.SKIP, "iam:GetRole", "role ecsTaskExecutionRole", "not allowed", "Allow iam:GetRole"),
    ]
    write_lines(check_health._tree(Branch("AwsEcsExecutor", outcomes)))


def asked():
    termination._preview([FAILED] * 30)


def asked_with_reactions():
    arns = [f"arn:aws:ecs:eu-central-1:123456789012:task/airflow-fleet/{number:032x}" for number in range(3)]
    jobs = [replace(FAILED, job=Job(arn, "airflow-fleet"), state=State.RUNNING) for arn in arns]
    termination._preview(jobs, dict(zip(arns, ["fail", "retry 2 of 3", "nothing: success"], strict=True)))


@pytest.mark.parametrize("colour", [False, True], ids=["plain", "colour"])
@pytest.mark.parametrize("width", [80, 160])
@pytest.mark.parametrize("show", [described, explained, checked, asked, asked_with_reactions])
def test_it_looks_as_it_did(show, width, colour):
    name = f"{show.__name__}-{width}-{'colour' if colour else 'plain'}.txt"

    looks_as_it_did(name, screen(width, colour, show), width)
