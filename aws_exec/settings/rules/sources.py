"""From files to what is checked: which file is of which kind, and what forms one configuration."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aws_exec.settings.file.discovery import airflow_home, find_file, read_bytes
from aws_exec.settings.file.places import Complaint
from aws_exec.settings.file.reading import read_file
from aws_exec.settings.rules.airflow_text import AirflowText, of_environment, read_cfg, read_environment_file
from aws_exec.settings.rules.catalogue import RULES, Severity
from aws_exec.settings.rules.check import check
from aws_exec.settings.rules.configuration import Configuration
from aws_exec.settings.rules.dags import check_dag

_CFG = (".cfg", ".ini", ".conf")


@dataclass(slots=True)
class Sources:
    """What was read, and what is wrong with it so far.

    Attributes:
        configurations: one for each awsexec.yaml; one without a file if there is none.
        complaints: of reading.
        lines: of each source, for showing the place of a complaint.
        checked: the sources, in the order in which they were named.
    """

    configurations: list[Configuration] = field(default_factory=list)
    complaints: list[Complaint] = field(default_factory=list)
    lines: dict[str, list[str]] = field(default_factory=dict)
    checked: list[str] = field(default_factory=list)

    def check(self, dags: Iterable[Path] = ()) -> list[Complaint]:
        """Everything that is wrong: with the files, and with the executor_configs in DAG files or folders of them.

        Each once, source after source as they were named, each from its top to its bottom.
        """
        found = list(self.complaints)
        for configuration in self.configurations:
            # What is not even read is not judged by what it would be.
            told = {complaint.place for complaint in self.complaints}
            found += [complaint for complaint in check(configuration) if complaint.place not in told]
        for path in _python_files(dags):
            content, unreadable = read_bytes(path)
            self._note(str(path), content)
            found += unreadable or check_dag(content, str(path), self.configurations[0])
        order = {source: number for number, source in enumerate(self.lines)}
        return sorted(dict.fromkeys(found), key=lambda one: (order.get(one.place.source, len(order)), one.place))

    def _note(self, source: str, content: bytes) -> str:
        text = content.decode("utf-8-sig", "replace")
        self.lines[source] = text.splitlines()
        self.checked.append(source)
        return text


def found_here(environment: Mapping[str, str], named: Path | None = None) -> list[Path]:
    """The files that count where none is named: the awsexec.yaml, and Airflow's own configuration."""
    cfg = Path(environment.get("AIRFLOW_CONFIG") or airflow_home(environment) / "airflow.cfg")
    yaml = find_file(environment, named)
    return [path for path in (yaml, cfg if cfg.is_file() else None) if path is not None]


def read_sources(files: Sequence[Path], environment: Mapping[str, str], *, with_environment: bool) -> Sources:
    """Read files, which form one configuration: an awsexec.yaml, under Airflow's configuration.

    Args:
        files: of any kind, told by their suffix; of several awsexec.yaml, each is checked with all the rest.
        environment: of the process, for `${VAR}`.
        with_environment: whether what it says to Airflow counts too.
    """
    sources = Sources()
    airflow: list[AirflowText] = []
    variables: list[AirflowText] = []
    yamls: list[tuple[str, bytes]] = []
    for path in files:
        content, unreadable = read_bytes(path)
        sources.complaints += unreadable
        text = sources._note(str(path), content)  # noqa: SLF001 - built here
        if unreadable:
            continue
        if path.suffix in _CFG:
            read, complaints = read_cfg(text, str(path))
            airflow.append(read)
            sources.complaints += complaints
        elif path.suffix == ".env" or path.name == ".env":
            read, complaints = read_environment_file(text, str(path))
            variables.append(read)
            sources.complaints += complaints
        else:
            yamls.append((str(path), content))
    if with_environment:
        variables.append(of_environment(environment))
    over = (*airflow, *variables)
    for name, content in yamls:
        file, complaints = read_file(content, name, environment)
        sources.complaints += complaints
        sources.configurations.append(Configuration(file, over))
    sources.configurations = sources.configurations or [Configuration(airflow=over)]
    return sources


def _python_files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        yield from sorted(path.rglob("*.py")) if path.is_dir() else [path]


def severity_of(complaint: Complaint) -> Severity:
    """How grave it is."""
    return RULES[complaint.rule].severity


def at_least(complaints: Iterable[Complaint], severity: Severity) -> bool:
    """Whether any of them is as grave."""
    return any(severity is Severity.WARNING or severity_of(one) is Severity.ERROR for one in complaints)
