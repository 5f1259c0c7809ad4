"""The rules for Airflow's own options that containers depend on: the Execution API, its keys, remote logging."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from aws_exec.settings.common.problems import variable_of
from aws_exec.settings.file.positions import Complaint
from aws_exec.settings.rules.airflow_text import Value
from aws_exec.settings.rules.configuration import Configuration

#: Where containers find the API server; Airflow's default is `[api] base_url`, whose default is localhost:8080.
API_SERVER = ("core", "execution_api_server_url")
API_SERVER_VARIABLE = variable_of(*API_SERVER)

#: What signs and checks the tokens of tasks: the scheduler's and the API server's have to be the same.
_KEYS = ("jwt_secret", "jwt_private_key_path", "jwt_issuer", "jwt_algorithm")
_FOLDER = ("logging", "remote_base_log_folder")


def url_mistake(url: str, *, is_local: bool) -> tuple[str, str] | None:
    """Return what is wrong with an Execution API URL of containers, and what to do; None if nothing is.

    Args:
        url: as configured.
        is_local: whether the containers run on this machine, so that localhost is right.
    """
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname or "", f":{parts.port}" if parts.port else ""
    except ValueError:
        host = ""
    if not host or parts.scheme not in ("http", "https"):
        return "is not a URL", "Write it as in https://airflow.example.org/execution/"
    if not is_local and is_loopback(host):
        hint = "Use a host name or an address at which containers reach the API server"
        return f"names {host}, which is the container itself", hint
    if not parts.path.rstrip("/").endswith("/execution"):
        hint = f"Write {parts.scheme}://{host}{port}{parts.path.rstrip('/')}/execution/"
        return f"has the path {parts.path or '/'}, and the Execution API is at /execution/", hint
    return None


def is_loopback(host: str) -> bool:
    """Return whether a host is the machine or the container that asks."""
    try:
        address = ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return address.is_loopback or address.is_unspecified


def check_airflow(configuration: Configuration) -> Iterator[Complaint]:
    """Yield findings on Airflow's own options, if an executor of ours is configured."""
    if not configuration.configured:
        return
    yield from _api_server(configuration)
    yield from _keys(configuration)
    yield from _remote_logging(configuration)


def _api_server(configuration: Configuration) -> Iterator[Complaint]:
    value = configuration.airflow_value(*API_SERVER)
    if value is not None:
        if mistake := url_mistake(value.text, is_local=configuration.is_local):
            message = f"[core] execution_api_server_url {mistake[0]}"
            yield Complaint("execution-api-url", value.position, message, mistake[1])
        return
    executor = _named(configuration)
    is_known = configuration.airflow_value("api", "base_url") or _mentions(configuration, API_SERVER_VARIABLE)
    if executor is not None and not is_known:
        message = "[core] execution_api_server_url is not set: containers look for the API server at localhost:8080"
        hint = f"Set it, and {API_SERVER_VARIABLE} in the task or job definition, unless the image has it"
        yield Complaint("execution-api-unset", executor.position, message, hint)


def _keys(configuration: Configuration) -> Iterator[Complaint]:
    for option in _KEYS:
        found = [value for text in configuration.airflow if (value := text.get("api_auth", option)) and value.text]
        other = next((value for value in found if value.text != found[-1].text), None)
        if other is not None:
            message = f"[api_auth] {option} differs from the one at {other.position}: who reads only that has another"
            hint = "Give the scheduler and the API server the same one"
            yield Complaint("api-auth-differs", found[-1].position, message, hint)


def _remote_logging(configuration: Configuration) -> Iterator[Complaint]:
    folder, switch = configuration.airflow_value(*_FOLDER), configuration.airflow_value("logging", "remote_logging")
    if switch is not None and is_on(switch) and folder is None:
        message = "remote_logging is on, and [logging] remote_base_log_folder is not set"
        yield Complaint("remote-logging", switch.position, message, "Set it to s3://BUCKET/PREFIX")
    elif folder is not None and not is_on(switch):
        message = "remote_base_log_folder has no effect: [logging] remote_logging is off"
        yield Complaint("remote-logging", folder.position, message, "Set remote_logging = True")


def is_on(value: Value | None) -> bool:
    """Return whether an option of Airflow is a true one (its `getboolean`)."""
    return value is not None and value.text.strip().lower() in ("t", "true", "1")


def _named(configuration: Configuration) -> Value | None:
    """Return `[core] executor` if it names an executor of ours: then this is the configuration of an Airflow."""
    ours = any(entry.service for entry in configuration.named)
    return configuration.airflow_value("core", "executor") if ours else None


def _mentions(configuration: Configuration, name: str) -> bool:
    """Return whether a container may get a variable from a template or from an option."""
    texts = (value.text for text in configuration.airflow for value in text.values.values())
    return name in repr(configuration.file.located.data) or any(name in text for text in texts)
