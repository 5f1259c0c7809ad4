"""A diagnosis as text, for Airflow's `info` and the task's event log."""

from __future__ import annotations

import re
from collections.abc import Sequence

from aws_exec.diagnosis.model import Blame, Diagnosis

#: AWS's reasons are short; one that echoes a whole command is cut.
_LONGEST = 2000

#: Task tokens are JWTs, which begin with `{"` in base64; a cut-off one is as secret as a whole one. Then access key
#: ids, session tokens, credentials in URLs, and values behind a telling name (but not in an ARN, where a colon comes
#: before the name).
_SECRETS = (
    (re.compile(r"eyJ[\w-]{4,}(?:\.[\w-]*)*"), "***"),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}"), "***"),
    (re.compile(r"[\w/+=-]{120,}"), "***"),
    (re.compile(r"(?<=://)[^/@\s]+@"), "***@"),
    (
        re.compile(
            r"(?i)(?<![:\w])([\"']?(?:[\w-]*(?:token|password|secret|secret_?access_?key)|authorization)[\"']?"
            r"\s*[:=]\s*[\"']?)(?!arn:)[^\s\"',&}]+",
        ),
        r"\1***",
    ),
)


def redact(text: str) -> str:
    """The text without task tokens and credentials, cut to a sensible length."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def tell(
    diagnosis: Diagnosis,
    *,
    arn: str = "",
    exit_code: int | None = None,
    sidecars: Sequence[str] = (),
    separator: str = "\n",
) -> str:
    """What happened, what AWS said, what to do: one part per line, parts without content left out.

    Args:
        diagnosis: of the stopped job or the failed call.
        arn: of the job, if it has one.
        exit_code: of the Airflow container, if it has one.
        sidecars: `name: exit code or reason` of other containers that did not end well.
        separator: between the parts; `" | "` makes one line.
    """
    blame = "" if diagnosis.blame is Blame.UNKNOWN else f" ({diagnosis.blame.value})"
    said = " / ".join(redact(diagnosis.said).splitlines())
    parts = (
        ("", diagnosis.cause + blame),
        ("Exit code: ", "" if exit_code is None else str(exit_code)),
        ("AWS said: ", said),
        ("Other containers: ", redact(", ".join(sidecars))),
        ("Job: ", arn),
        ("To do: ", diagnosis.remedy),
        ("See: ", f"{diagnosis.page} [{diagnosis.rule}]"),
    )
    return separator.join(label + text for label, text in parts if text)
