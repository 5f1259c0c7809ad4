"""The tables of docs/configuration.md, of the settings' models and of the rules that check them."""

from __future__ import annotations

from aws_exec.settings.common.option_info import option_catalogue
from aws_exec.settings.common.options import ExecutorOptions
from aws_exec.settings.file.terms import SERVICES, Terms, means
from aws_exec.settings.rules.catalogue import RULES
from docs.parts import table


def options(model: type[ExecutorOptions]) -> str:
    """Every option of an executor's section."""
    rows = []
    for info in option_catalogue(model):
        default = "required" if info.required else f"`{info.default}`" if info.default else "-"
        rows.append((f"`{info.name}`", default, info.description, f"`{info.example}`"))
    return table(("option", "default", "what it says", "example"), rows)


def terms() -> str:
    """Every term of a template in awsexec.yaml, and which service it means something to."""
    rows = []
    for name, field in Terms.model_fields.items():
        services = [service for service in SERVICES if means(name, service) or name == service]
        rows.append(
            (f"`{name}`", ", ".join(services) or "-", field.description or "", f"`{(field.examples or [''])[0]}`")
        )
    return table(("term", "means something to", "what it says", "example"), rows)


def rules() -> str:
    """Every rule of `awsexec validate-config`, each with an anchor to link to."""
    rows = ((f'<a id="{rule.id}"></a>`{rule.id}`', str(rule.severity), rule.holds) for rule in RULES.values())
    return table(("rule", "severity", "what holds"), rows)
