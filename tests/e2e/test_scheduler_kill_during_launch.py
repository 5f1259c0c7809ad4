"""The scheduler dies by kill -9 while its launch calls are at AWS: the next one finds what they made.

A fast one of the crash matrix (`make crash`), on SQLite and with the executors as they are.
"""

import pytest

from tests.crash.case import begin

pytestmark = pytest.mark.timeout(300)

LAUNCHES = ("RunTask", "SubmitJob")


def test_launches_that_were_never_answered_run_once_and_burn_no_try(aws, airflow, tmp_path):
    """Of the two calls to each service one is carried out before the kill, and one after it."""
    for operation in LAUNCHES:
        aws.faults.stall_next(operation)
        aws.faults.stall_next(operation, acted=True)
    case = begin(aws, airflow, tmp_path)
    case.run.until(lambda: aws.faults.stalled == dict.fromkeys(LAUNCHES, 2), "all launches are at AWS")
    assert len(case.run.launches) == 2

    airflow.kill9("scheduler")
    aws.faults.let_go()
    airflow.restart("scheduler")

    assert case.problems() == []
