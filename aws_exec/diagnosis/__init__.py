"""Diagnoses of ended jobs and failed calls: what happened, who has to act, whether to replace, what to do.

Pure and total. The knowledge is data: `terminations.RULES` for ended jobs, `call_failures.RULES` for failed calls; the
first match wins. A text that no rule recognises is passed on as AWS wrote it. No other package matches AWS's sentences.
"""

from __future__ import annotations

from dataclasses import replace

from aws_exec.diagnosis import call_failures, terminations
from aws_exec.diagnosis.messages import format_diagnosis
from aws_exec.diagnosis.model import (
    Blame,
    CallFailureRule,
    Diagnosis,
    Rule,
    TerminationRule,
    text_of_call_failure,
    text_of_termination,
)
from aws_exec.diagnosis.reasons import stop_request
from aws_exec.lifecycle.policy import Replacement
from aws_exec.lifecycle.values import CallFailure, Termination
from aws_exec.redaction import redact

__all__ = [
    "Blame",
    "CallFailureRule",
    "Diagnosis",
    "Replacement",
    "Rule",
    "TerminationRule",
    "can_replace",
    "diagnose",
    "diagnose_call_failure",
    "format_diagnosis",
    "format_termination",
    "rules",
]

#: What to do after a stop whose author and reason are known.
_AFTER_OUR_STOP = "Clear the task in Airflow to run it again."

#: Characters that the rules search: reasons are short, and a pattern's cost grows faster than the text.
_READ = 4000


def diagnose(stop: Termination) -> Diagnosis:
    """Return why a job ended, or why one waits (from a Batch job's `statusReason` while RUNNABLE). Never raises."""
    found = _rule_of(stop).diagnosis(redact(text_of_termination(stop)))
    if not stop.user_initiated:
        return found
    # Whatever the rule: a job that a user stopped must not be replaced.
    found = replace(found, replaceable=False)
    request = stop_request(redact(stop.reason))
    if request is None or found.blame is not Blame.PERSON:
        return found
    return replace(found, cause=f"Stopped with awsexec terminate by {request}.", remedy=_AFTER_OUR_STOP)


def diagnose_call_failure(failure: CallFailure) -> Diagnosis:
    """Return why a call failed. Never raises."""
    text = text_of_call_failure(failure)
    rule = next(rule for rule in call_failures.RULES if rule.matches(failure, text[:_READ]))
    return rule.diagnosis(redact(text))


def can_replace(stop: Termination) -> Replacement:
    """Return whether a new container can help a job that never started, and whether this loss spends an attempt.

    YES if the reason is unknown. The executors' `Policy.judge`.
    """
    return Replacement.NO if stop.user_initiated else _rule_of(stop).replacement


def format_termination(stop: Termination, *, arn: str = "", separator: str = "\n") -> str:
    """Return the diagnosis of an ended job as text, with its exit code and sidecars."""
    return format_diagnosis(
        diagnose(stop), arn=arn, exit_code=stop.exit_code, sidecars=stop.sidecars, separator=separator
    )


def rules() -> tuple[Rule, ...]:
    """Return every rule, in the order in which they are tried; for the table in the documentation."""
    return (*terminations.RULES, *call_failures.RULES)


def _rule_of(stop: Termination) -> TerminationRule:
    text = text_of_termination(stop)[:_READ]
    return next(rule for rule in terminations.RULES if rule.matches(stop, text))
