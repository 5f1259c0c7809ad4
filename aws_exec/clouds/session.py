"""AWS clients: timeouts, connections, account and Region.

The rule is the Amazon provider's: `conn_id` names an Airflow connection (default: `aws_default`); if `aws_default` does
not exist, or `conn_id` is empty, boto3's own credentials chain decides. If the provider is installed, its hook resolves
the connection (roles, SAML, profiles, ...). Without it, keys, region and endpoint of the connection are read, and any
other setting is refused: never silently another account. For the same reason a connection that cannot be looked up
(Airflow's database does not answer) is `UNREACHED`, which is retried.

Clients are built on a thread of ours, never in a heartbeat of the scheduler: resolving a connection asks Airflow's
database and may call STS. The Amazon provider is imported inside a function: nothing else in `aws_exec.clouds` needs
Airflow.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import platform
import threading
from collections.abc import Callable
from typing import Any, Generic, TypeAlias, TypeVar

import boto3.session
import botocore
import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError, NoRegionError

from aws_exec.clouds.errors import CloudError, failure_of, failure_of_credentials
from aws_exec.clouds.sdk_log import keep_secrets_out
from aws_exec.lifecycle.values import CallFailure, FailureKind
from aws_exec.regions import is_region, meant_region

log = logging.getLogger(__name__)

DEFAULT_CONNECTION = "aws_default"

#: AWS accepts within milliseconds; a SYN lost twice is retried after 3 s (RFC 6298 timers), so 5 s forgives both.
CONNECT_TIMEOUT_SECONDS = 5
#: RunTask has been seen to take several seconds while a service is degraded; an answer after 20 s is as good as lost,
#: and a hung call costs one worker thread for that long at most.
READ_TIMEOUT_SECONDS = 20
#: Launches, stops and reads of the dispatcher at once, and a health check.
CONNECTIONS = 40

#: Extras of a connection that are understood without the Amazon provider.
_PLAIN_EXTRAS = frozenset(
    {"region_name", "endpoint_url", "aws_access_key_id", "aws_secret_access_key", "aws_session_token", "profile_name"},
)

ClientT = TypeVar("ClientT")

#: Looks a connection of Airflow up by its id; None if there is none. Raises where nobody can say whether there is one.
FindConnection: TypeAlias = Callable[[str], Any | None]


def client_config(connections: int = CONNECTIONS, read_timeout: float = READ_TIMEOUT_SECONDS) -> Config:
    """The botocore configuration of every client.

    The SDK's own retries are off, for reads as well: an unanswered request is repeated by the machine, with the same
    token, at a rate that all lanes share. Retries below it would multiply the load just when AWS asks for less, would
    not be counted, and would submit a Batch job twice.
    """
    return Config(
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        read_timeout=read_timeout,
        max_pool_connections=connections,
        # NAT gateways drop idle connections after 350 s without a word; the next launch would wait for a timeout.
        tcp_keepalive=True,
        retries={"total_max_attempts": 1, "mode": "standard"},
        # Said once: botocore puts its own together anew for every call, a sixth of what the call costs here.
        user_agent=f"awsexec Botocore/{botocore.__version__} Python/{platform.python_version()}",
    )


def build_client(
    service: str,
    *,
    find_connection: FindConnection,
    conn_id: str | None = DEFAULT_CONNECTION,
    region_name: str | None = None,
    section: str = "aws_ecs_executor",
    connections: int = CONNECTIONS,
    read_timeout: float = READ_TIMEOUT_SECONDS,
) -> Any:
    """Build a client, as the Amazon provider's executors would find their account and region.

    What the SDK logs is redacted from then on: at DEBUG it logs whole requests.

    Args:
        service: `"ecs"`, `"batch"`, ...
        find_connection: looks the connection up in Airflow.
        conn_id: an Airflow connection; empty or None: boto3's own chain.
        region_name: the option; None or empty: the connection's, else boto3's. `AWS_ENDPOINT_URL` is honoured.
        section: of Airflow's configuration that these come from, for messages.
        connections: kept open at once.
        read_timeout: seconds after which an answer is given up.

    Raises:
        CloudError: CREDENTIALS, UNREACHED or REFUSED (no region, a connection that cannot be understood), with what
            to do about it.
    """
    keep_secrets_out()
    config = client_config(connections, read_timeout)
    try:
        if not conn_id:
            return _session(region_name=region_name or None).client(service, config=config)
        if _has_amazon_hook():
            return _from_hook(service, conn_id, region_name or None, config, find_connection=find_connection)
        return _from_plain_connection(
            service, conn_id, region_name or None, config, section, find_connection=find_connection
        )
    except (NoRegionError, ValueError) as error:
        # An empty AWS_DEFAULT_REGION gets further than none, to an endpoint with a hole in it.
        if not (isinstance(error, NoRegionError) or "Invalid endpoint" in str(error)):
            raise _unbuilt(error) from error
        message = (
            f"no AWS region: set [{section}] region_name (AIRFLOW__{section.upper()}__REGION_NAME), "
            f"the region of connection {conn_id or DEFAULT_CONNECTION!r}, or AWS_DEFAULT_REGION"
        )
        raise CloudError(CallFailure(FailureKind.REFUSED, "CreateClient", "NoRegionError", message)) from error
    except CloudError:
        raise
    except Exception as error:
        raise _unbuilt(error) from error


def open_session(profile: str | None = None, *, may_prompt: bool = False) -> Any:
    """The session of a person at a shell: boto3's own chain of credentials, no Airflow.

    Args:
        profile: of the credentials; None or empty: boto3's.
        may_prompt: whether botocore may ask on the terminal for the code of an MFA device.

    Raises:
        CloudError: CREDENTIALS if there is no such profile.
    """
    keep_secrets_out()
    try:
        return _session(may_prompt=may_prompt, profile_name=profile or None)
    except Exception as error:
        raise _unbuilt(error) from error


def check_region(region: str, endpoint_url: str | None = None) -> None:
    """Refuse what is no Region before boto3 makes an endpoint of it that nobody answers.

    Args:
        region: in which a client is to be built; empty: nobody says one.
        endpoint_url: of one's own; it answers for any Region, as does the environment's `AWS_ENDPOINT_URL...`.

    Raises:
        CloudError: REFUSED, `NoRegionError` or `UnknownRegion`: of what was asked for.
    """
    if not region:
        message = "no AWS Region is set; pass --region, or set region_name or AWS_DEFAULT_REGION"
        raise CloudError(CallFailure(FailureKind.REFUSED, "CreateClient", "NoRegionError", message))
    if endpoint_url or any(name.startswith("AWS_ENDPOINT_URL") and url for name, url in os.environ.items()):
        return
    meant = meant_region(region)
    if meant or not is_region(region):
        hint = f'; did you mean "{meant}"?' if meant else ""
        message = f'unknown AWS Region "{region}"{hint}'
        raise CloudError(CallFailure(FailureKind.REFUSED, "CreateClient", "UnknownRegion", message))


def session_client(
    session: Any, service: str, region_name: str, endpoint_url: str | None = None, connections: int = CONNECTIONS
) -> Any:
    """A client of such a session, configured as every client of ours.

    Raises:
        CloudError: CREDENTIALS, UNREACHED or REFUSED.
    """
    try:
        config = client_config(connections)
        return session.client(service, region_name=region_name, endpoint_url=endpoint_url or None, config=config)
    except Exception as error:
        raise _unbuilt(error) from error


class ClientSource(Generic[ClientT]):
    """One client for all threads (boto3 clients are thread-safe): built when first asked for, and replaced as a whole.

    Args:
        build: makes a client; may take seconds and raise `CloudError`.
    """

    def __init__(self, build: Callable[[], ClientT]) -> None:
        self._build = build
        self._lock = threading.Lock()
        self._client: ClientT | None = None

    def get(self) -> ClientT:
        """The client; built now if there is none yet.

        Raises:
            CloudError: it could not be built; the next call tries again.
        """
        client = self._client
        if client is not None:
            return client
        with self._lock:
            if self._client is None:
                self._client = self._build()
            return self._client

    def renew(self) -> None:
        """Build a new client, then swap; the old one stays if that fails, and finishes the calls it has.

        Raises:
            CloudError: it could not be built.
        """
        client = self._build()
        with self._lock:
            self._client = client


class _SilentSession(botocore.session.Session):
    """Asks nobody for the code of an MFA device: in a scheduler or a script the question would never be answered."""

    def get_credentials(self) -> Any:
        """The credentials; raises CloudError where only a code from a person would give them."""
        # Here, not when the session is made: the provider takes its Region from the client that is being built.
        provider: Any = self.get_component("credential_provider").get_provider("assume-role")
        provider._prompter = _refuse_to_ask  # noqa: SLF001 -- there is no public way to say it
        return super().get_credentials()


def _refuse_to_ask(_: str) -> str:
    message = "its role has mfa_serial; use temporary credentials, or a profile without mfa_serial"
    raise CloudError(CallFailure(FailureKind.CREDENTIALS, "AssumeRole", "MfaRequired", message))


def _session(*, may_prompt: bool = False, **kwargs: Any) -> Any:
    """Not boto3's default session, which other threads may be using; untyped: its types know every service apart."""
    core = botocore.session.Session() if may_prompt else _SilentSession()
    return boto3.session.Session(botocore_session=core, **kwargs)


def _has_amazon_hook() -> bool:
    try:
        return importlib.util.find_spec("airflow.providers.amazon.aws.hooks.base_aws") is not None
    except ModuleNotFoundError:
        return False


def _from_hook(
    service: str, conn_id: str, region_name: str | None, ours: Config, *, find_connection: FindConnection
) -> Any:
    from airflow.providers.amazon.aws.hooks.base_aws import AwsGenericHook  # noqa: PLC0415 -- may not be installed

    class Hook(AwsGenericHook):  # type: ignore[type-arg] # untyped where the provider is not installed
        """The provider's, but a connection that could not be looked up is not taken for one that does not exist."""

        @classmethod
        def get_connection(cls, conn_id: str) -> Any:
            found = find_connection(conn_id)
            return super().get_connection(conn_id) if found is None else found

    # It logs by its class's name: what it says stays the provider's, for people's filters of logs too.
    Hook.__module__, Hook.__name__ = AwsGenericHook.__module__, AwsGenericHook.__name__
    hook: Any = Hook(aws_conn_id=conn_id, region_name=region_name, client_type=service)
    # The connection's own `config_kwargs` (proxies, ...) stay in force, except where ours are a promise.
    return hook.get_client_type(region_name=hook.region_name, config=hook.config.merge(ours))


def _from_plain_connection(
    service: str,
    conn_id: str,
    region_name: str | None,
    config: Config,
    section: str,
    *,
    find_connection: FindConnection,
) -> Any:
    if conn_id != DEFAULT_CONNECTION:
        raise _refused(
            f"[{section}] conn_id (AIRFLOW__{section.upper()}__CONN_ID) is {conn_id!r}, which only "
            "apache-airflow-providers-amazon can resolve: install it, or set it to empty for boto3's own credentials"
        )
    connection = find_connection(conn_id)
    if connection is None:
        log.info("There is no Airflow connection %r; AWS credentials are found as boto3 finds them", conn_id)
        return _session(region_name=region_name).client(service, config=config)
    extra: dict[str, Any] = dict(connection.extra_dejson)
    if unknown := sorted(name for name, value in extra.items() if value and name not in _PLAIN_EXTRAS):
        raise _refused(
            f"connection {conn_id!r} has {', '.join(unknown)}, which only apache-airflow-providers-amazon understands: "
            f"install it, or set [{section}] conn_id to empty for boto3's own credentials"
        )
    session = _session(
        aws_access_key_id=connection.login or extra.get("aws_access_key_id"),
        aws_secret_access_key=connection.password or extra.get("aws_secret_access_key"),
        aws_session_token=extra.get("aws_session_token"),
        region_name=region_name or extra.get("region_name"),
        profile_name=extra.get("profile_name"),
    )
    return session.client(service, config=config, endpoint_url=extra.get("endpoint_url"))


def _refused(message: str) -> CloudError:
    return CloudError(CallFailure(FailureKind.REFUSED, "CreateClient", "ConnectionRefused", message))


def _unbuilt(error: Exception) -> CloudError:
    # Building a client asks AWS for nothing but credentials.
    judge = failure_of_credentials if isinstance(error, ClientError) else failure_of
    failure = judge(error, "CreateClient")
    if failure.kind is FailureKind.NO_ANSWER:
        # Nothing was launched by building a client: there is nothing to be uncertain about.
        failure = CallFailure(FailureKind.UNREACHED, failure.operation, failure.code, failure.message)
    return CloudError(failure)
