"""What a probe's record means: an outcome for each check, with its remedy. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from aws_exec.aws_checks.calls import Outcome, Status
from aws_exec.container.versions import AIRFLOW, AMAZON, AWSEXEC
from aws_exec.fleet.probe_record import Api, Bundle, Bundles, ProbeRecord, RemoteLogs, Store, TaskRole

#: Seconds that clocks may be apart: `[api_auth] jwt_leeway`, with which the API server reads the scheduler's tokens.
LEEWAY = 10
#: Seconds from which on AWS refuses signed requests ("within five minutes of the time stamp", IAM User Guide, Signature
#: Version 4).
AWS_LEEWAY = 300
#: The share of the memory limit that Airflow and the DAG files may take before a task's own code has none left.
CROWDED = 0.85
#: Free bytes of disk that a task needs at least: Airflow writes logs and temporary files.
LEAST_DISK = 1 << 30

_GIB = 1 << 30
_UNSEEN = "the check did not come to its end"
_URL = "Set AIRFLOW__CORE__EXECUTION_API_SERVER_URL in the container to the API server's URL, which ends in /execution/"
_REMEDIES = {
    "URL": _URL,
    "DNS": "Check the host in AIRFLOW__CORE__EXECUTION_API_SERVER_URL, and that the VPC's DNS resolves it",
    "TCP": "Check host and port, the route from the subnets, and that the API server's security group lets the "
    "container's in",
    "TLS": "Give the container the API server's certificate authority ([api] ssl_cert, or in the image), or correct "
    "the certificate",
    "HTTP": _URL,
}
#: OpenSSL's error where the other side answers without TLS.
_PLAIN_HTTP = "WRONG_VERSION_NUMBER"


@dataclass(frozen=True, slots=True)
class Expected:
    """What a record is compared with.

    Attributes:
        python: of this machine, as `sys.version`.
        versions: of the packages here; None: not installed.
        no_token: why the container has no token; empty if it has one.
        store: `workload_store`; empty: there is none.
    """

    python: str
    versions: Mapping[str, str | None] = field(default_factory=dict)
    no_token: str = ""
    store: str = ""


def findings(record: ProbeRecord, expected: Expected) -> Iterator[Outcome]:
    """Yield the outcome of each check of a record."""
    yield from _versions(record, expected)
    if record.version is None:
        yield _without_awsexec(expected)
        return
    yield _package(AWSEXEC, "awsexec", record, expected)
    yield from _resources(record)
    if record.imports is None or record.imports.error:
        return
    yield from _amazon(record, expected)
    yield from _api(record.api, expected)
    yield _identity(record.identity)
    yield _logs(record.logs)
    if expected.store:
        yield _store(record.store, expected.store)
    yield from _dags(record.dags, record.ended)


def _without_awsexec(expected: Expected) -> Outcome:
    hint = "Install awsexec in the image, as here: pip install awsexec"
    message = "the image has no awsexec, or one that has no probe: nothing else can be seen from inside"
    if expected.store:
        return _fail("awsexec", f"{message}; it cannot read workloads from {expected.store}", hint)
    return _warn("awsexec", message, hint)


def _pass(subject: str, message: str, call: str = "") -> Outcome:
    return Outcome(Status.PASS, call, subject, message)


def _fail(subject: str, message: str, hint: str, call: str = "") -> Outcome:
    return Outcome(Status.FAIL, call, subject, message, hint)


def _warn(subject: str, message: str, hint: str, call: str = "") -> Outcome:
    return Outcome(Status.WARN, call, subject, message, hint)


def _skip(subject: str, message: str, call: str = "") -> Outcome:
    return Outcome(Status.SKIP, call, subject, message)


# ------------------------------------------------------------------------------------------------------------- versions


def _versions(record: ProbeRecord, expected: Expected) -> Iterator[Outcome]:
    there, here = record.python.partition(" ")[0], expected.python.partition(" ")[0]
    if _minor(there) == _minor(here):
        yield _pass("Python", f"{there} (here {here})")
    else:
        yield _warn(
            "Python", f"{there} in the image, {here} here", "Use one Python version: what is pickled is read by it"
        )
    yield _airflow(record, expected)


def _airflow(record: ProbeRecord, expected: Expected) -> Outcome:
    there, here = next(iter(record.airflow), ""), expected.versions.get(AIRFLOW) or ""
    hint = f"Build the image with apache-airflow=={here}"
    if not there:
        return _fail(
            "Airflow", "the image's Python has no Airflow", f"{hint}, and have its `python` be the one with it"
        )
    if record.imports is not None and record.imports.error:
        return _fail("Airflow", f"{there} cannot be imported: {record.imports.error}", "Repair the image")
    if _minor(there) != _minor(here):
        return _fail("Airflow", f"{there} in the image, {here} here", hint)
    if there != here:
        return _warn("Airflow", f"{there} in the image, {here} here", hint)
    took = f", imported in {record.imports.seconds:.1f} s" if record.imports and record.imports.seconds else ""
    return _pass("Airflow", f"{there}, as here{took}")


def _package(package: str, subject: str, record: ProbeRecord, expected: Expected) -> Outcome:
    there, here = record.packages.get(package), expected.versions.get(package)
    if there == here:
        return _pass(subject, f"{there}, as here" if there else "not installed, as here")
    message = f"{there or 'not installed'} in the image, {here or 'not installed'} here"
    return _warn(subject, message, f"Use one version of {package}")


def _amazon(record: ProbeRecord, expected: Expected) -> Iterator[Outcome]:
    subject = "Amazon provider"
    needs = record.logs is not None and record.logs.is_remote and record.logs.folder.startswith(("s3:", "cloudwatch:"))
    if needs and not record.packages.get(AMAZON):
        hint = f"Install {AMAZON} in the image"
        yield _fail(subject, "the image has none, and [logging] remote_base_log_folder needs it", hint)
    else:
        yield _package(AMAZON, subject, record, expected)


def _minor(version: str) -> list[str]:
    return version.split(".")[:2]


# ------------------------------------------------------------------------------------------------------------ resources


def _resources(record: ProbeRecord) -> Iterator[Outcome]:
    cpu = record.cpu_limit or record.cpus
    yield _pass("CPU", f"{cpu:g} vCPU" + ("" if record.cpu_limit else ", without a limit of its own"))
    yield _memory(record)
    free = record.disk_free_bytes
    if free < LEAST_DISK:
        yield _warn("disk", f"only {_size(free)} are free", "Give the task more ephemeral storage")
    else:
        yield _pass("disk", f"{_size(free)} are free")
    if record.ended not in ("done", "time limit") and not _ran_out_of_memory(record):
        yield _ended_early(record.ended)


def _ended_early(ended: str) -> Outcome:
    """Return the outcome of checks that a signal or an exit of their own process ended."""
    if ended.startswith("exit code"):
        hint = "Read the container's log; a DAG file must not end the process that parses it, as os._exit does"
        return _fail("process", f"the checks ended early, with {ended}", hint)
    return _fail("process", f"a signal ended the checks: {ended}", "Read the container's log")


def _ran_out_of_memory(record: ProbeRecord) -> bool:
    """Return whether the kernel killed the checks for their memory: most likely, if nothing counts that."""
    return bool(record.oom_kills) or (record.oom_kills is None and record.ended == "SIGKILL")


def _memory(record: ProbeRecord) -> Outcome:
    limit, used = record.memory_limit_bytes, record.memory_used_bytes
    at = f" of {_size(limit)}" if limit else ""
    if _ran_out_of_memory(record):
        message = f"the kernel killed the checks, which need more than {_size(limit or used)}"
        return _fail("memory", message, "Give tasks more memory: Airflow and the DAG files do not fit")
    if limit and used > CROWDED * limit:
        message = f"{_size(used)}{at} are in use before a task's own code runs"
        return _warn("memory", message, "Give tasks more memory")
    return _pass("memory", f"Airflow and the DAG files use {_size(used)}{at or '; there is no limit'}")


def _size(count: int) -> str:
    return f"{count / _GIB:.1f} GiB" if count >= _GIB else f"{count / (1 << 20):.0f} MiB"


# ---------------------------------------------------------------------------------------------------- the Execution API


def _api(api: Api | None, expected: Expected) -> Iterator[Outcome]:
    subject = "Execution API"
    if api is None:
        yield _skip(subject, _UNSEEN)
        return
    unset = "" if api.is_configured else " ([core] execution_api_server_url is not set in the container)"
    where = f"{api.url}{unset}"
    if api.step:
        remedy = _REMEDIES.get(api.step, _URL) if api.is_configured else _URL
        if _PLAIN_HTTP in api.error:
            remedy = "The server speaks plain HTTP on this port: write http://, or correct the port"
        yield _fail(subject, f"{where} is not reached, {api.step}: {api.error}", remedy)
        return
    if api.status is None:
        yield _fail(subject, f"{where}: {api.error}", _URL)
        return
    accepted = (api.status, api.reason) == (404, "not_found")
    if not accepted and api.status not in (401, 403):
        message = f"{where} answers {api.status}, which is not the Execution API's answer: {api.detail or 'no detail'}"
        server = "Look into the API server's log" if api.status >= 500 else _URL  # noqa: PLR2004 - HTTP
        yield _fail(subject, message, server)
        return
    yield _pass(subject, f"{where} answered in {api.milliseconds} ms")
    yield _token(api, expected, accepted=accepted)
    yield _clock(api)


def _token(api: Api, expected: Expected, *, accepted: bool) -> Outcome:
    if expected.no_token:
        return _skip("token", f"not checked: {expected.no_token}")
    if accepted:
        return _pass("token", "the API server accepts tokens that are signed here")
    hint = "Give scheduler and API server the same [api_auth] jwt_secret (or key), jwt_audience and jwt_issuer"
    return _fail("token", f"the API server refuses a token that is signed here: {api.status} {api.detail}", hint)


def _clock(api: Api) -> Outcome:
    ahead = api.ahead_seconds
    if ahead is None:
        return _skip("clock", "not checked: the API server's answer has no date")
    if abs(ahead) <= LEEWAY:
        return _pass("clock", f"agrees with the API server's within {LEEWAY} s")
    message = f"the API server's is {abs(ahead)} s {'ahead' if ahead > 0 else 'behind'}"
    hint = "Synchronise the clocks (chrony, Amazon Time Sync Service): tokens and AWS's signatures are timed"
    return _fail("clock", message, hint) if abs(ahead) > AWS_LEEWAY else _warn("clock", message, hint)


# ------------------------------------------------------------------------------------------------------------------ AWS


def _identity(role: TaskRole | None) -> Outcome:
    call = "sts:GetCallerIdentity"
    if role is None:
        return _skip("task role", _UNSEEN, call)
    if role.error.startswith("NoCredentials"):
        hint = "Give the task or job definition a task role (taskRoleArn, jobRoleArn) if tasks use AWS"
        return _warn("task role", "the container has no AWS credentials", hint, call)
    if role.error:
        hint = "Check the task role, and the route from the subnets to STS"
        return _warn("task role", f"unknown: {role.error}", hint, call)
    return _pass("task role", f"tasks run as {role.arn}", call)


def _logs(logs: RemoteLogs | None) -> Outcome:
    subject, call = "remote log folder", "s3:PutObject"
    if logs is None:
        return _skip(subject, _UNSEEN)
    if logs.error:
        missing = "NoSuchBucket" in logs.error
        hint = f"Allow the task role s3:PutObject and s3:GetObject on {logs.folder}/*"
        create = "Create the bucket, or correct [logging] remote_base_log_folder in the container"
        return _fail(subject, f"{logs.folder} cannot be written: {logs.error}", create if missing else hint, call)
    if not logs.is_remote:
        hint = "Set [logging] remote_logging and remote_base_log_folder in the container, as in the API server"
        message = (
            "none: Airflow's UI cannot show a task's log once its container has ended; CloudWatch keeps the output"
        )
        return _warn(subject, message, hint)
    if logs.unchecked:
        return _skip(subject, f"not checked: {logs.unchecked}")
    left = f"; the object {logs.left} stays, since s3:DeleteObject is not allowed" if logs.left else ""
    return _pass(subject, f"{logs.folder} can be written{left}", call)


# ----------------------------------------------------------------------------------------------------------------- DAGs


def _store(store: Store | None, url: str) -> Outcome:
    subject, call = "workload store", "s3:GetObject"
    if store is None:
        return _skip(subject, _UNSEEN, call)
    if store.error:
        hint = f"Allow the task role s3:GetObject and s3:DeleteObject on {url}/*"
        return _fail(subject, f"the container cannot read and delete an object of {url}: {store.error}", hint, call)
    if not store.is_used:
        return _skip(subject, "nothing was written there", call)
    return _pass(subject, f"the container read what was written to {url} from here, and deleted it", call)


def _dags(dags: Bundles | None, ended: str) -> Iterator[Outcome]:
    if dags is None:
        yield _skip("DAG bundles", _UNSEEN)
        return
    if dags.error:
        yield _fail("DAG bundles", dags.error, "Correct [dag_processor] dag_bundle_config_list in the container")
    for bundle in dags.bundles:
        yield _bundle(bundle, dags, ended)


def _bundle(bundle: Bundle, dags: Bundles, ended: str) -> Outcome:
    subject = f"DAG bundle {bundle.name}"
    hint = "Put the DAG files into the image, or configure the same bundles as in the DAG processor"
    if bundle.error:
        return _fail(subject, bundle.error, hint)
    count = f"{bundle.dags} {'DAG' if bundle.dags == 1 else 'DAGs'} in {bundle.path}"
    if dags.is_partial and ended != "time limit":
        return _skip(subject, f"{count} when the checks ended: {ended}")
    if dags.is_partial:
        remedy = "Probe again with a longer --timeout, or look for a DAG file that never ends"
        return _warn(subject, f"{count} when the time was up", remedy)
    if bundle.import_errors:
        message = f"{count}, and {bundle.import_errors} files with import errors: {bundle.first_error}"
        remedy = (
            "Install what they import; files that read Variables or Connections while they are parsed fail here, too"
        )
        return _fail(subject, message, remedy) if not bundle.dags else _warn(subject, message, remedy)
    if not bundle.dags:
        return _fail(subject, f"there are no DAGs in {bundle.path}", hint)
    return _pass(subject, f"{count}, parsed in {dags.seconds or 0:.1f} s")
