"""`make constraints` pins everything that a target installs."""

import re
import tomllib

from tests.tree import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def test_every_group_and_every_extra_is_named():
    (compiled,) = re.findall(r"uv pip compile .*", (ROOT / "Makefile").read_text("utf-8"))
    assert sorted(re.findall(r"--group ([\w-]+)", compiled)) == sorted(PROJECT["dependency-groups"])
    assert sorted(re.findall(r"--extra ([\w-]+)", compiled)) == sorted(PROJECT["project"]["optional-dependencies"])
