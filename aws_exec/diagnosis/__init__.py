"""What AWS said -> what happened, whose it is, whether a new container can help, what to do. Pure, total.

The knowledge is data: `stops.RULES` for ended jobs, `faults.RULES` for failed calls, the first match wins. What no rule
knows is shown as AWS said it.
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

#: What rules look at: reasons are short, and a pattern's cost grows faster than what it searches.
_READ = 4000


def diagnose(stop: Termination) -> Diagnosis:
    """Why a job ended; also why one waits, of a Batch job's `statusReason` while RUNNABLE. Never raises."""
    found = _rule_of(stop).diagnosis(redact(text_of_termination(stop)))
    # Whatever else is known of it: what somebody stopped on purpose must not come back by itself.
    return replace(found, replaceable=False) if stop.user_initiated else found


def diagnose_call_failure(fault: CallFailure) -> Diagnosis:
    """Why a call did not do what was asked. Never raises."""
    said = text_of_call_failure(fault)
    rule = next(rule for rule in call_failures.RULES if rule.matches(fault, said[:_READ]))
    return rule.diagnosis(redact(said))


def can_replace(stop: Termination) -> Replacement:
    """Whether a new container can help a job that never started, and whether this loss spends an attempt.

    An unknown reason is worth a try. The executors' `Policy.judge`.
    """
    return Replacement.NO if stop.user_initiated else _rule_of(stop).new


def format_termination(stop: Termination, *, arn: str = "", separator: str = "\n") -> str:
    """`format_diagnosis` of the diagnosis of an ended job, with its exit code and sidecars."""
    return format_diagnosis(
        diagnose(stop), arn=arn, exit_code=stop.exit_code, sidecars=stop.sidecars, separator=separator
    )


def rules() -> tuple[Rule, ...]:
    """Everything that is known, in the order in which it is tried; for the table in the documentation."""
    return (*terminations.RULES, *call_failures.RULES)


def _rule_of(stop: Termination) -> TerminationRule:
    said = text_of_termination(stop)[:_READ]
    return next(rule for rule in terminations.RULES if rule.matches(stop, said))
