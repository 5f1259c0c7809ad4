"""Ends are asked about in Airflow's database; at the end it is told how many cases were played."""

import pytest

from tests.executors.cheap_clients import cheap_clients  # noqa: F401 - a fixture


@pytest.fixture(autouse=True)
def database(airflow_db):
    """There is one."""


def pytest_terminal_summary(terminalreporter, config):
    """How many cases of the matrix were played."""
    reports = [report for key in ("passed", "failed") for report in terminalreporter.stats.get(key, ())]
    played = [report for report in reports if "test_it_ends_as_it_should[" in getattr(report, "nodeid", "")]
    if played:
        failed = sum(report.failed for report in played)
        terminalreporter.write_line(f"fault matrix: {len(played)} cases played, {failed} failed")
