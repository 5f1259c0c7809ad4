"""The error paths of every command: a command line, the exit code, and what is wrong around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from awsexec_cli.exit_codes import Exit
from tests.scripted.services import Trick, denied, error, expired, no_cluster, no_queue

#: IDs, ARNs: of no job.
NO_ID = "0123456789abcdef0123456789abcdef"
_NO_ARN = f"arn:aws:ecs:eu-central-1:123456789012:task/fleet/{NO_ID}"
_NO_JOB_ARN = "arn:aws:batch:eu-central-1:123456789012:job/11111111-2222-4333-8444-555555555555"

_KEYLESS = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
_REAL_ENDPOINTS = {"AWS_ENDPOINT_URL_ECS": "", "AWS_ENDPOINT_URL_BATCH": ""}
_UNCONFIGURED = {
    "AIRFLOW__AWS_ECS_EXECUTOR__CLUSTER": "",
    "AIRFLOW__AWS_ECS_EXECUTOR__DEPLOYMENT": "",
}
_BATCH = {"AIRFLOW__AWS_BATCH_EXECUTOR__JOB_QUEUE": "fleet", "AIRFLOW__AWS_BATCH_EXECUTOR__DEPLOYMENT": "ours"}
_MFA = """[profile careful]
role_arn = arn:aws:iam::123456789012:role/operator
source_profile = keys
mfa_serial = arn:aws:iam::123456789012:mfa/anna
[profile keys]
aws_access_key_id = key
aws_secret_access_key = secret
"""

_ECS = "ecs: {cluster: fleet, container_name: airflow, task_definition: airflow:7, subnets: subnet-0a1b2c3d}\n"
_BOTH = f"{_ECS}batch: {{job_queue: fleet, job_definition: airflow}}\n"


@dataclass(frozen=True)
class Case:
    """A command that goes wrong.

    Attributes:
        line: the command line, after `awsexec`.
        code: its exit code.
        why: what is wrong around it, if the command line does not say it.
        given: more environment variables; an empty value unsets, `{folder}` is the folder that the command runs in.
        files: to write first, by name, in the folder that the command runs in (AIRFLOW_HOME).
        wrong: how ECS answers; None: as it should.
        wrong_call: only this call of ECS goes wrong; empty: all.
        batch_wrong: how Batch answers; None: as it should.
        advises: whether it must end with a hint: the user can act.
    """

    line: str
    code: Exit
    why: str = ""
    given: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    wrong: Trick | None = None
    wrong_call: str = ""
    batch_wrong: Trick | None = None
    advises: bool = True

    @property
    def name(self) -> str:
        """What tells it from others."""
        return f"{self.line}  # {self.why}" if self.why else self.line


def _yaml(why: str, text: str, **more: str) -> Case:
    return Case("validate-config awsexec.yaml", Exit.FAILED, why, files={"awsexec.yaml": text, **more})


_USAGE = [
    Case("lst", Exit.USAGE),
    Case("nope", Exit.USAGE),
    Case("--zzz", Exit.USAGE),
    Case("--region", Exit.USAGE),
    Case("local upp", Exit.USAGE),
    Case("list --sate running", Exit.USAGE),
    Case("list --dag", Exit.USAGE),
    Case("list etl", Exit.USAGE),
    Case("list -o xml", Exit.USAGE),
    Case("list --executor esc", Exit.USAGE),
    Case("list --state runing", Exit.USAGE),
    Case("list --older-than long", Exit.USAGE),
    Case("list --older-than 5x", Exit.USAGE),
    Case("list --since 1h", Exit.USAGE),
    Case("list --all-states --since never", Exit.USAGE),
    Case("list --interval 5s", Exit.USAGE),
    Case("list --watch --interval often", Exit.USAGE),
    Case("list --orphans --watch", Exit.USAGE),
    Case("list --airflow --watch", Exit.USAGE),
    Case("describe", Exit.USAGE),
    Case("describe boom", Exit.USAGE),
    Case("describe 0a1", Exit.USAGE),
    Case("explain what?", Exit.USAGE),
    Case(f"explain {NO_ID} {NO_ID}", Exit.USAGE),
    Case("logs", Exit.USAGE),
    Case(f"logs {NO_ID} --dag etl", Exit.USAGE),
    Case(f"logs {NO_ID} --level loud", Exit.USAGE),
    Case(f"logs {NO_ID} --grep (", Exit.USAGE),
    Case(f"logs {NO_ID} --since yesterday", Exit.USAGE),
    Case(f"logs {NO_ID} --tail -1", Exit.USAGE),
    Case(f"logs {NO_ID} --tail some", Exit.USAGE),
    Case("wait", Exit.USAGE),
    Case(f"wait {NO_ID} --for ever", Exit.USAGE),
    Case(f"wait {NO_ID} --outcome good", Exit.USAGE),
    Case(f"wait {NO_ID} --timeout soon", Exit.USAGE),
    Case("terminate", Exit.USAGE),
    Case("check-health --timeout long", Exit.USAGE),
    Case("check-health --format xml", Exit.USAGE),
    Case("check-health --template large", Exit.USAGE),
    Case("validate-config --ignore nope", Exit.USAGE),
    Case("validate-config --fail-on never", Exit.USAGE),
    Case("validate-config --format xml", Exit.USAGE),
    Case("validate-config -o yaml", Exit.USAGE),
    Case("local up --port 99999", Exit.USAGE),
    Case("local up --port http", Exit.USAGE),
    Case("local up --max-containers 0", Exit.USAGE),
    Case("local up --limits some", Exit.USAGE),
    Case("local up --region us-wst-1", Exit.USAGE),
    Case("local up --env NOT_SET", Exit.USAGE),
    Case("local up --output awsexec.yaml/logs", Exit.USAGE, files={"awsexec.yaml": ""}),
    Case("local up --output awsexec.yaml", Exit.USAGE, files={"awsexec.yaml": ""}),
    Case("local up --port {busy}", Exit.USAGE, "port in use"),
    Case("demo --port 0x50", Exit.USAGE),
    Case("demo --max-containers 0", Exit.USAGE),
    Case("demo --timeout 0", Exit.USAGE),
    Case("demo --port {busy}", Exit.USAGE, "port in use"),
    Case("schema now", Exit.USAGE),
]

_CONFIGURATION = [
    Case("list --executor ecs", Exit.USAGE, "no Region", given={**_UNCONFIGURED, "AWS_DEFAULT_REGION": ""}),
    Case(
        "list",
        Exit.USAGE,
        "unknown Region",
        given={"AWS_DEFAULT_REGION": "eu-central1", **_REAL_ENDPOINTS},
    ),
    Case("list --region eu-central1", Exit.USAGE, given=_REAL_ENDPOINTS),
    Case("list --endpoint-url 127.0.0.1:45303", Exit.USAGE),
    Case("list --config nowhere.yaml", Exit.USAGE),
    Case("list", Exit.USAGE, "AWSEXEC_CONFIG names no file", given={"AWSEXEC_CONFIG": "nowhere.yaml"}),
    Case("list --team risk", Exit.USAGE),
    Case("list", Exit.USAGE, "invalid option", given={"AIRFLOW__AWS_ECS_EXECUTOR__LAUNCH_RATE": "fast"}),
    Case("list", Exit.USAGE, "awsexec.yaml with a tab", files={"awsexec.yaml": "ecs:\n\tcluster: fleet\n"}),
    Case("check-health", Exit.USAGE, "no executor", given=_UNCONFIGURED),
    Case("check-health --probe", Exit.USAGE, "no executor", given=_UNCONFIGURED),
    Case("validate-config --effective", Exit.USAGE, "no executor", given=_UNCONFIGURED),
    Case("validate-config --dags dags", Exit.USAGE, "no DAGs", files={"dags/README": "Nothing is here.\n"}),
    Case("validate-config --live", Exit.CREDENTIALS, "no credentials", files={"awsexec.yaml": _ECS}, given=_KEYLESS),
    Case("local env", Exit.NOT_FOUND, "no emulator", given={"TMPDIR": "{folder}"}),
    Case("check-health --probe --yes --template nope", Exit.NOT_FOUND, files={"awsexec.yaml": _ECS}),
    Case("validate-config", Exit.USAGE, "no executor", given=_UNCONFIGURED),
    Case("validate-config nowhere.yaml", Exit.FAILED),
    Case("validate-config awsexec.toml", Exit.USAGE, files={"awsexec.toml": ""}),
    Case("templates", Exit.USAGE, "no file"),
    Case("templates", Exit.USAGE, "invalid file", files={"awsexec.yaml": "templates: {small: {cpus: 1}}\n"}),
    Case("templates --prices nowhere.json", Exit.USAGE, files={"awsexec.yaml": _ECS}),
    Case("templates --prices p.json", Exit.USAGE, files={"awsexec.yaml": _ECS, "p.json": '{"gold": 1}'}),
    Case("render small", Exit.USAGE, "no file"),
    Case("render", Exit.USAGE),
    Case("render smal", Exit.NOT_FOUND, files={"awsexec.yaml": f"{_ECS}templates: {{small: {{cpu: 1}}}}\n"}),
    Case("render none", Exit.NOT_FOUND, "no templates", files={"awsexec.yaml": _ECS}),
    Case("render small", Exit.USAGE, "both", files={"awsexec.yaml": f"{_BOTH}templates: {{small: {{cpu: 1}}}}\n"}),
    Case("render small --set memory", Exit.USAGE, files={"awsexec.yaml": f"{_ECS}templates: {{small: {{cpu: 1}}}}\n"}),
    Case("render s --set memry=1GiB", Exit.FAILED, files={"awsexec.yaml": f"{_ECS}templates: {{s: {{cpu: 1}}}}\n"}),
    Case("render s --set memory=lots", Exit.FAILED, files={"awsexec.yaml": f"{_ECS}templates: {{s: {{cpu: 1}}}}\n"}),
    Case("render s -o table", Exit.USAGE, files={"awsexec.yaml": f"{_ECS}templates: {{s: {{cpu: 1}}}}\n"}),
    Case("-o table render s", Exit.USAGE, files={"awsexec.yaml": f"{_ECS}templates: {{s: {{cpu: 1}}}}\n"}),
    Case("render s --merged --team risk", Exit.USAGE, files={"awsexec.yaml": f"{_ECS}templates: {{s: {{cpu: 1}}}}\n"}),
    Case(
        "render s --merged",
        Exit.FAILED,
        "no cluster",
        files={"awsexec.yaml": "ecs: {container_name: a}\ntemplates: {s: {executor: ecs, cpu: 1}}\n"},
        given=_UNCONFIGURED,
    ),
    _yaml("tab", "ecs:\n\tcluster: fleet\n"),
    _yaml("bracket that is not closed", "ecs: {cluster: fleet\n"),
    _yaml("quote that is not closed", 'ecs: {cluster: "fleet}\n'),
    _yaml("@", "ecs:\n  cluster: @fleet\n"),
    _yaml("indented wrongly", "ecs:\n  cluster: fleet\n subnets: a\n"),
    _yaml("key twice", "ecs: {cluster: a, cluster: b}\n"),
    _yaml("list", "- ecs\n"),
    _yaml("text", "ecs\n"),
    _yaml("two documents", "ecs: {cluster: a}\n---\nbatch: {}\n"),
    _yaml("alias without anchor", "ecs: *base\n"),
    _yaml("version of the future", f"version: 2\n{_ECS}"),
    _yaml("version that is text", f"version: latest\n{_ECS}"),
    _yaml("unknown section", f"{_ECS}esc: {{cluster: a}}\n"),
    _yaml("unknown option", "ecs: {clutser: fleet, container_name: a, task_definition: t}\n"),
    _yaml("section that is text", "ecs: fleet\n"),
    _yaml("option of the wrong type", "ecs: {cluster: [a], container_name: a, task_definition: t}\n"),
    _yaml("option that is missing", "ecs: {cluster: fleet}\n"),
    _yaml("invalid values", _ECS.replace("}", ", launch_rate: fast, poll_interval: -1, assign_public_ip: maybe}")),
    _yaml("invalid kwargs", _ECS.replace("}", ", run_task_kwargs: '{'}")),
    _yaml("unknown member of a request", _ECS.replace("}", ", run_task_kwargs: {launchTyp: EC2}}")),
    _yaml("unknown term", f"{_ECS}templates: {{small: {{cpus: 1}}}}\n"),
    _yaml("no amount of memory", f"{_ECS}templates: {{small: {{memory: lots}}}}\n"),
    _yaml("no amount of CPU", f"{_ECS}templates: {{small: {{cpu: many}}}}\n"),
    _yaml("no duration", f"{_BOTH}templates: {{small: {{executor: batch, timeout: long}}}}\n"),
    _yaml("extends nothing", f"{_ECS}templates: {{small: {{extends: tiny}}}}\n"),
    _yaml("extends itself", f"{_ECS}templates: {{small: {{extends: small}}}}\n"),
    _yaml("queue without template", f"{_ECS}queues: {{gpu: gpu}}\n"),
    _yaml("variable that is not set", "ecs: {cluster: '${NOT_SET}', container_name: a, task_definition: t}\n"),
    _yaml("variable that is not closed", "ecs: {cluster: '${NOT', container_name: a, task_definition: t}\n"),
]

_AWS = [
    Case("list", Exit.CREDENTIALS, "no credentials", given=_KEYLESS),
    Case("list --profile no-one", Exit.CREDENTIALS),
    Case("list", Exit.CREDENTIALS, "AWS_PROFILE names no profile", given={"AWS_PROFILE": "no-one"}),
    Case(
        "list",
        Exit.CREDENTIALS,
        "no token file",
        given={**_KEYLESS, "AWS_ROLE_ARN": "arn:aws:iam::1:role/a", "AWS_WEB_IDENTITY_TOKEN_FILE": "/nonexistent"},
    ),
    Case(
        "--no-input list --profile careful",
        Exit.CREDENTIALS,
        "MFA",
        given={**_KEYLESS, "AWS_CONFIG_FILE": "aws.cfg"},
        files={"aws.cfg": _MFA},
    ),
    Case("list", Exit.FAILED, "nothing listens", given={"AWS_ENDPOINT_URL_ECS": "http://127.0.0.1:9"}),
    Case("list", Exit.CREDENTIALS, "expired", wrong=expired()),
    Case("list", Exit.CREDENTIALS, "denied", wrong=denied("ListTasks")),
    Case("list", Exit.NOT_FOUND, "no cluster", wrong=no_cluster()),
    Case("list", Exit.NOT_FOUND, "no such cluster", wrong=no_cluster(), wrong_call="ListTasks"),
    Case("describe etl/load", Exit.NOT_FOUND, "no such cluster", wrong=no_cluster(), wrong_call="ListTasks"),
    Case("logs --dag etl", Exit.NOT_FOUND, "no such cluster", wrong=no_cluster(), wrong_call="ListTasks"),
    Case("list", Exit.FAILED, "throttled", wrong=error("ThrottlingException", "Rate exceeded")),
    Case("list", Exit.FAILED, "refused", wrong=error("ClientException", "Something else is wrong.")),
    Case("list --executor batch", Exit.NOT_FOUND, "no job queue", given=_BATCH, batch_wrong=no_queue()),
    Case("list -o name", Exit.PARTIAL, "one of both denied", batch_wrong=denied("ListJobs", "batch"),
         given={**_BATCH, "AIRFLOW__AWS_ECS_EXECUTOR__CLUSTER": "ours"}),
    Case("list --watch -o name", Exit.CREDENTIALS, "expired", wrong=expired()),
    Case("list --orphans", Exit.CREDENTIALS, "expired", wrong=expired()),
    Case("terminate-all --include-foreign --yes", Exit.CREDENTIALS, "denied", wrong=denied("ListTasks")),
    Case("terminate etl/load --yes --cluster ours", Exit.CREDENTIALS, "denied", wrong=denied("StopTask"),
         wrong_call="StopTask", advises=False),
    Case("describe etl/load", Exit.CREDENTIALS, "expired", wrong=expired()),
    Case(f"describe {_NO_ARN}", Exit.CREDENTIALS, "denied", wrong=denied("DescribeTasks")),
    Case("check-health --quiet", Exit.FAILED, "expired", wrong=expired(), advises=False),
    Case("check-health", Exit.FAILED, "nothing configured but the cluster", given=_KEYLESS, advises=False),
]  # fmt: skip

_JOBS = [
    Case("list", Exit.OK, "no jobs"),
    Case("list --dag nothing", Exit.OK),
    Case("list --orphans", Exit.OK, "none"),
    Case("list --orphans --cluster ours", Exit.USAGE, "no database"),
    Case("list --airflow --cluster ours", Exit.USAGE, "no database"),
    Case("describe etl/nothing", Exit.NOT_FOUND),
    Case("logs 0a1b2c", Exit.NOT_FOUND),
    Case(f"logs {NO_ID}", Exit.NOT_FOUND),
    Case("logs --dag nothing", Exit.OK),
    Case(f"wait {_NO_ARN}", Exit.NOT_FOUND),
    Case(f"explain {_NO_ARN.replace('eu-central-1', 'us-east-1')}", Exit.USAGE),
    Case(f"explain {_NO_JOB_ARN}", Exit.USAGE, "Batch is not configured"),
    Case(f"explain {_NO_JOB_ARN} --executor ecs", Exit.USAGE),
    Case("describe etl/load --cluster twice", Exit.USAGE, "two map indexes"),
    Case("terminate etl/load --cluster twice --yes", Exit.USAGE, "two map indexes"),
    Case("terminate etl/load --cluster runs --yes", Exit.USAGE, "two runs"),
    Case("wait etl/load --cluster ours --timeout 3s", Exit.TIMED_OUT),
    Case("wait etl/load --cluster ours --timeout 0.1s", Exit.TIMED_OUT, "throttled",
         wrong=error("ThrottlingException", "Rate exceeded")),
    Case("wait etl/load --cluster lost", Exit.NOT_FOUND, "forgotten"),
    Case("logs etl/load --cluster ours", Exit.FAILED, "no log configured", advises=False),
    Case("terminate etl/load --cluster ours", Exit.USAGE, "no terminal"),
    Case("terminate-all --cluster ours", Exit.USAGE, "no terminal"),
    Case("terminate etl/load --cluster theirs --yes", Exit.USAGE, "of another deployment"),
    Case("terminate etl/load --cluster theirs --yes", Exit.USAGE, "this deployment is derived",
         given={"AIRFLOW__AWS_ECS_EXECUTOR__DEPLOYMENT": ""}),
    Case("terminate etl/load etl/theirs --cluster ours --cluster theirs --yes", Exit.USAGE, "two of another"),
    Case("terminate etl/load --cluster provider --yes", Exit.USAGE, "of no deployment"),
    Case("terminate-all --cluster theirs --yes", Exit.OK, "of another deployment"),
    Case("terminate-all --cluster ours --dag nothing --yes", Exit.OK, "none match"),
    Case("terminate etl/load --cluster ended --yes", Exit.OK, "ended"),
]  # fmt: skip

CASES = [*_USAGE, *_CONFIGURATION, *_AWS, *_JOBS]
