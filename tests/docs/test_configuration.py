"""docs/configuration.md: the example is valid."""

import re

from aws_exec.settings.file import read_file
from aws_exec.settings.rules.check import check
from aws_exec.settings.rules.configuration import Configuration
from tests.tree import ROOT

PAGE = (ROOT / "docs" / "configuration.md").read_text()


def test_its_file_is_in_order():
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    file, complaints = read_file(text.encode(), "awsexec.yaml", {})
    assert [str(one) for one in [*complaints, *check(Configuration(file))]] == []
