"""Lays out what the documentation site is made of, for `make docs`, or `python -m docs.site`.

The pages link to each other as they stand in the repository, and to files beside `docs/`. A copy of just these, in the
same places, is what MkDocs reads: links to files stay as they are, and its strict build finds any that leads nowhere.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

ROOT = Path(__file__).parents[1]
STAGE = ROOT / "build" / "pages"

#: Beside README.md, which becomes the first page.
PAGES = ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")

#: A link to a folder: a repository shows what is in it, a site does not.
_FOLDER = re.compile(r"\[([^\]]+)\]\(((?:\.\./)*[\w/-]+)\)")


def stage(to: Path = STAGE) -> None:
    """Copy the pages, and what they link to; what was there is removed."""
    shutil.rmtree(to, ignore_errors=True)
    hidden = shutil.ignore_patterns("*.py", "__pycache__")
    shutil.copytree(ROOT / "docs", to / "docs", ignore=hidden)
    shutil.copytree(ROOT / "config-samples", to / "config-samples")
    (to / "aws_exec").mkdir()
    shutil.copy(ROOT / "aws_exec" / "redaction.py", to / "aws_exec")
    shutil.copy(ROOT / "README.md", to / "index.md")
    for page in PAGES:
        shutil.copy(ROOT / page, to)
    for page in to.rglob("*.md"):
        page.write_text(without_folders(page.read_text(encoding="utf-8"), page.parent), encoding="utf-8")


def without_folders(text: str, where: Path) -> str:
    """The page with links to folders as their words."""
    return _FOLDER.sub(lambda link: link[1] if (where / link[2]).is_dir() else link[0], text)


if __name__ == "__main__":
    stage()
