"""A fake AWS for `--live`: correct by default, with answers to replace."""

from botocore.exceptions import ClientError

from aws_exec.aws_checks.checks import check_against_aws
from aws_exec.settings.file import read_file
from aws_exec.settings.rules.airflow_text import of_environment
from aws_exec.settings.rules.configuration import Configuration

ENVIRONMENT = [{"name": "AIRFLOW__CORE__EXECUTION_API_SERVER_URL", "value": "https://airflow.example.org/execution/"}]
LOGS = {"logDriver": "awslogs", "options": {"awslogs-group": "/logs"}}
AIRFLOW = {"name": "airflow", "environment": ENVIRONMENT, "logConfiguration": LOGS}
UNLOGGED = {"name": "airflow", "environment": ENVIRONMENT}
DEFINITION = {
    "status": "ACTIVE",
    "networkMode": "awsvpc",
    "executionRoleArn": "arn:aws:iam::1:role/run",
    "containerDefinitions": [AIRFLOW],
}
JOB = {"status": "ACTIVE", "revision": 3, "containerProperties": {"environment": ENVIRONMENT}}
ENABLED = {"state": "ENABLED", "status": "VALID"}

#: Where all is well.
ANSWERS = {
    "describe_clusters": {"clusters": [{"status": "ACTIVE", "capacityProviders": ["mine"]}]},
    "describe_task_definition": {"taskDefinition": DEFINITION},
    "describe_subnets": {"Subnets": [{"VpcId": "vpc-1"}]},
    "describe_security_groups": {"SecurityGroups": [{"VpcId": "vpc-1"}]},
    "get_role": {"Role": {}},
    "describe_log_groups": {"logGroups": [{"logGroupName": "/logs"}, {"logGroupName": "/aws/batch/job"}]},
    "describe_job_queues": {"jobQueues": [{**ENABLED, "computeEnvironmentOrder": [{"computeEnvironment": "arn"}]}]},
    "describe_compute_environments": {"computeEnvironments": [{**ENABLED, "computeEnvironmentName": "ce"}]},
    "describe_job_definitions": {"jobDefinitions": [JOB]},
}


class Aws:
    """Answers as it was told to, and remembers what it was asked; an answer may depend on the arguments."""

    def __init__(self, **answers):
        self.answers = {**ANSWERS, **answers}
        self.asked = []

    def __getattr__(self, operation):
        def call(**arguments):
            self.asked.append(operation)
            answer = self.answers[operation]
            answer = answer(**arguments) if callable(answer) else answer
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


def definition(**members):
    """What `describe_task_definition` answers, with other members."""
    return {"taskDefinition": {**DEFINITION, **members}}


def answered(code):
    """AWS refuses a call with a code."""
    return ClientError({"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": 400}}, "X")


def live(text, aws, environment=None):
    """What an AWS says of a file, which reads without complaint, under what an environment says to Airflow."""
    file, complaints = read_file(text.encode(), "f", {})
    assert complaints == []
    return check_against_aws(
        Configuration(file, [of_environment(environment or {})]), lambda _region: lambda _service: aws
    )


def positions(checked):
    """The findings of a live check: the rule, the line and the column of each."""
    return [(one.rule, one.position.line, one.position.column) for one in checked.complaints]
