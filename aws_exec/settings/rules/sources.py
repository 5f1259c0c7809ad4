"""The files of a configuration: the kind of each, and which belong together.

`check_sources` checks them; the fleet's commands only read them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from urllib.parse import urlsplit

from aws_exec.settings.file.discovery import airflow_home, find_file, read_bytes
from aws_exec.settings.file.positions import Complaint, Position
from aws_exec.settings.file.reading import MODELS, read_file
from aws_exec.settings.file.yaml_text import decoded, position_in
from aws_exec.settings.rules.airflow_options import is_loopback
from aws_exec.settings.rules.airflow_text import AirflowText, of_environment, read_cfg, read_environment_file
from aws_exec.settings.rules.configuration import Configuration

_CFG = (".cfg", ".ini", ".conf")


class Kind(Enum):
    """How a file is read."""

    AWSEXEC = "awsexec.yaml"
    AIRFLOW = "airflow.cfg"
    VARIABLES = ".env"


@dataclass(frozen=True, slots=True)
class File:
    """A file of a configuration."""

    path: Path
    kind: Kind


@dataclass(slots=True)
class Sources:
    """The sources, and the findings of reading them.

    Attributes:
        configurations: one for each awsexec.yaml; one without a file if there is none.
        complaints: of reading.
        lines: of each source, to show the position of a complaint.
        checked: the names of the sources, in their order.
        computed: where DAG files compute an executor_config, which is not checked.
    """

    configurations: list[Configuration] = field(default_factory=list)
    complaints: list[Complaint] = field(default_factory=list)
    lines: dict[str, list[str]] = field(default_factory=dict)
    checked: list[str] = field(default_factory=list)
    computed: list[Position] = field(default_factory=list)

    def note(self, source: str, content: bytes) -> str:
        """Record a source by its name and return its text."""
        text, _ = decoded(content, source)
        self.lines[source] = text.splitlines()
        self.checked.append(source)
        return text

    def without_executor(self) -> str:
        """Return what is missing if no executor of ours is configured; empty if one is, or if there are templates.

        Templates are checked without an executor: they may be deployed apart from its options.
        """
        if any(each.configured or each.file.templates for each in self.configurations):
            return ""
        return missing_executor(self.configurations)


def missing_executor(configurations: Sequence[Configuration]) -> str:
    """Return why none of these configurations has an executor of ours: what they name instead, or what they lack."""
    named = dict.fromkeys(entry.path for each in configurations for entry in each.named)
    if named:
        return f"[core] executor names no executor of awsexec, only {', '.join(named)[:80]}"
    files = [each.file.located.source for each in configurations if each.file.located.source]
    nothing = f"no section ecs or batch in {', '.join(files)}" if files else "no awsexec.yaml"
    sections = " or ".join(f"[{model.section}]" for model in MODELS.values())
    return f"no executor is configured: {nothing}, no {sections} in airflow.cfg, no AIRFLOW__AWS_*"


def by_suffix(paths: Iterable[Path]) -> list[File]:
    """Return files with their kind by suffix: any unknown suffix means an awsexec.yaml."""
    return [File(path, _kind(path)) for path in paths]


def _kind(path: Path) -> Kind:
    if path.suffix in _CFG:
        return Kind.AIRFLOW
    return Kind.VARIABLES if ".env" in (path.suffix, path.name) else Kind.AWSEXEC


def found_here(environment: Mapping[str, str], named: Path | None = None) -> list[File]:
    """Return the default files: the awsexec.yaml, and Airflow's own configuration.

    Their names do not matter: `--config`, `$AWSEXEC_CONFIG` and `$AIRFLOW_CONFIG` determine their kind.

    Args:
        environment: of the process.
        named: the awsexec.yaml, by `--config`.
    """
    cfg = Path(environment.get("AIRFLOW_CONFIG") or airflow_home(environment) / "airflow.cfg")
    yaml = find_file(environment, named)
    found = [File(yaml, Kind.AWSEXEC)] if yaml is not None else []
    return [*found, File(cfg, Kind.AIRFLOW)] if cfg.is_file() else found


def read_sources(files: Sequence[File], environment: Mapping[str, str], *, with_environment: bool) -> Sources:
    """Read files, which form one configuration: an awsexec.yaml, under Airflow's configuration.

    Args:
        files: of any kind; of several awsexec.yaml, each is checked with all the rest.
        environment: of the process, for `${VAR}`.
        with_environment: whether its variables for Airflow count too.
    """
    sources = Sources()
    airflow: list[AirflowText] = []
    variables: list[AirflowText] = []
    yamls: list[tuple[str, bytes]] = []
    for file in files:
        name = str(file.path)
        content, unreadable = read_bytes(file.path)
        sources.complaints += unreadable
        text = sources.note(name, content)
        if unreadable:
            continue
        if file.kind is not Kind.AWSEXEC and (wrong := _not_text(content, name)) is not None:
            sources.complaints.append(wrong)
        if file.kind is Kind.AIRFLOW:
            read, complaints = read_cfg(text, name)
            airflow.append(read)
            sources.complaints += complaints
        elif file.kind is Kind.VARIABLES:
            read, complaints = read_environment_file(text, name)
            variables.append(read)
            sources.complaints += complaints
        else:
            yamls.append((name, content))
    if with_environment:
        variables.append(of_environment(environment))
    over = (*airflow, *variables)
    is_local = with_environment and any(
        name.startswith("AWS_ENDPOINT_URL") and is_loopback(urlsplit(url).hostname or "")
        for name, url in environment.items()
    )
    for name, content in yamls:
        read_yaml, complaints = read_file(content, name, environment)
        sources.complaints += complaints
        sources.configurations.append(Configuration(read_yaml, over, is_local))
    sources.configurations = sources.configurations or [Configuration(airflow=over, is_local=is_local)]
    return sources


def _not_text(content: bytes, source: str) -> Complaint | None:
    """Return why Airflow or a shell cannot read a file as text; None if they can."""
    text, not_utf8 = decoded(content, source)
    at = text.find("\0")
    if not_utf8 is not None or at < 0:
        return not_utf8
    message = "has the character U+0000, which no option can have"
    return Complaint("cfg-syntax", position_in(text, at, source), message, "Remove it")
