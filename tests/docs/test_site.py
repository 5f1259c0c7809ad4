"""The site: every page, working links, no external images, and workflows that run existing targets."""

from __future__ import annotations

import re

import pytest
import yaml

from docs.site import stage
from tests.tree import ROOT, make_targets


@pytest.fixture(scope="module")
def staged(tmp_path_factory):
    to = tmp_path_factory.mktemp("site") / "pages"
    stage(to)
    return to


def test_every_page_is_in_the_navigation_once(staged):
    listed = re.findall(r"[\w/.-]+\.md$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(str(page.relative_to(staged)) for page in staged.rglob("*.md"))


def test_links_lead_to_files(staged):
    links = [
        (page, link)
        for page in staged.rglob("*.md")
        for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
        if "://" not in link
    ]
    assert len(links) > 30
    assert [(str(page), link) for page, link in links if not (page.parent / link).is_file()] == []


def test_pictures_fetch_nothing(staged):
    pictures = list(staged.rglob("*.svg"))
    assert len(pictures) > 1
    assert [str(one) for one in pictures if re.search(r"@import|url\([\"']?http|<image", one.read_text())] == []


def test_workflows_run_make_targets_that_exist():
    asked = set()
    for file in (ROOT / ".github" / "workflows").glob("*.yml"):
        for job in yaml.safe_load(file.read_text())["jobs"].values():
            matrix = job.get("strategy", {}).get("matrix", {}).get("target", [])
            for step in job["steps"]:
                if "run" in step:
                    target = step["run"].removeprefix("make ")
                    asked |= set(matrix) if target.startswith("${{") else {target}
    assert {"lint", "test", "docs"} <= asked
    assert asked <= make_targets()
