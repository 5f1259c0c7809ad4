"""Where no client can be built, `start()` says what to set, and does not put it into AWS's mouth."""

from __future__ import annotations

import pytest
from airflow.sdk.exceptions import AirflowException

from tests.executors.services import over_both

pytestmark = over_both


@pytest.fixture
def no_region(monkeypatch, tmp_path):
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))


@pytest.mark.usefixtures("no_region")
def test_without_a_region_it_says_so_and_what_to_set(started, service):
    with pytest.raises(AirflowException) as caught:
        started()
    said = str(caught.value)
    assert said.startswith(f"{service.executor.__name__} cannot start. No AWS client can be built")
    assert f"[{service.section}] region_name ({service.variable('region_name')})" in said
    assert "AWS_DEFAULT_REGION" in said
    for wrong in ("AWS said", "AWS refused", "asked again"):
        assert wrong not in said
