"""The rules for containers of both services: environment, tags, names, replaced lists."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

from aws_exec.redaction import holds_secret, is_secret_name
from aws_exec.settings.common.launch import MARKER, TYPICAL
from aws_exec.settings.common.tags import LIMIT
from aws_exec.settings.file.positions import Complaint
from aws_exec.settings.rules.airflow_options import API_SERVER_VARIABLE, url_mistake
from aws_exec.settings.rules.view import View

#: Suffixes of names that refer to a secret, and do not contain it.
_POINTERS = ("_ARN", "_FILE", "_PATH", "_NAME", "_CMD", "_SECRET", "_ID", "_URL")

#: Where containers find the API server, and where people find Airflow.
_API_SERVER, _BASE_URL = API_SERVER_VARIABLE, "AIRFLOW__API__BASE_URL"

#: Alike enough to be a slip.
_ALIKE = 0.7


def secrets(view: View) -> Iterator[Complaint]:
    """Report secrets in plain text; the value of a `${VARIABLE}` is at least not in the file."""
    for path, item in view.containers():
        for entry in item.get("environment") or ():
            name, value = entry.get("name") or "", entry.get("value") or ""
            position = view.position(*path, "environment", name)
            is_secret = is_secret_name(name) and not name.upper().endswith(_POINTERS) and not value.startswith("arn:")
            if value and (is_secret or holds_secret(value)) and not view.substituted(position) and not _ours(name):
                message = f"{view.what}: {name[:60]} seems to be a secret, written in plain text"
                yield Complaint("secret-plain", position, message, "Name it under `secrets` of the definition instead")


def _ours(name: str) -> bool:
    return name.startswith("AWSEXEC_")


def marker(view: View) -> Iterator[Complaint]:
    """Report a configured `AIRFLOW_IS_EXECUTOR_CONTAINER`, which awsexec overrides."""
    for path, _ in view.containers():
        position = view.origins.positions.get((*path, "environment", MARKER[0]))
        if position is not None:
            message = f"{view.what}: {MARKER[0]} is set by awsexec"
            yield Complaint("env-reserved", position[0], message, "Remove it")


def base_url(view: View) -> Iterator[Complaint]:
    """Report an Airflow container that has the API server's address, and not `[api] base_url`."""
    for path, item in view.containers():
        names = {entry.get("name") for entry in item.get("environment") or ()}
        if _API_SERVER in names and _BASE_URL not in names:
            message = f"{_BASE_URL} is missing beside {_API_SERVER}: operator links are relative without it"
            hint = "Set it to the URL of Airflow's web interface"
            yield view.complaint("env-base-url", (*path, "environment", _API_SERVER), message, hint)


def api_server(view: View) -> Iterator[Complaint]:
    """Report an address of the Execution API that containers cannot use."""
    for path, item in view.containers():
        for entry in item.get("environment") or ():
            if entry.get("name") == _API_SERVER and entry.get("value"):
                mistake = url_mistake(str(entry["value"]), is_local=view.configuration.is_local)
                if mistake:
                    where = (*path, "environment", _API_SERVER)
                    yield view.complaint("execution-api-url", where, f"{_API_SERVER} {mistake[0]}", mistake[1])


def tags(view: View) -> Iterator[Complaint]:
    """Report tags that leave no room for awsexec's, by which jobs are found without a database."""
    given = view.request.get("tags") or ()
    own = [key for key in _keys(given) if not key.startswith("awsexec:")]
    room = LIMIT - len(TYPICAL.tags())
    if len(own) > room:
        message = f"{len(own)} tags leave no room for those of awsexec: {room} do"
        yield view.complaint("tag-room", ("tags",), message, "Remove some")


def _keys(given: Any) -> list[str]:
    return [str(tag.get("key")) for tag in given] if isinstance(given, list) else [str(key) for key in given]


def names(view: View) -> Iterator[Complaint]:
    """Report a container whose name is almost the Airflow container's."""
    airflow = view.options.container_name
    for path, item in view.containers():
        name = item.get("name", "")
        if view.assumed or not name or not airflow or name == airflow:
            continue
        alike = difflib.SequenceMatcher(None, name.lower(), airflow.lower()).ratio()
        if alike >= _ALIKE:
            message, hint = f"the Airflow container is called {airflow}, not {name[:60]}", f"Write {airflow}"
            yield view.complaint("container-unknown", (*path, "name"), message, hint)


def replaced_lists(view: View) -> Iterator[Complaint]:
    """Report a raw list that replaces the configured one."""
    if view.base is None or view.layer is None or view.assumed:
        return
    base, layer = view.base, view.layer
    for path in (
        ("networkConfiguration", "awsvpcConfiguration", "subnets"),
        ("networkConfiguration", "awsvpcConfiguration", "securityGroups"),
        ("placementConstraints",),
        ("placementStrategy",),
        ("dependsOn",),
    ):
        before, after = _at(base, path), _at(layer, path)
        if before and after and [item for item in before if item not in after]:
            message = f"{path[-1]} replaces the configured list of {len(before)}; it is not added to it"
            yield view.complaint("list-replaces", path, message, "List all of them, or use the term of a template")


def _at(document: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        document = document.get(step) if isinstance(document, dict) else None
    return document


CHECKS = (secrets, marker, base_url, api_server, tags, names, replaced_lists)
