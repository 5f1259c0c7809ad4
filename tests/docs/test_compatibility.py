"""docs/compatibility.md: every supported combination has been tested and has passed."""

import re

from docs.parts import part
from tests.compatibility import COMBINATIONS, PAGE

#: (Airflow, Python without its patch, failed) of each row.
ROWS = re.findall(
    r"^\| ([\w.]+) \| (3\.\d+)\.\d+ \| \d+ \| (\d+) \|", part(PAGE.read_text(encoding="utf-8"), "compat"), re.MULTILINE
)


def test_each_combination_has_a_row_in_which_nothing_failed():
    """But for those of a Python that was not found where the table was written."""
    ran = sorted(python for _, python, failed in ROWS if failed == "0")
    optional = {one.python for one in COMBINATIONS if one.optional} - set(ran)
    assert ran == sorted(one.python for one in COMBINATIONS if one.python not in optional)


def test_the_airflows_are_those_of_the_combinations():
    pinned = {package.partition("==")[2] for one in COMBINATIONS for package in one.packages if "airflow==" in package}
    assert pinned <= {airflow for airflow, *_ in ROWS}
