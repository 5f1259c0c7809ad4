"""A diagnosis as text, for Airflow's `info` and the task's event log."""

from __future__ import annotations

from collections.abc import Sequence

from aws_exec.diagnosis.model import Blame, Diagnosis
from aws_exec.redaction import redact


def format_diagnosis(
    diagnosis: Diagnosis,
    *,
    arn: str = "",
    exit_code: int | None = None,
    sidecars: Sequence[str] = (),
    separator: str = "\n",
) -> str:
    """Return what happened, who is responsible, AWS's text and what to do: one part per line, empty parts left out.

    Args:
        diagnosis: of an ended job or a failed call.
        arn: of the job, if it has one.
        exit_code: of the Airflow container, if it has one.
        sidecars: `name: exit code or reason` of other containers that failed.
        separator: between the parts; `" | "` makes one line.
    """
    responsible = "" if diagnosis.blame is Blame.UNKNOWN else diagnosis.blame.value
    said = " / ".join(redact(diagnosis.said).splitlines())
    parts = (
        ("", diagnosis.cause),
        ("Responsible: ", responsible),
        ("Exit code: ", "" if exit_code is None else str(exit_code)),
        ("AWS said: ", said),
        ("Other containers: ", redact(", ".join(sidecars))),
        ("Job: ", arn),
        ("Hint: ", diagnosis.remedy),
        ("See: ", f"{diagnosis.page} [{diagnosis.rule}]"),
    )
    return separator.join(label + text for label, text in parts if text)
