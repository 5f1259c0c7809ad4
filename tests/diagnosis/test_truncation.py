"""A text that AWS cut off, at any character, is recognised as its cause or a more general one, never as another."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import chain

import pytest

from aws_exec.diagnosis import diagnose, diagnose_call_failure, rules
from aws_exec.diagnosis.call_failures import RULES as FAULT_RULES
from aws_exec.diagnosis.model import (
    CallFailureRule,
    Rule,
    TerminationRule,
    text_of_call_failure,
    text_of_termination,
    unique,
)
from aws_exec.diagnosis.terminations import RULES as STOP_RULES
from aws_exec.lifecycle.values import CallFailure, FailureKind, Termination
from tests.diagnosis.test_diagnosis import RECORDED, failure_of, recorded, stop_of

RULES = {rule.id: rule for rule in rules()}


@cache
def rule_of(failure):
    """The id of the rule that recognises it. Without the redaction of `diagnose`: this runs some ten thousand times."""
    if isinstance(failure, Termination):
        said = text_of_termination(failure)
        return next(rule.id for rule in STOP_RULES if rule.matches(failure, said))
    said = text_of_call_failure(failure)
    return next(rule.id for rule in FAULT_RULES if rule.matches(failure, said))


def allowed(rule, failure, field):
    """What a cut text may be told as: its rule, the more general ones, and what is known without the text."""
    found, new = {"unknown"}, {rule, rule_of(replace(failure, **{field: ""}))}
    while new:
        found |= new
        new = set(chain.from_iterable(RULES[each].general for each in new)) - found
    return found


def cuts(rule, failure, *fields):
    """What each cut of each text is told as, where it is told as another cause: (expected, told, what is left)."""
    for field in fields:
        text = getattr(failure, field)
        right = allowed(rule, failure, field)
        for left in chain.from_iterable((text[:length], f"{text[:length]}...") for length in range(len(text))):
            told = rule_of(replace(failure, **{field: left}))
            if told not in right:
                yield rule, told, left


@pytest.mark.parametrize("name", sorted(path.stem for path in RECORDED.glob("*.yaml") if path.stem != "calls"))
def test_a_stop_cut_anywhere_is_told_as_its_cause_or_as_a_more_general_one(name):
    wrong = [
        cut for entry in recorded(name) for cut in cuts(entry["rule"], stop_of(entry), "reason", "container_reason")
    ]
    assert not wrong


def test_a_refusal_cut_anywhere_is_told_as_its_cause_or_as_a_more_general_one():
    wrong = [cut for entry in recorded("calls") for cut in cuts(entry["rule"], failure_of(entry), "code", "message")]
    assert not wrong


def test_the_rules_are_matched_here_as_a_diagnosis_matches_them():
    stop = Termination("ecs", reason="CannotPullContainerError: pull access den")
    assert rule_of(stop) == diagnose(stop).rule
    fault = CallFailure(FailureKind.REFUSED, "RunTask", "AccessDeniedException", "not authorized to perf")
    assert rule_of(fault) == diagnose_call_failure(fault).rule


def rule(name, *general, kind=TerminationRule):
    shown = RULES["unknown"]
    return kind(id=name, general=general, cause=shown.cause, blame=shown.blame, remedy=shown.remedy, page=shown.page)


@pytest.mark.parametrize("kind", [TerminationRule, CallFailureRule])
def test_a_more_general_rule_is_tried_after_the_rule_that_names_it(kind: type[Rule]):
    first, second = rule("pull-denied", "pull-failed", kind=kind), rule("pull-failed", kind=kind)
    assert unique((first, second)) == (first, second)
    for table in ((second, first), (first,)):
        with pytest.raises(ValueError, match="more general than pull-denied"):
            unique(table)
