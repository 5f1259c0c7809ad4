"""docs/configuration.md: its tables are those of the models, and its examples work."""

import re

from aws_exec.settings.file import read_file
from aws_exec.settings.reference import TABLES, with_tables
from aws_exec.settings.rules.check import check
from aws_exec.settings.rules.configuration import Configuration
from tests.cli.helpers import ROOT

PAGE = (ROOT / "docs" / "configuration.md").read_text()


def test_its_tables_are_made_of_the_models():
    assert all(f"<!-- table: {name} -->" in PAGE for name in TABLES)
    assert with_tables(PAGE) == PAGE, "run: python -m aws_exec.settings.reference docs/configuration.md"


def test_its_file_is_in_order():
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    file, complaints = read_file(text.encode(), "awsexec.yaml", {})
    assert [str(one) for one in [*complaints, *check(Configuration(file))]] == []
