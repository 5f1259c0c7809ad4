"""Defaults that a page states in its text, as in `option` (5 s), are the defaults of the options."""

import re

import pytest
from airflow.configuration import conf

from aws_exec.settings.batch.options import BatchOptions
from aws_exec.settings.ecs.options import EcsOptions
from tests.tree import ROOT

#: An option of ours or, with its section, of Airflow's; a line may end between its name and its default.
QUOTED = re.compile(r"`(?:\[(\w+)\] )?(\w+)`\s+\((\d+) s\)")
PAGES = [*(ROOT / "docs").glob("*.md"), ROOT / "README.md"]
SAID = [(page.name, *found) for page in PAGES for found in QUOTED.findall(page.read_text("utf-8"))]
#: Airflow's, where a page names the section once for two of them.
SECTIONS = {"orphaned_tasks_check_interval": "scheduler"}


def defaults(section, option):
    """What it is if nobody says anything: of every executor that has it, or of Airflow."""
    if section := section or SECTIONS.get(option):
        return {float(conf.get_default_value(section, option))}
    return {each.model_fields[option].default for each in (EcsOptions, BatchOptions) if option in each.model_fields}


@pytest.mark.parametrize(("page", "section", "option", "seconds"), SAID)
def test_a_default_is_what_the_page_says(page, section, option, seconds):
    assert defaults(section, option) == {float(seconds)}


def test_the_pages_say_some():
    assert {option for _, _, option, _ in SAID} >= {
        "poll_interval",
        "missing_grace",
        "task_queued_timeout",
        "shutdown_timeout",
        "scheduler_health_check_threshold",
        "orphaned_tasks_check_interval",
    }
    assert len(SAID) >= 7
