"""The checks of what containers know of Airflow: the Execution API, where logs go, and the version in the image."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from aws_exec.aws_checks.batch import definition_of
from aws_exec.aws_checks.calls import CachedCalls, CallFailed, Outcome, Status, attributed
from aws_exec.aws_checks.store import bucket_exists
from aws_exec.container.versions import AIRFLOW, version_of
from aws_exec.settings.file.terms import Service
from aws_exec.settings.rules.airflow_options import API_SERVER_VARIABLE, is_loopback, is_on, url_mistake
from aws_exec.settings.rules.configuration import Configuration

_DEFINITION: Mapping[Service, str] = {"ecs": "taskDefinition", "batch": "jobDefinition"}
_CALLS: Mapping[Service, str] = {"ecs": "ecs:DescribeTaskDefinition", "batch": "batch:DescribeJobDefinitions"}
_REMOTE_LOGGING = "AIRFLOW__LOGGING__REMOTE_LOGGING"
#: The tag of an image of Airflow.
_VERSION = re.compile(r"airflow[^:/@]*:(\d+\.\d+)")


def check_containers(
    calls: CachedCalls, service: Service, request: Mapping[str, Any], container: str, configuration: Configuration
) -> Iterator[Outcome]:
    """Check the Airflow container of one request; nothing if its definition cannot be read, which others report.

    Containers of the local AWS emulator get their environment elsewhere.

    Raises:
        CredentialsError: AWS accepts no credentials.
    """
    endpoint = getattr(getattr(calls.client(service), "meta", None), "endpoint_url", "")
    if is_loopback(urlsplit(str(endpoint)).hostname or ""):
        return
    try:
        defined = _container(calls, service, request, container)
    except CallFailed:
        return
    path = (_DEFINITION[service],)
    if defined is not None:
        call, subject = _CALLS[service], f"container {defined.get('name') or request[path[0]]}"
        environment = _environment(defined, request, container)
        yield from attributed("live-execution-api", path, _api_server(call, subject, environment))
        yield from attributed("live-log-folder", path, _logging(call, subject, environment, configuration))
        yield from attributed("live-image-version", path, _version(call, subject, str(defined.get("image"))))
    folder = configuration.airflow_value("logging", "remote_base_log_folder")
    if folder is not None and folder.text.startswith("s3://"):
        bucket = folder.text.removeprefix("s3://").partition("/")[0]
        exists = bucket_exists(calls, bucket, "[logging] remote_base_log_folder")
        yield from attributed("live-log-folder", path, exists)


def _container(
    calls: CachedCalls, service: Service, request: Mapping[str, Any], container: str
) -> Mapping[str, Any] | None:
    """Return the Airflow container of a task or job definition; None if there is none."""
    name = str(request[_DEFINITION[service]])
    several: list[Mapping[str, Any]]
    if service == "ecs":
        answer = calls.call("ecs", "DescribeTaskDefinition", f"task definition {name}", taskDefinition=name)
        several = answer["taskDefinition"].get("containerDefinitions") or []
    else:
        definition = definition_of(calls, request) or {}
        if not container:
            return definition.get("containerProperties")
        tasks = (definition.get("ecsProperties") or {}).get("taskProperties") or ()
        several = [each for task in tasks for each in task.get("containers") or ()]
    return next((each for each in several if each.get("name") == container), None)


def _environment(defined: Mapping[str, Any], request: Mapping[str, Any], container: str) -> dict[str, str] | None:
    """Return the variables of a container, empty ones of secrets among them; None if files add unknown ones."""
    if defined.get("environmentFiles"):
        return None
    found = {str(each["name"]): "" for each in defined.get("secrets") or ()}
    layers = [defined, *_overrides(request, container)]
    return found | {
        str(each["name"]): str(each["value"]) for layer in layers for each in layer.get("environment") or ()
    }


def _overrides(request: Mapping[str, Any], container: str) -> Iterator[Mapping[str, Any]]:
    tasks = (request.get("ecsPropertiesOverride") or {}).get("taskProperties") or ()
    several = [*((request.get("overrides") or {}).get("containerOverrides") or ())]
    several += [each for task in tasks for each in task.get("containers") or ()]
    yield from (each for each in several if each.get("name") == container)
    yield request.get("containerOverrides") or {}


def _api_server(call: str, subject: str, environment: Mapping[str, str] | None) -> Iterator[Outcome]:
    if environment is None:
        return
    url = environment.get(API_SERVER_VARIABLE)
    if url is None:
        message = f"has no {API_SERVER_VARIABLE}: unless its image has it, tasks ask localhost:8080"
        hint = "Set it in the definition, as in https://HOST/execution/"
        yield Outcome(Status.WARN, call, subject, message, hint, "execution-api-unset")
    elif url and (mistake := url_mistake(url, is_local=False)):
        yield Outcome(Status.FAIL, call, subject, f"{API_SERVER_VARIABLE} {mistake[0]}", mistake[1])
    else:
        yield Outcome(Status.PASS, call, subject, "has the URL of the Execution API")


def _logging(
    call: str, subject: str, environment: Mapping[str, str] | None, configuration: Configuration
) -> Iterator[Outcome]:
    """Check that containers write logs where Airflow reads them."""
    folder = configuration.airflow_value("logging", "remote_base_log_folder")
    if environment is None or folder is None or not is_on(configuration.airflow_value("logging", "remote_logging")):
        return
    own = environment.get("AIRFLOW__LOGGING__REMOTE_BASE_LOG_FOLDER")
    if _REMOTE_LOGGING not in environment or own is None:
        message = "has no [logging] remote settings: unless its image has them, Airflow shows no logs of ended tasks"
        hint = f"Set {_REMOTE_LOGGING} and AIRFLOW__LOGGING__REMOTE_BASE_LOG_FOLDER in the definition"
        yield Outcome(Status.WARN, call, subject, message, hint, "remote-logging")
    elif own and own.rstrip("/") != folder.text.strip().rstrip("/"):
        message = "writes logs to another remote_base_log_folder than Airflow reads"
        hint = f"Use one of the two: {own} or {folder.text.strip()}"
        yield Outcome(Status.WARN, call, subject, message, hint, "remote-logging")
    else:
        yield Outcome(Status.PASS, call, subject, "writes logs where Airflow reads them")


def _version(call: str, subject: str, image: str) -> Iterator[Outcome]:
    """Compare the tag of an image of Airflow with the Airflow that is installed here."""
    installed, tagged = version_of(AIRFLOW), _VERSION.search(image)
    if installed is None or tagged is None:
        return
    if installed.startswith(f"{tagged[1]}."):
        yield Outcome(Status.PASS, call, subject, f"has Airflow {tagged[1]}, as here")
    else:
        message = f"has Airflow {tagged[1]} by its image's tag, and {installed} is installed here"
        yield Outcome(Status.WARN, call, subject, message, "Use an image with the scheduler's version of Airflow")
