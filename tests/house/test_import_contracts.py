"""What is of one service alone never imports what is of another: each such module is in a contract of pyproject.toml.

import-linter holds the contracts; it cannot know of a module that nobody put into one.
"""

from __future__ import annotations

import tomllib

import pytest

from tests.tree import ROOT

CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
#: Where a service's own modules are named after it. `diagnosis` and `testing` are read by service, and share freely.
PACKAGES = ("clouds", "executors", "fleet", "aws_checks", "settings")


def modules_of(service, package):
    """The modules and packages of a package that are of one service alone, by their name."""
    found = (ROOT / "aws_exec" / package).glob(f"{service}*")
    paths = [path for path in found if path.suffix == ".py" or (path / "__init__.py").exists()]
    return {f"aws_exec.{package}.{path.stem}" for path in paths if path.stem.split("_")[0] == service}


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize(("one", "other"), [("ecs", "batch"), ("batch", "ecs")])
def test_a_module_of_one_service_may_import_none_of_the_other(package, one, other):
    mine, theirs = modules_of(one, package), modules_of(other, package)
    assert mine
    assert theirs
    held = [set(each["source_modules"]) for each in CONTRACTS if theirs <= set(each.get("forbidden_modules", ()))]
    assert mine <= set().union(*held)
