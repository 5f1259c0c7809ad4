"""The meaning of a failed AWS call: an exception or a refusal in, a `CallFailure` out.

The kind of failure says whether the request was certainly *not* carried out. A request that was never sent, a
throttle and a 4xx did nothing; after anything else (a lost answer, a 5xx, an unknown exception) the request may have
been carried out, and the caller must search before it repeats it. In doubt it is `NO_ANSWER`: this costs a search, the
contrary costs a second container.

This holds for one request. A client that retries inside one call reports only its last try, so submits are made with
the SDK's retries off. AWS's sentences are matched by the diagnosis (`aws_exec.diagnosis.call_failures`).

Sources: botocore 1.44 (`exceptions`, `httpsession`, `retries.standard`, `validate`), the ECS and Batch API references
and their common errors, AWS's pages on API failure reasons and service event messages, moto 5 for wordings.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from os.path import expanduser, isfile
from types import MappingProxyType
from typing import Any, Final

from botocore.exceptions import ClientError, HTTPClientError, SSLError

from aws_exec.diagnosis.call_failures import kind_of_message
from aws_exec.lifecycle.values import CallFailure, FailureKind
from aws_exec.redaction import redact

_THROTTLED, _UNREACHED, _NO_ANSWER = FailureKind.THROTTLED, FailureKind.UNREACHED, FailureKind.NO_ANSWER
_NO_CAPACITY, _CREDENTIALS = FailureKind.NO_CAPACITY, FailureKind.CREDENTIALS
_REFUSED, _INVALID = FailureKind.REFUSED, FailureKind.INVALID


class CloudError(Exception):
    """The only exception that adapters raise.

    Attributes:
        failure: the failure of the call.
    """

    def __init__(self, failure: CallFailure) -> None:
        super().__init__(str(failure))
        self.failure = failure


def _table(rows: Mapping[FailureKind, str]) -> Mapping[str, FailureKind]:
    return MappingProxyType({name: kind for kind, names in rows.items() for name in names.split()})


#: botocore's exception classes that mean something else than `NO_ANSWER`, by name: not every botocore that we support
#: has every class. The nearest base class that is listed counts. A class that is not listed is `NO_ANSWER`, which is
#: always safe. Exceptions of credential providers are recognised by where they come from (`failed_in_providers`).
BY_CLASS: Final = _table(
    {
        # Client-side rate limiter of the adaptive retry mode: not sent.
        _THROTTLED: "CapacityNotAvailableError",
        # botocore raises these from urllib3's NewConnectionError, a failed look-up, ConnectTimeoutError, ProxyError.
        _UNREACHED: "EndpointConnectionError ConnectTimeoutError ProxyConnectionError",
        # Found while signing or while the client was built; fixed from outside, by whoever keeps the credentials.
        _CREDENTIALS: """NoCredentialsError NoAuthTokenError PartialCredentialsError CredentialRetrievalError
            TokenRetrievalError ProfileNotFound ConfigParseError ConfigNotFound InvalidConfigError SSOError
            LoginError""",
        # Found while the client was built or the endpoint was chosen: the deployment's configuration is wrong.
        _REFUSED: """DataNotFoundError BaseEndpointResolverError UnknownRegionError InvalidRegionError
            EndpointProviderError InvalidEndpointConfigurationError InvalidHostLabelError InvalidProxiesConfigError
            InvalidRetryConfigurationError InvalidDefaultsMode InvalidChecksumConfigError UnknownSignatureVersionError
            UnsupportedSignatureVersionError""",
        # Found before sending: the arguments do not fit the service's model. Their messages echo values.
        _INVALID: "ParamValidationError ValidationError",
    },
)

#: Exceptions of other packages that occur only before a connection exists.
_NEVER_SENT: Final = frozenset({"ConnectionRefusedError", "gaierror", "NewConnectionError", "NameResolutionError"})

#: botocore's modules that provide credentials, before a request can be signed and sent.
_PROVIDERS: Final = frozenset({"botocore.credentials", "botocore.tokens", "botocore.configloader"})

#: OpenSSL's messages when the handshake fails; any other TLS error may have occurred while the answer was read.
_HANDSHAKE: Final = re.compile(
    r"certificate|handshake|wrong.version.number|unsupported.protocol|unknown.ca|no.protocols|hostname",
    re.IGNORECASE,
)

#: Error codes, as AWS spells them. Any code that contains "throttl" is a throttle, too.
BY_CODE: Final = _table(
    {
        _THROTTLED: """TooManyRequestsException TooManyRequests RequestLimitExceeded BandwidthLimitExceeded SlowDown
            ProvisionedThroughputExceededException ProvisionedThroughputExceeded TransactionInProgressException
            PriorRequestNotComplete RateLimitExceeded RateExceeded""",
        # A failure of the service or between: it may have acted.
        _NO_ANSWER: """ServerException InternalFailure InternalError InternalServerError InternalServerException
            ServiceUnavailable ServiceUnavailableException Unavailable RequestTimeout RequestTimeoutException
            ServiceException GatewayTimeout""",
        _CREDENTIALS: """ExpiredToken ExpiredTokenException TokenRefreshRequired RequestExpired InvalidClientTokenId
            UnrecognizedClientException InvalidSignatureException SignatureDoesNotMatch MissingAuthenticationToken
            MissingAuthenticationTokenException IncompleteSignature IncompleteSignatureException InvalidAccessKeyId
            AuthFailure InvalidToken RequestTimeTooSkewed""",
        # ECS: "the limit for the resource was exceeded", a quota; if it is a rate, its message says so.
        _NO_CAPACITY: "LimitExceededException ServiceQuotaExceededException AttributeLimitExceededException",
        # These can be fixed while the task waits: permissions, an account, a cluster that is being created. The ECS
        # adapter handles a `ConflictException` before this: it names the task that has the token.
        _REFUSED: """AccessDenied AccessDeniedException UnauthorizedOperation UnauthorizedException NotAuthorized
            OptInRequired BlockedException ClusterNotFoundException ServiceNotFoundException ResourceNotFoundException
            ConflictException ResourceInUseException UpdateInProgressException UnknownOperationException""",
        # The request does not fit the resources that it names, and will not fit the next time.
        _INVALID: """ValidationException ValidationError ValidationErrorException SerializationException
            InvalidParameterCombination InvalidParameterValue InvalidQueryParameter MalformedQueryString MissingAction
            MissingParameter InvalidRequestException InvalidParameterException PlatformUnknownException
            PlatformTaskDefinitionIncompatibilityException UnsupportedFeatureException""",
    },
)

#: A missing permission: every code of IAM and the services for it contains one of these.
_DENIED: Final = (
    "AccessDenied",
    "UnauthorizedAccess",
    "UnauthorizedException",
    "UnauthorizedOperation",
    "NotAuthorized",
)

#: Codes that say less than their message does (`call_failures.kind_of_message`): ECS and Batch use the first two for
#: much. Every other code stands by itself.
_VAGUE: Final = frozenset(
    {"ClientException", "InvalidParameterException", "LimitExceededException", "ConflictException"}
)

_PARAMETER: Final = r"([\w.\[\]-]{1,200})"
_TYPES: Final = r"([<>'\w., ]{1,100})"
#: The sentences of `botocore.validate.ValidationErrors`, without the values.
_REPORT: Final = tuple(
    (re.compile(pattern, re.DOTALL), text)
    for pattern, text in (
        (rf'Missing required parameter in {_PARAMETER}: "{_PARAMETER}"', "{0}: {1} is missing"),
        (rf'Unknown parameter in {_PARAMETER}: "{_PARAMETER}"', "{0}: {1} is unknown"),
        (
            rf"type for (?:document )?parameter {_PARAMETER},.*?, type: <class '([\w.]+)'>, valid types: {_TYPES}",
            "{0}: has type {1}, must be {2}",
        ),
        (rf"Invalid (value|length) for parameter {_PARAMETER}, value", "{1}: its {0} is too small"),
        (rf"Invalid parameter {_PARAMETER} must be json serializable", "{0}: must be JSON"),
        (rf"tagged union ?structure {_PARAMETER}", "{0}: must have exactly one key"),
    )
)


#: Values that AWS echoes from an invalid request.
_ECHOED: Final = re.compile(r"(?i)\bvalue '.*' (?=at ')", re.DOTALL)

#: AWS's own messages are shorter; a longer one echoes a request.
_LONGEST: Final = 1000


def failure_of(error: BaseException, operation: str) -> CallFailure:
    """Return the meaning of a failed call. Total: any exception is accepted, none is raised.

    Args:
        error: any exception that the call raised, of botocore, urllib3 or others.
        operation: the API operation, as AWS spells it.
    """
    if isinstance(error, CloudError):
        return error.failure
    if failed_in_providers(error):
        return failure_of_credentials(error, operation)
    if isinstance(error, ClientError):
        return _failure_of_answer(error, operation)
    kind, code = _kind_of_exception(error), type(error).__name__
    if kind is _INVALID:
        return CallFailure(kind, operation, code, _wrong_parameters(error))
    text = str(error) + (_missing_files() if code in ("NoCredentialsError", "ProfileNotFound") else "")
    return CallFailure(kind, operation, code, _redacted(text, kind))


def _missing_files() -> str:
    """Return the variables that name no file of credentials: botocore ignores directories and missing files."""
    named = {name: os.environ.get(name) or "" for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")}
    return "".join(f"; {name} is not a file: {path}" for name, path in named.items() if path and not _is_file(path))


def _is_file(path: str) -> bool:
    return isfile(expanduser(path))  # noqa: PTH111, PTH113 -- Path's raise without a home directory or a permission


def failed_in_providers(error: BaseException) -> bool:
    """Return whether an exception comes from botocore's credential providers: the request was not sent.

    They run programs, read files and call other services, and pass on whatever these raise: so the traceback decides,
    not the class.
    """
    step = error.__traceback__
    while step is not None:
        if step.tb_frame.f_globals.get("__name__") in _PROVIDERS:
            return True
        step = step.tb_next
    return False


def _failed_provider(error: BaseException) -> str:
    """Return botocore's name of the credential provider that failed, such as `custom-process`; empty if none did.

    The exception may be any, such as one of a JSON parser: only the name tells a reader which setting is meant.
    """
    name, step = "", error.__traceback__
    while step is not None:
        if step.tb_frame.f_globals.get("__name__") in _PROVIDERS:
            provider = step.tb_frame.f_locals.get("self")
            found = getattr(provider, "METHOD", None) or getattr(provider, "method", None)
            name = found if isinstance(found, str) else name
        step = step.tb_next
    return name


def failure_of_credentials(error: BaseException, operation: str) -> CallFailure:
    """Return the meaning of a failure to get credentials: `operation` was not sent.

    `UNREACHED` or `THROTTLED` if the service that issues them (AWS STS, IAM Identity Center) was not available, which
    passes; else `CREDENTIALS`: it refused, or a file, a program or a setting is wrong.
    """
    if isinstance(error, ClientError):
        failure = _failure_of_answer(error, operation)
    else:
        kind = _kind_of_exception(error)
        if kind is _NO_ANSWER and not isinstance(error, HTTPClientError):
            kind = _CREDENTIALS
        message = _wrong_parameters(error) if kind is _INVALID else _redacted(str(error), _CREDENTIALS)
        if (provider := _failed_provider(error)) and provider not in message:
            message = f"{message} (credential provider {provider})"
        failure = CallFailure(kind, operation, type(error).__name__, message)
    passes = {_NO_ANSWER: _UNREACHED, _UNREACHED: _UNREACHED, _THROTTLED: _THROTTLED}
    return replace(failure, kind=passes.get(failure.kind, _CREDENTIALS))


def is_denied(failure: CallFailure) -> bool:
    """Return whether a policy denies the call; the resource may exist."""
    return failure.kind is not _CREDENTIALS and any(word in failure.code for word in _DENIED)


def failure_of_entry(failure: Mapping[str, Any], operation: str, unknown: FailureKind = _NO_CAPACITY) -> CallFailure:
    """Return the meaning of one entry of an answer's `failures`; of RunTask's: a refusal, so no task exists.

    It may pass, whatever its reason (`NO_CAPACITY`: the next request has a new token, since AWS may replay a refusal
    for the same token), unless its text means a throttle or an invalid request. AWS's page on failure reasons has
    `RESOURCE:*`, `AGENT`, `ATTRIBUTE` and `LOCATION` for RunTask, which other container instances can fix, and
    `MISSING` and `INACTIVE`, which concern one container instance.

    Args:
        failure: `arn`, `reason` and `detail`, each of which may be absent.
        operation: the API operation.
        unknown: the kind if the text does not determine it; of a read, which needs no capacity, `REFUSED`.
    """
    code, detail, arn = (str(failure.get(name) or "") for name in ("reason", "detail", "arn"))
    message = " ".join(part for part in (detail, f"({arn})" if arn else "") if part)
    kinds = {kind_of_message(code), kind_of_message(detail)}
    kind = next((each for each in (_THROTTLED, _INVALID) if each in kinds), unknown)
    return CallFailure(kind, operation, _redacted(code, kind), _redacted(message, kind))


def _failure_of_answer(error: ClientError, operation: str) -> CallFailure:
    response: Any = error.response
    answer = response.get("Error")
    answer = answer if isinstance(answer, Mapping) else {}
    code, message = (str(answer.get(name) or "") for name in ("Code", "Message"))
    metadata = response.get("ResponseMetadata")
    status = metadata.get("HTTPStatusCode") if isinstance(metadata, Mapping) else None
    kind = _kind_of_answer(code, message, status if isinstance(status, int) else 0)
    if not code:
        code = f"HTTP {status}" if status else type(error).__name__
    return CallFailure(kind, operation, _redacted(code, kind), _redacted(message, kind))


def _kind_of_answer(code: str, message: str, status: int) -> FailureKind:
    """Return the kind by code, then by message, then by HTTP status (0: unknown)."""
    # Some services spell a code `aws.protocoltests#Code` or `Code:http://...`; botocore strips most of it.
    listed = BY_CODE.get(code)
    if listed is _THROTTLED or "throttl" in code.lower() or status == 429:  # noqa: PLR2004 -- an HTTP status
        return _THROTTLED
    if status >= 500:  # noqa: PLR2004 -- an HTTP status
        return _NO_ANSWER
    if listed is not None and code not in _VAGUE:
        return listed
    return kind_of_message(message) or listed or _kind_of_status(code, status)


def _kind_of_status(code: str, status: int) -> FailureKind:
    """Return the kind of an unknown code: a 4xx did nothing, a strange answer may have."""
    if status == 401:  # noqa: PLR2004 -- an HTTP status
        return _CREDENTIALS
    if status == 408 or not (400 <= status < 500 or (code and not status)):  # noqa: PLR2004 -- an HTTP status
        return _NO_ANSWER
    return _REFUSED


def _kind_of_exception(error: BaseException) -> FailureKind:
    if isinstance(error, SSLError) and _HANDSHAKE.search(str(error)):
        return _UNREACHED
    bases = type(error).__mro__
    # By name, but only botocore's: urllib3, requests and pydantic have classes of the same names.
    names = [base.__name__ for base in bases if base.__module__.partition(".")[0] == "botocore"]
    listed = next((BY_CLASS[name] for name in names if name in BY_CLASS), None)
    if listed is not None:
        return listed
    return _UNREACHED if _NEVER_SENT & {base.__name__ for base in bases} else _NO_ANSWER


def _redacted(text: str, kind: FailureKind) -> str:
    return redact(_ECHOED.sub("value ", text), longest=_LONGEST, keys=kind is _CREDENTIALS)


def _wrong_parameters(error: BaseException) -> str:
    """Return paths and types from a validation error; botocore's message echoes values, and one contains a task token.

    It extracts the parts known to be harmless, instead of removing harmful ones.
    """
    report = str(error)
    found = [text.format(*hit.groups()) for pattern, text in _REPORT for hit in pattern.finditer(report)]
    if not found:
        kwargs = getattr(error, "kwargs", None)
        kwargs = kwargs if isinstance(kwargs, Mapping) else {}
        names = ("param", "name", "original", "alias", "object_name", "missing", "type_name", "operation")
        found = [f"{name}: {kwargs[name]}" for name in names if name in kwargs]
    return _redacted(re.sub(r"<class '([\w.]+)'>", r"\1", "; ".join(dict.fromkeys(found))), _INVALID)
