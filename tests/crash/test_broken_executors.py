"""An executor with a bug does harm in a crash, and the checker names the harm."""

import pytest

from tests.crash.playing import while_jobs_run, while_jobs_start

pytestmark = [pytest.mark.crash, pytest.mark.timeout(300)]


def in_order(stage):
    stage.begin()


#: By bug: what happens to the scheduler, and what the checker says of some task at least.
BROKEN = {
    "resets rows": (while_jobs_run, "not success on try 1"),
    "launches twice": (in_order, "launched in vain"),
    "forgets its launch id": (while_jobs_start, "launched in vain"),
}


@pytest.mark.parametrize("bug", BROKEN)
def test_a_bug_is_found(stage, bug):
    play, harm = BROKEN[bug]
    stage.have(bug)

    play(stage)

    assert [line for line in stage.case.problems() if harm in line] != []
