"""docs/compatibility.md: every supported combination has been tested and has passed."""

import re

from docs.parts import part
from tests.compatibility import COMBINATIONS, PAGE

#: (Airflow, Python without its patch, failed) of each row.
ROWS = re.findall(
    r"^\| ([\w.]+) \| (3\.\d+)\.\d+ \| \d+ \| (\d+) \|", part(PAGE.read_text(encoding="utf-8"), "compat"), re.MULTILINE
)

PRE_RELEASES = {one.packages[0].partition("==")[2] for one in COMBINATIONS if one.pre_release}


def test_each_combination_has_a_row_in_which_nothing_failed():
    """But for those of a Python that was not found where the table was written, and pre-releases of Airflow."""
    ran = sorted(python for airflow, python, failed in ROWS if failed == "0" and airflow not in PRE_RELEASES)
    optional = {one.python for one in COMBINATIONS if one.optional} - set(ran)
    released = [one for one in COMBINATIONS if not one.pre_release]
    assert ran == sorted(one.python for one in released if one.python not in optional)


def test_the_airflows_are_those_of_the_combinations():
    pinned = {package.partition("==")[2] for one in COMBINATIONS for package in one.packages if "airflow==" in package}
    assert pinned <= {airflow for airflow, *_ in ROWS}
