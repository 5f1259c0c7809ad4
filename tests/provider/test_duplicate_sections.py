"""Airflow 3.1 refuses sections that two packages declare: ours are left out if another package declares them."""

import sys

import pytest

from aws_exec.provider import get_provider_info, sections


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """What is installed is this, and no more: distributions, by name."""

    def installed(**versions):
        for name, version in versions.items():
            info = tmp_path / f"{name}-{version}.dist-info"
            info.mkdir()
            (info / "METADATA").write_text(
                f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: {version}\n"
            )
        monkeypatch.setattr(sys, "path", [str(tmp_path)])

    return installed


@pytest.mark.parametrize("airflow", ["3.1.0", "3.1.8"])
def test_where_the_amazon_provider_declares_them_ours_are_left_out(installed, airflow):
    installed(apache_airflow_core=airflow, apache_airflow_providers_amazon="9.10.0")
    assert get_provider_info()["config"] == {}


def test_what_is_only_importable_declares_nothing(installed, tmp_path):
    """The directory that a provider leaves behind is a namespace package."""
    (tmp_path / "airflow" / "providers" / "amazon").mkdir(parents=True)
    installed(apache_airflow_core="3.1.0")
    assert get_provider_info()["config"] == sections()


@pytest.mark.parametrize("airflow", ["3.2.0", "3.10.1", "4.0.0", "unheard-of"])
def test_a_newer_airflow_takes_both(installed, airflow):
    installed(apache_airflow_core=airflow, apache_airflow_providers_amazon="9.10.0")
    assert get_provider_info()["config"] == sections()
