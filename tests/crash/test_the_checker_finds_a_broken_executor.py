"""The checker on the real thing: an executor with a bug does harm in a crash, and the checker says which."""

import pytest

from tests.crash.case import TASKS
from tests.crash.playing import call_under_way, while_jobs_run

pytestmark = [pytest.mark.crash, pytest.mark.timeout(300)]


def in_order(stage):
    stage.begin()


#: By bug: what happens to the scheduler, and what the checker says of each task at least.
BROKEN = {
    "resets rows": (while_jobs_run, "user code of try 2 ran 1 times, not 0"),
    "launches twice": (in_order, "1 containers were launched in vain, not 0"),
    "forgets its launch id": (call_under_way(acted=True), "1 containers were launched in vain, not 0"),
}


@pytest.mark.parametrize("bug", BROKEN)
def test_a_bug_is_found(stage, bug):
    play, harm = BROKEN[bug]
    stage.have(bug)

    play(stage)

    found = stage.case.problems()
    assert [task for task in TASKS if f"{task}: {harm}" not in found] == []
