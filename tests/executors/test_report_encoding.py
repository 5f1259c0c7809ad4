"""Whatever characters AWS or a DAG's author writes, what Airflow is told of it goes into its database.

Airflow writes the `info` of an event into its log table with nothing around it: what the database's driver cannot
encode there ends the scheduler.
"""

from airflow.models.log import Log
from airflow.utils.session import create_session

from tests.executors.harness import task
from tests.executors.services import over_both
from tests.scripted.services import Plan

pytestmark = over_both

#: Half of a character that UTF-16 has in two (JSON can say it, UTF-8 cannot), and what PostgreSQL has in no text.
ODD = "half \ud83d and nothing \x00 here"
TOLD = r"half \ud83d and nothing \x00 here"
#: Of an exception: the log has it as it is, and what collects the logs of tests takes no half characters.
NOTHING = "nothing \x00 here"


def stored(text):
    """What the database has of a text after it was written as Airflow does."""
    with create_session() as session:
        row = Log(event="executor event", extra=text)
        session.add(row)
        session.flush()
        session.refresh(row)
        read = row.extra
        session.rollback()
    return read


def test_the_reason_of_an_end_may_have_any_character(scheduler, aws):
    aws.set_plan(Plan(run=0.05, exit_code=1, reason=ODD))
    key = scheduler.queue(task())
    scheduler.until_over(key)

    for told in (scheduler.info(key), scheduler.notes_of(key)):
        assert TOLD in stored(told)
        assert "\x00" not in told


def test_an_executor_config_may_have_any_character(scheduler):
    key = scheduler.queue(task(executor_config={ODD: 1, "tags": ODD}))
    scheduler.until_over(key)

    assert scheduler.outcomes(key) == ["failed"]
    for told in (scheduler.info(key), scheduler.notes_of(key)):
        assert TOLD in stored(told)
        assert "\x00" not in told


def test_a_workload_that_cannot_be_taken_in_may_have_what_no_database_takes_in_its_error(scheduler):
    class Unreadable:
        callback = task()

        @property
        def ti(self):
            raise RuntimeError(NOTHING)

    key = Unreadable.callback.key
    scheduler.executor._process_workloads([Unreadable()])
    scheduler.listen()

    for told in (scheduler.info(key), scheduler.notes_of(key)):
        assert r"nothing \x00 here" in stored(told)
        assert "\x00" not in told
