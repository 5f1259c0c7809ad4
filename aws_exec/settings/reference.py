"""The tables of docs/configuration.md, of the models and the rules: `python -m aws_exec.settings.reference FILE`."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from aws_exec.settings.batch_options import BatchOptions
from aws_exec.settings.ecs_options import EcsOptions
from aws_exec.settings.file.terms import SERVICES, Terms, means
from aws_exec.settings.option_info import option_catalogue
from aws_exec.settings.options import ExecutorOptions
from aws_exec.settings.rules.catalogue import RULES

_TABLE = re.compile(r"(<!-- table: (?P<name>[a-z]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    return "\n".join([_row(heads), f"|{'---|' * len(heads)}", *map(_row, rows)])


def _options(model: type[ExecutorOptions]) -> str:
    rows = []
    for info in option_catalogue(model):
        default = "required" if info.required else f"`{info.default}`" if info.default else "-"
        rows.append((f"`{info.name}`", default, info.description, f"`{info.example}`"))
    return _table(("option", "default", "what it says", "example"), rows)


def _terms() -> str:
    rows = []
    for name, field in Terms.model_fields.items():
        services = [service for service in SERVICES if means(name, service) or name == service]
        rows.append(
            (f"`{name}`", ", ".join(services) or "-", field.description or "", f"`{(field.examples or [''])[0]}`")
        )
    return _table(("term", "means something to", "what it says", "example"), rows)


def _rules() -> str:
    rows = ((f'<a id="{rule.id}"></a>`{rule.id}`', str(rule.severity), rule.holds) for rule in RULES.values())
    return _table(("rule", "severity", "what holds"), rows)


TABLES: Mapping[str, Callable[[], str]] = {
    "ecs": lambda: _options(EcsOptions),
    "batch": lambda: _options(BatchOptions),
    "terms": _terms,
    "rules": _rules,
}


def with_tables(page: str) -> str:
    """The page with every `<!-- table: NAME -->` made anew."""
    return _TABLE.sub(lambda found: f"{found[1]}{TABLES[found['name']]()}\n{found[3]}", page)


if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]):
        path.write_text(with_tables(path.read_text(encoding="utf-8")), encoding="utf-8")
