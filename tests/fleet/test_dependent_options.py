"""An option of `list` that needs another one is refused without it."""

import pytest

from awsexec_cli.exit_codes import Exit
from tests.fleet.scripts import given, launched


@pytest.fixture
def awsexec(shell, service, tmp_path):
    return lambda *arguments: shell(*arguments, **given(service, tmp_path))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--since", "10m"], "--since selects ended jobs only"),
        (["--since", "10m", "--state", "running"], "--since selects ended jobs only"),
        (["--interval", "1s"], "--interval has no effect without --watch"),
        (["--interval", "1s", "--orphans"], "--interval has no effect without --watch"),
    ],
)
def test_an_option_that_needs_another_is_refused_without(awsexec, arguments, said):
    done = awsexec("list", *arguments)

    assert (done.code, done.out) == (Exit.USAGE, "")
    assert said in done.err


@pytest.mark.parametrize(
    "more", [["--all-states"], ["--state", "failed"], ["--state", "running", "--state", "succeeded"]]
)
def test_since_goes_with_whatever_shows_what_has_ended(service, awsexec, more):
    launched(service, "load")

    assert awsexec("list", "--since", "10m", *more).code == Exit.OK
