"""Every way in which an AWS call can fail has one meaning."""

from __future__ import annotations

import inspect
import json
import socket
import ssl

import botocore.exceptions
import botocore.parsers
import botocore.retries.standard
import pytest
import urllib3.exceptions
from botocore.exceptions import ClientError
from botocore.loaders import Loader
from botocore.model import ServiceModel
from hypothesis import given
from hypothesis import strategies as st

from aws_exec.clouds.errors import BY_CLASS, BY_CODE, CloudError, failure_of, failure_of_entry
from aws_exec.lifecycle.values import CallFailure, FailureKind
from tests.clouds.aws_errors import answered

URL = "https://ecs.us-east-1.amazonaws.com/"

#: What it means | HTTP status (0: none was recorded) | code | message
ANSWERS = """
# throttled
THROTTLED | 400 | ThrottlingException | Rate exceeded
THROTTLED | 503 | Throttling | Rate exceeded
THROTTLED | 503 | SlowDown |
THROTTLED | 400 | ClientException | Too many requests, please wait before trying again
THROTTLED | 400 | InvalidParameterException | Rate limit exceeded.
THROTTLED | 400 | InvalidParameterException | Error retrieving subnet information: (ErrorCode: RequestLimitExceeded)
THROTTLED | 400 | LimitExceededException | Rate exceeded
THROTTLED | 400 | ClientException | Error executing request, Exception : Rate exceeded, RequestId: 0f3e-1
THROTTLED | 400 | ClientException | Too many concurrent attempts to create a new revision: Rate exceeded
THROTTLED | 400 | InvalidParameterException | Throttling: the request rate is too high
THROTTLED | 400 | ClientException | The request was denied due to request throttling.
THROTTLED | 400 | ClientException | Rate exceeded (Service: AmazonECS; Error Code: ThrottlingException)
THROTTLED | 400 | ClientException | Cannot do it (Service: AmazonEC2; Error Code: Throttling; Request ID: 0)
THROTTLED | 429 | Whatever |
# no answer: it may have acted
NO_ANSWER | 500 | ServerException | Service Unavailable. Please try again later.
NO_ANSWER | 400 | ServerException |
NO_ANSWER | 503 | ServiceUnavailable |
NO_ANSWER | 502 | AccessDeniedException |
NO_ANSWER | 504 | 504 | Gateway Timeout
NO_ANSWER | 400 | RequestTimeout |
NO_ANSWER | 408 | Whatever |
NO_ANSWER | 200 | Whatever |
NO_ANSWER |   0 |  |
# credentials
CREDENTIALS | 400 | ExpiredTokenException | The security token included in the request is expired
CREDENTIALS | 400 | RequestExpired |
CREDENTIALS | 403 | InvalidClientTokenId |
CREDENTIALS | 400 | UnrecognizedClientException |
CREDENTIALS | 400 | InvalidSignatureException | Signature expired: 20261122T000000Z
CREDENTIALS | 403 | SignatureDoesNotMatch |
CREDENTIALS | 403 | MissingAuthenticationToken |
CREDENTIALS | 400 | IncompleteSignature |
CREDENTIALS | 400 | ClientException | The security token included in the request is invalid.
CREDENTIALS | 401 | Whatever |
# refused: somebody can mend it while the task waits
REFUSED | 400 | AccessDeniedException | User is not authorized to perform: ecs:RunTask
REFUSED | 403 | UnauthorizedOperation |
REFUSED | 400 | NotAuthorized |
REFUSED | 400 | ClusterNotFoundException | Cluster not found.
REFUSED | 400 | BlockedException |
REFUSED | 400 | ConflictException | The token was used with other parameters
REFUSED | 400 | ClientException | ECS was unable to assume the role 'arn:aws:iam::1:role/x'
REFUSED | 400 | InvalidParameterException | Unable to assume the service linked role.
REFUSED | 400 | ClientException | Error executing request, Exception : Job Queue q does not exist
REFUSED | 400 | ClientException | JobQueue no capacity not found
REFUSED | 400 | ClientException | JobQueue throttled-jobdefinition is not in a VALID state
REFUSED | 400 | InvalidParameterException | Error retrieving security group information: x (ErrorCode: AuthFailure)
REFUSED | 400 | ClientException | something nobody knows
REFUSED | 418 | TeapotException | I am a teapot
REFUSED |   0 | TeapotException |
# no capacity
NO_CAPACITY | 400 | ClientException | Tasks provisioning capacity limit exceeded.
NO_CAPACITY | 400 | ClientException | You've reached the limit on the number of tasks you can run concurrently
NO_CAPACITY | 400 | ClientException | Capacity is unavailable at this time. Please try again later
NO_CAPACITY | 400 | InvalidParameterException | No Container Instances were found in your cluster.
NO_CAPACITY | 400 | LimitExceededException | The limit for the resource was exceeded.
# invalid
INVALID | 400 | ClientException | TaskDefinition not found.
INVALID | 400 | ClientException | TaskDefinition is inactive
INVALID | 400 | ClientException | Unable to describe task definition.
INVALID | 400 | ClientException | Invalid revision number. Number: x
INVALID | 400 | ClientException | No Fargate configuration exists for given values: 100 CPU, 100 memory.
INVALID | 400 | InvalidParameterException | Override for container named main is not a container in the TaskDefinition
INVALID | 400 | InvalidParameterException | Container Overrides length must be at most 8192
INVALID | 400 | InvalidParameterException | subnets can not be empty.
INVALID | 400 | ClientException | Error executing request, Exception : User '$(id' does not match regex
INVALID | 400 | ClientException | Job definition airflow:9 does not exist
INVALID | 400 | ClientException | Override for container named rate limiter is not a container in the TaskDefinition
INVALID | 400 | ClientException | Override for container named throttle-proxy is not a container in the TaskDefinition
INVALID | 400 | ClientException | Error executing request, Exception : JobDefinition throttle-test:3 not found
INVALID | 400 | ClientException | Invalid revision number. Number: Rate exceeded
INVALID | 400 | ClientException | Job name should match valid pattern
INVALID | 400 | BadRequestException | '^GATC' is not a valid value for TagValue - it contains illegal characters
INVALID | 400 | BadRequestException | 'no capacity' is not a valid value for TagValue - it is too long
INVALID | 400 | ClientException | Error executing request, Exception : 'a' is not a valid value for TagKey
INVALID | 400 | ClientException | Share identifier contains illegal characters
INVALID | 400 | ClientException | Error executing request, Exception : Command field cannot have empty strings
INVALID | 400 | ClientException | Error executing request, Exception : Job size must be less than 30 KiB, got 47 KiB
INVALID | 400 | ClientException | Override for container named x is not a container in the job definition.
INVALID | 400 | ClientException | Job Queue is attached to Compute Environment that can not run Jobs with capability EC2
INVALID | 400 | ClientException | Job with shareIdentifier or schedulingPriority can onlybe submitted to job queue
INVALID | 400 | ClientException | Unable to substitute value. No parameter found for reference job_id
INVALID | 400 | ClientException | Tags can only contain letters, numbers, spaces, and the following special characters
INVALID | 400 | ClientException | Fargate resource requirements (1.00 vCPU, 4000 MiB) not valid.
INVALID | 400 | ClientException | Error executing request, Exception : Fargate resource requirements (2) not valid., x
INVALID | 400 | ClientException | Container overrides or node overrides should not be set for Batch on EKS jobs.
INVALID | 400 | ClientException | NodeOverride targets should match job definition. Non matching targets - 0:0
INVALID | 400 | PlatformUnknownException | The specified platform does not exist.
INVALID | 400 | PlatformTaskDefinitionIncompatibilityException |
INVALID | 400 | UnsupportedFeatureException |
INVALID | 400 | SerializationException |
INVALID | 400 | ValidationException | 1 validation error detected
"""


def exception_classes():
    for module in (botocore.exceptions, botocore.parsers):
        for value in vars(module).values():
            if inspect.isclass(value) and issubclass(value, Exception) and value.__module__ == module.__name__:
                yield value


def test_every_class_that_is_listed_is_one_of_botocore():
    assert set(BY_CLASS) <= {cls.__name__ for cls in exception_classes()}


@pytest.mark.parametrize("cls", sorted(exception_classes(), key=lambda cls: cls.__name__), ids=lambda cls: cls.__name__)
def test_a_class_of_botocore_that_is_not_listed_may_have_been_sent(cls):
    """The safe answer: it costs a look, where the contrary costs a second container."""
    error = cls.__new__(cls)
    listed = [BY_CLASS[base.__name__] for base in cls.__mro__ if base.__name__ in BY_CLASS]
    if not listed and not issubclass(cls, ClientError):
        assert failure_of(error, "RunTask").kind is FailureKind.NO_ANSWER


def test_every_error_of_the_service_models_that_a_launch_can_meet_is_listed_or_vague():
    """Errors of operations that we never call (services, deployments, agents) may stay unlisted: a 4xx is refused."""
    model = ServiceModel(Loader().load_service_model("ecs", "service-2"))
    names = {
        shape.name
        for operation in ("RunTask", "StopTask", "DescribeTasks", "ListTasks")
        for shape in model.operation_model(operation).error_shapes
    }
    assert names - set(BY_CODE) == {"ClientException"}


def test_every_throttle_code_of_botocore_is_a_throttle():
    """Except ECS's LimitExceededException, which is a quota of things, not a rate."""
    codes = set(botocore.retries.standard.ThrottledRetryableChecker._THROTTLED_ERROR_CODES) - {"LimitExceededException"}
    assert {code: failure_of(answered(code), "RunTask").kind for code in codes} == dict.fromkeys(
        codes,
        FailureKind.THROTTLED,
    )


@pytest.mark.parametrize("line", [line for line in ANSWERS.splitlines() if line and line[0] != "#"])
def test_an_answered_error_means_what_its_code_message_and_status_say(line):
    expected, status, code, message = (part.strip() for part in line.split("|", 3))
    fault = failure_of(answered(code, message, int(status)), "RunTask")
    assert fault.kind is FailureKind[expected]
    assert fault.operation == "RunTask"
    assert fault.message == message
    assert fault.code == (code or "ClientError")


#: Names that a task's author may choose, and that are a trouble's words elsewhere.
NAMES = [
    "throttle-proxy",
    "throttling",
    "rate limit",
    "Rate exceeded",
    "too many requests",
    "x (ErrorCode: RequestLimitExceeded)",
    "ErrorCode: AuthFailure",
    "no capacity",
    "Signature expired",
    "the security token included in the request is invalid",
    "job queue invalid",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("expected", "message"),
    [
        (FailureKind.INVALID, "Override for container named {} is not a container in the TaskDefinition."),
        (
            FailureKind.INVALID,
            "Error executing request, Exception : Container {} is not a container in the job definition",
        ),
        (FailureKind.INVALID, "JobDefinition {}:3 not found."),
        (FailureKind.INVALID, "Error executing request, Exception : Job definition {} does not exist, RequestId: 0-1"),
        (FailureKind.INVALID, "Unable to substitute value. No parameter found for reference {}"),
        (FailureKind.REFUSED, "JobQueue {} not found"),
        (FailureKind.REFUSED, "Error executing request, Exception : Job Queue {} does not exist, RequestId: 0-1"),
    ],
)
def test_what_a_task_calls_its_things_slows_and_pauses_nobody_else(name, expected, message):
    assert failure_of(answered("ClientException", message.format(name)), "X").kind is expected


@pytest.mark.parametrize("name", NAMES)
def test_a_name_in_a_sentence_that_nobody_knows_is_no_throttle_and_no_bad_credentials(name):
    fault = failure_of(answered("InvalidParameterException", f"The thing {name} has a strange shape."), "X")
    assert fault.kind not in (FailureKind.THROTTLED, FailureKind.CREDENTIALS)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        # never sent
        (botocore.exceptions.EndpointConnectionError(endpoint_url=URL), FailureKind.UNREACHED),
        (botocore.exceptions.ConnectTimeoutError(endpoint_url=URL), FailureKind.UNREACHED),
        (botocore.exceptions.ProxyConnectionError(proxy_url="http://u:p@proxy"), FailureKind.UNREACHED),
        (
            botocore.exceptions.SSLError(
                endpoint_url=URL,
                error=ssl.SSLCertVerificationError("certificate verify failed: self-signed certificate"),
            ),
            FailureKind.UNREACHED,
        ),
        (socket.gaierror(-2, "Name or service not known"), FailureKind.UNREACHED),
        (ConnectionRefusedError(111, "Connection refused"), FailureKind.UNREACHED),
        (urllib3.exceptions.NewConnectionError(None, "no"), FailureKind.UNREACHED),
        # sent, or who knows
        (
            botocore.exceptions.SSLError(endpoint_url=URL, error="EOF occurred in violation of protocol (_ssl.c:2406)"),
            FailureKind.NO_ANSWER,
        ),
        (botocore.exceptions.ReadTimeoutError(endpoint_url=URL), FailureKind.NO_ANSWER),
        (botocore.exceptions.ConnectionClosedError(endpoint_url=URL), FailureKind.NO_ANSWER),
        (botocore.exceptions.HTTPClientError(error="?"), FailureKind.NO_ANSWER),
        (botocore.exceptions.ResponseStreamingError(error="?"), FailureKind.NO_ANSWER),
        (botocore.exceptions.IncompleteReadError(actual_bytes=1, expected_bytes=2), FailureKind.NO_ANSWER),
        (botocore.parsers.ResponseParserError("not JSON"), FailureKind.NO_ANSWER),
        (ConnectionResetError(104, "Connection reset by peer"), FailureKind.NO_ANSWER),
        (TimeoutError(), FailureKind.NO_ANSWER),
        (json.JSONDecodeError("Expecting value", "", 0), FailureKind.NO_ANSWER),
        (RuntimeError("anything"), FailureKind.NO_ANSWER),
        (KeyboardInterrupt(), FailureKind.NO_ANSWER),
        # credentials
        (botocore.exceptions.NoCredentialsError(), FailureKind.CREDENTIALS),
        (botocore.exceptions.PartialCredentialsError(provider="env", cred_var="x"), FailureKind.CREDENTIALS),
        (botocore.exceptions.CredentialRetrievalError(provider="p", error_msg="x"), FailureKind.CREDENTIALS),
        (botocore.exceptions.TokenRetrievalError(provider="sso", error_msg="x"), FailureKind.CREDENTIALS),
        (botocore.exceptions.UnauthorizedSSOTokenError(), FailureKind.CREDENTIALS),
        (botocore.exceptions.ProfileNotFound(profile="x"), FailureKind.CREDENTIALS),
        # configuration
        (botocore.exceptions.NoRegionError(), FailureKind.REFUSED),
        (
            botocore.exceptions.ParamValidationError(report='Missing required parameter in input: "x"'),
            FailureKind.INVALID,
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else value.value,
)
def test_an_exception_means_whether_the_request_can_have_been_carried_out(error, expected):
    fault = failure_of(error, "SubmitJob")
    assert (fault.kind, fault.operation, fault.code) == (expected, "SubmitJob", type(error).__name__)


def test_a_class_that_a_newer_botocore_derives_is_what_its_base_is():
    class NewTimeoutError(botocore.exceptions.ReadTimeoutError):
        __module__ = "botocore.exceptions"

    class NewSSOError(botocore.exceptions.SSOError):
        __module__ = "botocore.exceptions"

    class NewError(botocore.exceptions.BotoCoreError):
        __module__ = "botocore.exceptions"

    assert failure_of(NewTimeoutError(endpoint_url=URL), "X").kind is FailureKind.NO_ANSWER
    assert failure_of(NewSSOError(), "X").kind is FailureKind.CREDENTIALS
    assert failure_of(NewError(), "X").kind is FailureKind.NO_ANSWER


def test_a_class_of_another_package_with_a_name_of_botocore_is_not_taken_for_it():
    class ValidationError(Exception):
        """Pydantic has one."""

    assert failure_of(ValidationError(), "X").kind is FailureKind.NO_ANSWER


def test_a_fault_that_was_raised_is_passed_on():
    fault = CallFailure(FailureKind.NO_CAPACITY, "RunTask", "AGENT")
    assert failure_of(CloudError(fault), "StopTask") is fault
    assert str(CloudError(fault)) == "RunTask: AGENT"


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (
            {"arn": "arn:x", "reason": "RESOURCE:MEMORY"},
            CallFailure(FailureKind.NO_CAPACITY, "RunTask", "RESOURCE:MEMORY", "(arn:x)"),
        ),
        ({"reason": "AGENT"}, CallFailure(FailureKind.NO_CAPACITY, "RunTask", "AGENT")),
        (
            {"arn": "arn:x", "reason": "ATTRIBUTE", "detail": "ecs.capability.task-eni"},
            CallFailure(FailureKind.NO_CAPACITY, "RunTask", "ATTRIBUTE", "ecs.capability.task-eni (arn:x)"),
        ),
        ({"reason": "LOCATION"}, CallFailure(FailureKind.NO_CAPACITY, "RunTask", "LOCATION")),
        ({"reason": "MISSING"}, CallFailure(FailureKind.NO_CAPACITY, "RunTask", "MISSING")),
        ({"reason": "INACTIVE"}, CallFailure(FailureKind.NO_CAPACITY, "RunTask", "INACTIVE")),
        (
            {"reason": "Capacity is unavailable at this time. Please try again later."},
            CallFailure(
                FailureKind.NO_CAPACITY,
                "RunTask",
                "Capacity is unavailable at this time. Please try again later.",
            ),
        ),
        ({"reason": "Rate exceeded"}, CallFailure(FailureKind.THROTTLED, "RunTask", "Rate exceeded")),
        (
            {"reason": "Client error", "detail": "Rate exceeded"},
            CallFailure(FailureKind.THROTTLED, "RunTask", "Client error", "Rate exceeded"),
        ),
        (
            {"reason": "TaskDefinition is inactive"},
            CallFailure(FailureKind.INVALID, "RunTask", "TaskDefinition is inactive"),
        ),
        ({"arn": "arn:x"}, CallFailure(FailureKind.NO_CAPACITY, "RunTask", "", "(arn:x)")),
        ({"reason": None, "detail": None}, CallFailure(FailureKind.NO_CAPACITY, "RunTask")),
        ({}, CallFailure(FailureKind.NO_CAPACITY, "RunTask")),
    ],
)
def test_a_refusal_of_run_task_may_pass_unless_it_says_otherwise(failure, expected):
    assert failure_of_entry(failure, "RunTask") == expected


@given(code=st.text(), message=st.text(), status=st.integers(0, 999))
def test_every_answer_has_a_meaning(code, message, status):
    assert isinstance(failure_of(answered(code, message, status), "X").kind, FailureKind)


@pytest.mark.parametrize(
    "response",
    [{}, {"Error": {}}, {"Error": {"Code": None, "Message": None}}, {"Error": {"Code": "A"}, "ResponseMetadata": {}}],
    ids=str,
)
def test_a_malformed_answer_has_a_meaning(response):
    assert isinstance(failure_of(ClientError(response, "X"), "X").kind, FailureKind)


@given(st.dictionaries(st.sampled_from(["arn", "reason", "detail"]), st.none() | st.text() | st.integers()))
def test_every_failure_has_a_meaning(failure):
    assert isinstance(failure_of_entry(failure, "RunTask").kind, FailureKind)


def test_the_errors_of_a_real_client_are_classified():
    """Modeled exceptions are subclasses of ClientError that botocore makes at run time."""
    model = ServiceModel(Loader().load_service_model("ecs", "service-2"))
    from botocore.errorfactory import ClientExceptionsFactory  # noqa: PLC0415 - of this test only

    error = ClientExceptionsFactory().create_client_exceptions(model).ClusterNotFoundException
    raised = error({"Error": {"Code": "ClusterNotFoundException", "Message": "Cluster not found."}}, "RunTask")
    assert failure_of(raised, "RunTask").kind is FailureKind.REFUSED
