"""Every rule finds its faults where they are, and nothing where there are none."""

from collections import Counter

import pytest

from aws_exec.settings.rules.catalogue import DOCUMENTATION, RULES
from tests.settings.rules.corpus import CORPUS, expected, found_in


@pytest.mark.parametrize(("name", "rule", "line", "column"), expected(), ids=str)
def test_one_fault_is_found_once_and_where_it_is(name, rule, line, column):
    found = [(one.rule, one.position.line, one.position.column) for one in found_in(CORPUS / "bad" / name)]
    assert found == [(rule, line, column)]


@pytest.mark.parametrize("path", sorted((CORPUS / "good").iterdir()), ids=lambda path: path.name)
def test_where_nothing_is_wrong_nothing_is_found(path):
    assert [str(one) for one in found_in(path)] == []


def test_every_rule_has_two_faults_and_every_file_is_expected():
    faults = Counter(rule for _, rule, _, _ in expected())
    elsewhere = ("live-", "api-auth-differs")  # tests/aws_checks, test_airflow_options
    offline = [rule for rule in RULES if not rule.startswith(elsewhere)]
    assert {rule: count for rule in offline if (count := faults[rule]) < 2} == {}
    assert sorted(name for name, *_ in expected()) == sorted(path.name for path in (CORPUS / "bad").iterdir())
    assert len(expected()) >= 120
    assert len(list((CORPUS / "good").iterdir())) >= 40


def test_every_finding_says_what_to_do_or_what_holds():
    for rule in RULES.values():
        assert rule.holds.endswith("."), rule.id
        assert rule.anchor == f"{DOCUMENTATION}docs/configuration.html#{rule.id}"
