"""Amounts as people write them."""

import pytest

from aws_exec.settings.file.units import cpu_units, gibibytes, mebibytes, whole_seconds


@pytest.mark.parametrize(
    ("read", "written", "amount"),
    [(cpu_units, written, 512) for written in (0.5, "0.5", "0.5 vCPU", 512, "512", "512 units", "0.5 cpu", ".5")]
    + [(cpu_units, written, 4096) for written in (4, "4", 4.0, 4096)]
    + [(cpu_units, 255, 255 * 1024), (cpu_units, 256, 256)]
    + [(mebibytes, written, 1024) for written in ("1GiB", "1 GB", "1g", "1024", 1024, "1024MiB", "1Gi")]
    + [(mebibytes, "1.5GiB", 1536), (mebibytes, "512", 512), (mebibytes, "1TiB", 1024 * 1024)]
    + [(gibibytes, written, 50) for written in (50, "50", "50GiB", "51200MiB")]
    + [(whole_seconds, written, 7200) for written in ("2h", 7200, "7200", "120m", "120 min")],
)
def test_what_is_meant(read, written, amount):
    assert read(written) == amount


@pytest.mark.parametrize("read", [cpu_units, mebibytes, gibibytes, whole_seconds])
@pytest.mark.parametrize(
    "written", ["", "x", "1 parsec", True, [], {}, -1, "-1", 0, "0", 1e300, "9" * 400, "1e9", "nan"]
)
def test_what_means_nothing_is_refused(read, written):
    with pytest.raises(ValueError, match=r"^is "):
        read(written)


def test_what_aws_cannot_count_is_refused():
    for read, written in ((cpu_units, 0.3001), (gibibytes, "1500MiB"), (whole_seconds, "10ms")):
        with pytest.raises(ValueError, match="whole number"):
            read(written)
