"""The corpus: configurations with one fault each and with none, and how they are checked."""

from __future__ import annotations

from pathlib import Path

from aws_exec.settings.rules.check_sources import check_sources
from aws_exec.settings.rules.sources import by_suffix, read_sources

CORPUS = Path(__file__).parent / "corpus"


def found_in(path):
    """What `validate-config` finds in a file: an awsexec.yaml, an airflow.cfg, variables, or a DAG."""
    if path.suffix == ".py":
        return check_sources(read(CORPUS / "dags.yaml"), [path])
    return check_sources(read(path))


def read(path):
    """What a file says by itself, whatever this shell's environment says."""
    return read_sources(by_suffix([path]), {}, with_environment=False)


def expected():
    """(file, rule, line, column) of each faulty file."""
    lines = (CORPUS / "expected.tsv").read_text().splitlines()[1:]
    return [(name, rule, int(line), int(column)) for name, rule, line, column in (line.split("\t") for line in lines)]
