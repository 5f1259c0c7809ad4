"""The text of a failure names the cause, without credentials, tokens or values of the request."""

from __future__ import annotations

import botocore.exceptions
import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from aws_exec.clouds.errors import failure_of, failure_of_entry
from aws_exec.lifecycle.values import FailureKind
from tests.clouds.aws_errors import answered

TOKEN = "eyJhbGciOiJIUzUxMiJ9.eyJzdWIiOiIwMTkifQ.c2lnbmF0dXJl"


def validation_error(operation="RunTask", **arguments):
    """What botocore raises for these arguments."""
    shape = ServiceModel(Loader().load_service_model("ecs", "service-2")).operation_model(operation).input_shape
    return botocore.exceptions.ParamValidationError(
        report=ParamValidator().validate(arguments, shape).generate_report(),
    )


def test_a_request_that_does_not_fit_names_the_fields_but_no_value():
    command = ["python", "-m", "airflow", "--json-string", f'{{"token": "{TOKEN}", "x": "hunter2, type: <class"}}']
    error = validation_error(
        overrides={"containerOverrides": [{"name": 7, "command": "\n".join(command), "cpus": 1}]},
        count="one",
    )
    assert TOKEN in str(error)
    fault = failure_of(error, "RunTask")
    assert fault.kind is FailureKind.INVALID
    assert "hunter2" not in fault.message
    assert "eyJ" not in fault.message
    assert fault.message.split("; ") == [
        "input: taskDefinition is missing",
        "overrides.containerOverrides[0]: cpus is unknown",
        "overrides.containerOverrides[0].name: has type int, must be str",
        "overrides.containerOverrides[0].command: has type str, must be list, tuple",
        "count: has type str, must be int",
    ]


@pytest.mark.parametrize(
    "error",
    [
        botocore.exceptions.RangeError(value="hunter2", param="count", min_value=1, max_value=10, type_name="integer"),
        botocore.exceptions.UnknownKeyError(value="hunter2", param="count", choices="a"),
        botocore.exceptions.ValidationError(value="hunter2", param="count", type_name="integer"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_other_validation_errors_name_the_field_but_no_value(error):
    message = failure_of(error, "RunTask").message
    assert "count" in message
    assert "hunter2" not in message


@pytest.mark.parametrize(
    "secret",
    [
        TOKEN,
        TOKEN[:25],
        "ASIAIOSFODNN7EXAMPLE",
        "IQoJb3JpZ2luX2Vj" + "A1b2/C3d4+" * 40,
        '"token": "hunter2"',
        "X-Amz-Security-Token=hunter2",
        "https://user:hunter2@proxy:3128",
    ],
)
def test_no_text_shows_a_credential(secret):
    for fault in (
        failure_of(answered("ClientException", f"bad: {secret} end"), "RunTask"),
        failure_of(answered("AccessDeniedException", f"bad: {secret} end"), "RunTask"),
        failure_of(RuntimeError(f"bad: {secret} end"), "RunTask"),
        failure_of(botocore.exceptions.CredentialRetrievalError(provider="p", error_msg=secret), "RunTask"),
        failure_of_entry({"reason": f"bad: {secret} end", "detail": secret}, "RunTask"),
    ):
        assert secret not in str(fault)
        assert "hunter2" not in str(fault)


def test_a_secret_key_is_hidden_where_credentials_failed():
    key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    error = botocore.exceptions.CredentialRetrievalError(provider="process", error_msg=f"got {key} and no more")
    assert key not in str(failure_of(error, "RunTask"))


def test_a_value_that_aws_echoes_is_hidden():
    message = (
        "1 validation error detected: Value '[ContainerOverride(command=[airflow, hunter2's])]' at 'overrides' failed "
        "to satisfy constraint"
    )
    assert failure_of(answered("ValidationException", message), "RunTask").message == (
        "1 validation error detected: value at 'overrides' failed to satisfy constraint"
    )


def test_a_message_without_end_is_cut():
    assert len(failure_of(answered("ClientException", "x " * 5000), "RunTask").message) == 1000
