"""The one location where a failed AWS call gets its meaning: an exception or a refusal in, a `CallFailure` out.

What matters most is what surely did *not* happen. A request that never left, a throttle and a 4xx did nothing; after
anything else (a lost answer, a 5xx, an exception nobody knows) the request may have been carried out, and the caller
has to look before it asks again. In doubt it is `NO_ANSWER`: it costs a look, the contrary costs a second container.

That holds for one request. A client that retries inside one call reports its last try only, so submits are made with
the SDK's retries off.

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
    """What every adapter raises, and all that it raises.

    Attributes:
        fault: what went wrong.
    """

    def __init__(self, fault: CallFailure) -> None:
        super().__init__(str(fault))
        self.fault = fault


def _table(rows: Mapping[FailureKind, str]) -> Mapping[str, FailureKind]:
    return MappingProxyType({name: trouble for trouble, names in rows.items() for name in names.split()})


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

#: Exceptions of others that can only come before a connection stands.
_NEVER_SENT: Final = frozenset({"ConnectionRefusedError", "gaierror", "NewConnectionError", "NameResolutionError"})

#: botocore's modules that look for credentials, before a request can be signed and sent.
_PROVIDERS: Final = frozenset({"botocore.credentials", "botocore.tokens", "botocore.configloader"})

#: What OpenSSL says when the handshake fails; anything else about TLS may have come while the answer was read.
_HANDSHAKE: Final = re.compile(
    r"certificate|handshake|wrong.version.number|unsupported.protocol|unknown.ca|no.protocols|hostname",
    re.IGNORECASE,
)

#: Error codes, as AWS spells them. Any code with "throttl" in it is a throttle besides.
BY_CODE: Final = _table(
    {
        _THROTTLED: """TooManyRequestsException TooManyRequests RequestLimitExceeded BandwidthLimitExceeded SlowDown
            ProvisionedThroughputExceededException ProvisionedThroughputExceeded TransactionInProgressException
            PriorRequestNotComplete RateLimitExceeded RateExceeded""",
        # The service's own failure, or one of the way to it: it may have acted.
        _NO_ANSWER: """ServerException InternalFailure InternalError InternalServerError InternalServerException
            ServiceUnavailable ServiceUnavailableException Unavailable RequestTimeout RequestTimeoutException
            ServiceException GatewayTimeout""",
        _CREDENTIALS: """ExpiredToken ExpiredTokenException TokenRefreshRequired RequestExpired InvalidClientTokenId
            UnrecognizedClientException InvalidSignatureException SignatureDoesNotMatch MissingAuthenticationToken
            MissingAuthenticationTokenException IncompleteSignature IncompleteSignatureException InvalidAccessKeyId
            AuthFailure InvalidToken RequestTimeTooSkewed""",
        # ECS: "the limit for the resource was exceeded", a quota; botocore takes it for a rate, which its message says.
        _NO_CAPACITY: "LimitExceededException ServiceQuotaExceededException AttributeLimitExceededException",
        # Somebody can mend these while the task waits: permissions, an account, a cluster that is being made. A
        # `ConflictException` is read by the ECS adapter before it comes here: it names the task that has the token.
        _REFUSED: """AccessDenied AccessDeniedException UnauthorizedOperation UnauthorizedException NotAuthorized
            OptInRequired BlockedException ClusterNotFoundException ServiceNotFoundException ResourceNotFoundException
            ConflictException ResourceInUseException UpdateInProgressException UnknownOperationException""",
        # The request and what it names do not fit, and will not fit the next time.
        _INVALID: """ValidationException ValidationError ValidationErrorException SerializationException
            InvalidParameterCombination InvalidParameterValue InvalidQueryParameter MalformedQueryString MissingAction
            MissingParameter InvalidRequestException InvalidParameterException PlatformUnknownException
            PlatformTaskDefinitionIncompatibilityException UnsupportedFeatureException""",
    },
)

#: A right that is missing: every code that IAM and the services have for it is one of these, or has one in it.
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


#: The values that AWS echoes from a wrong request.
_ECHOED: Final = re.compile(r"(?i)\bvalue '.*' (?=at ')", re.DOTALL)

#: AWS's own messages are shorter; what is longer echoes a request.
_LONGEST: Final = 1000


def fault_of(error: BaseException, operation: str) -> CallFailure:
    """What a failed call means. Total: every exception gets an answer, none is raised.

    Args:
        error: what the call raised: botocore's, urllib3's, anybody's.
        operation: the API operation, as AWS spells it.
    """
    if isinstance(error, CloudError):
        return error.fault
    if failed_in_providers(error):
        return fault_of_credentials(error, operation)
    if isinstance(error, ClientError):
        return _fault_of_answer(error, operation)
    trouble, code = _trouble_of_exception(error), type(error).__name__
    if trouble is _INVALID:
        return CallFailure(trouble, operation, code, _wrong_parameters(error))
    text = str(error) + (_missing_files() if code in ("NoCredentialsError", "ProfileNotFound") else "")
    return CallFailure(trouble, operation, code, _redacted(text, trouble))


def _missing_files() -> str:
    """Name the variables that name no file of credentials: botocore passes over a folder and a missing file alike."""
    named = {name: os.environ.get(name) or "" for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")}
    return "".join(f"; {name} is not a file: {path}" for name, path in named.items() if path and not _is_file(path))


def _is_file(path: str) -> bool:
    return isfile(expanduser(path))  # noqa: PTH111, PTH113 -- those of Path raise without a home or a permission


def failed_in_providers(error: BaseException) -> bool:
    """Whether an exception comes from where botocore looks for credentials: what was to be sent was not.

    They run programs, read files and ask other services, and let through whatever that raises: so it is read off the
    traceback, not off the class.
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


def fault_of_credentials(error: BaseException, operation: str) -> CallFailure:
    """What it means that no credentials were found: `operation` was not sent.

    `UNREACHED` or `THROTTLED` where the service that gives them (AWS STS, IAM Identity Center) could not be asked,
    which passes; else `CREDENTIALS`: it refused, or a file, a program or a setting is wrong.
    """
    if isinstance(error, ClientError):
        fault = _fault_of_answer(error, operation)
    else:
        trouble = _trouble_of_exception(error)
        if trouble is _NO_ANSWER and not isinstance(error, HTTPClientError):
            trouble = _CREDENTIALS
        message = _wrong_parameters(error) if trouble is _INVALID else _redacted(str(error), _CREDENTIALS)
        if (provider := _failed_provider(error)) and provider not in message:
            message = f"{message} (credential provider {provider})"
        fault = CallFailure(trouble, operation, type(error).__name__, message)
    passes = {_NO_ANSWER: _UNREACHED, _UNREACHED: _UNREACHED, _THROTTLED: _THROTTLED}
    return replace(fault, trouble=passes.get(fault.trouble, _CREDENTIALS))


def is_denied(fault: CallFailure) -> bool:
    """A policy does not allow the call; what it asks for may well be there."""
    return fault.trouble is not _CREDENTIALS and any(word in fault.code for word in _DENIED)


def fault_of_failure(failure: Mapping[str, Any], operation: str, unknown: FailureKind = _NO_CAPACITY) -> CallFailure:
    """What one entry of an answer's `failures` means; of RunTask's: an answered refusal, so there is no task.

    That may pass, whatever its reason (`NO_CAPACITY`: the next request has a token of its own, since a refusal may be
    replayed for its token), except where its words say that it is a throttle or that the request is wrong. AWS's page
    on failure reasons has `RESOURCE:*`, `AGENT`, `ATTRIBUTE` and `LOCATION` for RunTask, which other container
    instances can cure, and `MISSING` and `INACTIVE`, which are of one container instance.

    Args:
        failure: `arn`, `reason` and `detail`, each of which may be absent.
        operation: the API operation that it answers.
        unknown: what it means where its words do not say; of a read, which asks for no capacity, `REFUSED`.
    """
    code, detail, arn = (str(failure.get(name) or "") for name in ("reason", "detail", "arn"))
    message = " ".join(part for part in (detail, f"({arn})" if arn else "") if part)
    said = {kind_of_message(code), kind_of_message(detail)}
    trouble = next((each for each in (_THROTTLED, _INVALID) if each in said), unknown)
    return CallFailure(trouble, operation, _redacted(code, trouble), _redacted(message, trouble))


def _fault_of_answer(error: ClientError, operation: str) -> CallFailure:
    response: Any = error.response
    said = response.get("Error")
    said = said if isinstance(said, Mapping) else {}
    code, message = (str(said.get(name) or "") for name in ("Code", "Message"))
    metadata = response.get("ResponseMetadata")
    status = metadata.get("HTTPStatusCode") if isinstance(metadata, Mapping) else None
    trouble = _trouble_of_answer(code, message, status if isinstance(status, int) else 0)
    if not code:
        code = f"HTTP {status}" if status else type(error).__name__
    return CallFailure(trouble, operation, _redacted(code, trouble), _redacted(message, trouble))


def _trouble_of_answer(code: str, message: str, status: int) -> FailureKind:
    """By code, then by message, then by HTTP status (0: unknown)."""
    # Some services spell a code `aws.protocoltests#Code` or `Code:http://...`; botocore strips most of it.
    listed = BY_CODE.get(code)
    if listed is _THROTTLED or "throttl" in code.lower() or status == 429:  # noqa: PLR2004 -- an HTTP status
        return _THROTTLED
    if status >= 500:  # noqa: PLR2004 -- an HTTP status
        return _NO_ANSWER
    if listed is not None and code not in _VAGUE:
        return listed
    return kind_of_message(message) or listed or _trouble_of_status(code, status)


def _trouble_of_status(code: str, status: int) -> FailureKind:
    """For a code that nobody knows: a 4xx did nothing, a strange answer may have."""
    if status == 401:  # noqa: PLR2004 -- an HTTP status
        return _CREDENTIALS
    if status == 408 or not (400 <= status < 500 or (code and not status)):  # noqa: PLR2004 -- an HTTP status
        return _NO_ANSWER
    return _REFUSED


def _trouble_of_exception(error: BaseException) -> FailureKind:
    if isinstance(error, SSLError) and _HANDSHAKE.search(str(error)):
        return _UNREACHED
    bases = type(error).__mro__
    # By name, but only botocore's: urllib3, requests and pydantic have classes of the same names.
    names = [base.__name__ for base in bases if base.__module__.partition(".")[0] == "botocore"]
    listed = next((BY_CLASS[name] for name in names if name in BY_CLASS), None)
    if listed is not None:
        return listed
    return _UNREACHED if _NEVER_SENT & {base.__name__ for base in bases} else _NO_ANSWER


def _redacted(text: str, trouble: FailureKind) -> str:
    return redact(_ECHOED.sub("value ", text), longest=_LONGEST, keys=trouble is _CREDENTIALS)


def _wrong_parameters(error: BaseException) -> str:
    """Paths and types from a validation error; botocore's own message echoes the values, and one holds a task token.

    What is known to be harmless is picked out, instead of what is known to be harmful being cut away.
    """
    report = str(error)
    found = [text.format(*hit.groups()) for pattern, text in _REPORT for hit in pattern.finditer(report)]
    if not found:
        kwargs = getattr(error, "kwargs", None)
        kwargs = kwargs if isinstance(kwargs, Mapping) else {}
        names = ("param", "name", "original", "alias", "object_name", "missing", "type_name", "operation")
        found = [f"{name}: {kwargs[name]}" for name in names if name in kwargs]
    return _redacted(re.sub(r"<class '([\w.]+)'>", r"\1", "; ".join(dict.fromkeys(found))), _INVALID)
