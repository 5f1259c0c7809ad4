"""A Batch client with scripted responses, and the jobs that it describes."""

from botocore.stub import Stubber

from aws_exec.clouds.batch.adapter import BatchCloud
from aws_exec.clouds.cloud import Request
from aws_exec.lifecycle.values import Job, Observation

QUEUE = "arn:aws:batch:us-east-1:123456789012:job-queue/ours"
ID = "11111111-1111-1111-1111-111111111111"
ARN = f"arn:aws:batch:us-east-1:123456789012:job/{ID}"
JOB = Job(ARN, "ours")
LAUNCH = "0b9a6c1e-4c1b-4d5e-9d53-1f2e3d4c5b6a"
TOKEN = f"{LAUNCH}-1"
NAME = f"airflow-{TOKEN}-etl-load"
PULL = "CannotPullContainerError: manifest unknown"
EXITED = "Essential container in task exited"


def environment(token: str = TOKEN, deployment: str = "test") -> list[dict]:
    return [{"name": "AWSEXEC_TOKEN", "value": token}, {"name": "AWSEXEC_DEPLOYMENT", "value": deployment}]


def detail(status: str = "RUNNING", number: int = 1, **more) -> dict:
    """A job; `number` makes its id."""
    job_id = ID.replace("1", str(number))
    return {
        "jobArn": ARN.replace(ID, job_id),
        "jobId": job_id,
        "jobName": NAME,
        "jobQueue": QUEUE,
        "jobDefinition": "d",
        "startedAt": 0,  # botocore's model requires it of a job that has not started, too
        "status": status,
        "container": {"environment": environment()},
    } | more


def ended(status: str = "FAILED", **more) -> dict:
    """A job that started once."""
    return detail(status, **{"startedAt": 1, "stoppedAt": 2} | more)


def attempt(exit_code: int | None = None, reason: str = "", *, started: bool = True, status: str = EXITED) -> dict:
    told = {"exitCode": exit_code, "reason": reason or None}
    made = {"container": {name: value for name, value in told.items() if value is not None}, "statusReason": status}
    return {**made, "startedAt": 1} if started else made


def several(*containers: dict, status: str = "FAILED", **more) -> dict:
    """A job of a multi-container definition."""
    return detail(status, container={}, ecsProperties={"taskProperties": [{"containers": list(containers)}]}, **more)


class ScriptedBatch:
    """A cloud whose client answers as scripted."""

    def __init__(self, client):
        self.stub = Stubber(client)
        self.allowed = [True] * 1000
        self.cloud = BatchCloud(
            lambda: client,
            job_queue="ours",
            name_prefix="airflow",
            deployment="test",
            container_name="airflow",
            before_read=lambda: self.allowed.pop(0),
        )

    def answers(self, operation: str, answer: dict, asked: dict | None = None) -> "ScriptedBatch":
        self.stub.add_response(operation, answer, asked)
        return self

    def raises(self, operation: str, code: str, message: str = "", status: int = 400) -> "ScriptedBatch":
        self.stub.add_client_error(operation, code, message, status)
        return self

    def describes(self, *jobs: dict, asked: list[str] | None = None) -> "ScriptedBatch":
        return self.answers("describe_jobs", {"jobs": list(jobs)}, {"jobs": asked} if asked else None)

    def lists(self, *jobs: dict, following: str | None = None, **asked) -> "ScriptedBatch":
        summaries = [{"jobId": each["jobId"], "jobName": each["jobName"]} for each in jobs]
        answer = {"jobSummaryList": summaries} | ({"nextToken": following} if following else {})
        return self.answers("list_jobs", answer, {"jobQueue": "ours"} | asked)

    def lists_by_name(self, family: str, *jobs: dict, queue: str = "ours") -> "ScriptedBatch":
        filters = [{"name": "JOB_NAME", "values": [f"airflow-{family}*"]}]
        return self.lists(*jobs, jobQueue=queue, filters=filters)

    def submit(self, **arguments):
        request = {"jobName": "n", "jobQueue": "ours", "jobDefinition": "d"} | arguments
        [answer] = self.cloud.submit([Request(TOKEN, "ours", request)])
        self.stub.assert_no_pending_responses()
        return answer

    def see(self, answer: dict) -> Observation:
        self.describes(answer)
        [seen] = self.cloud.describe("ours", [JOB]).seen
        return seen
