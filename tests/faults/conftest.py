"""The client gives up answers soon: everything else here goes by a clock that the harness moves."""

import pytest

from tests.faults.world import READ_TIMEOUT


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr("aws_exec.clouds.session.READ_TIMEOUT_SECONDS", READ_TIMEOUT)


def pytest_terminal_summary(terminalreporter, config):
    """How many cases of the matrix were played."""
    reports = [report for key in ("passed", "failed") for report in terminalreporter.stats.get(key, ())]
    played = [report for report in reports if "test_it_ends_as_it_should[" in getattr(report, "nodeid", "")]
    if played:
        failed = sum(report.failed for report in played)
        terminalreporter.write_line(f"fault matrix: {len(played)} cases played, {failed} failed")
