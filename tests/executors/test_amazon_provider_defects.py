"""Every numbered wrong of the Amazon provider's executors, and the tests that show the right behaviour of ours.

The numbers are those of the project's list of facts. The table is data: a test below finds each test that it names, in
its file, by parsing; one that is renamed or lost is noticed here.

| | wrong | where |
|---|---|---|
| 1 | missing credentials end the scheduler | test_outages |
| 2 | an error while describing is swallowed and stops submitting | test_outages |
| 3 | a key that comes back is credited to the wrong run | test_requeued_keys |
| 4 | adoption: errors escape, empty token, attempts, not in `running` | test_adoption |
| 5 | a bad executor_config raises out of the heartbeat | test_exception_safety |
| 6 | another cluster is described on the configured one | test_drop_in |
| 7 | sidecars decide | test_container_exits |
| 8 | STOPPED without an exit code runs for ever | test_container_exits |
| 9 | one MISSING launches a second container | test_container_exits |
| 10 | a container that started and died is launched again | test_container_exits |
| 11 | the token is minted at queueing | test_tokens |
| 12 | lost answers double-launch | test_outages |
| 13 | a killed scheduler launches twice | test_adoption |
| 14 | no capacity and throttles are final | test_outages |
| 15 | `revoke_task` is missing; a job in RUNNABLE for ever | test_requeued_keys, test_stuck_jobs |
| 16 | a heartbeat blocks; polling costs | test_heartbeat_duration |
| 17 | odd RunTask answers lose the task | test_outages |
| 18 | `end()` launches, `terminate()` stops at the first error | test_shutdown |
| 19 | the reason of a death is nowhere in Airflow | test_task_reports |
| 20 | options mean something else | test_drop_in, test_startup, tests/settings |
| 21 | executor_config replaces lists, and is mutated | test_drop_in |
| 22 | building it needs a cluster and calls AWS | test_startup |
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

HERE = Path(__file__).parent

#: Number, file, test.
SHOWN_BY = [
    line.split()
    for line in """
1 test_outages test_no_credentials_for_a_while
2 test_outages test_an_error_nobody_knows_while_describing_delays_what_is_seen_and_nothing_else
3 test_requeued_keys test_a_deferred_task_comes_back_while_its_container_stops_and_each_is_credited_right
4 test_adoption test_adoption_asks_aws_nothing_itself_and_a_failing_aws_does_not_fail_it
4 test_adoption test_a_queued_task_that_was_never_launched_is_launched_with_a_fresh_token
4 test_adoption test_an_adopted_task_starts_with_its_first_attempt
5 test_exception_safety test_a_bad_executor_config_fails_its_own_task_with_the_reason_and_no_other
6 test_drop_in test_executor_config_with_another_place_is_watched_and_stopped_there
7 test_container_exits test_only_the_airflow_container_decides_and_sidecars_are_told
8 test_container_exits test_a_started_task_that_is_stopped_without_an_exit_code_has_failed
9 test_container_exits test_one_missing_is_ignored
10 test_container_exits test_a_container_that_started_and_died_is_not_launched_again
11 test_tokens test_the_token_is_for_this_task_instance_and_lives_as_long_as_airflow_lets_it_queue
11 test_tokens test_the_token_is_minted_when_the_container_is_launched_and_anew_after_every_answered_refusal
12 test_outages test_five_percent_each_of_lost_answers_resets_and_server_errors_submit_nothing_twice
12 test_outages test_lost_answers_resets_and_server_errors_at_five_percent_each
13 test_adoption test_a_queued_task_whose_arn_was_not_saved_yet_is_found_and_not_launched_again
14 test_outages test_throttles_in_every_spelling_cost_no_attempt
14 test_outages test_no_capacity_for_a_while_costs_no_attempt_and_is_said_once
15 test_stuck_jobs test_the_reason_is_told_once_to_the_tasks_event_log
15 test_requeued_keys test_revoking_frees_the_key_stops_the_container_reports_nothing_and_says_why_it_had_not_run
16 test_heartbeat_duration test_two_hundred_queued_at_once_are_launched_without_a_long_heartbeat
16 test_heartbeat_duration test_two_thousand_running_jobs_are_watched_without_a_long_heartbeat
17 test_outages test_an_answer_without_a_job_is_looked_for_too
17 test_outages test_odd_answers_to_run_task_lose_nothing
18 test_shutdown test_end_launches_nothing_that_is_pending_and_stops_nothing_that_runs
18 test_shutdown test_terminate_stops_every_task_and_one_failing_stop_spares_none
19 test_task_reports test_a_failed_container_is_reported_with_everything_that_is_known_in_the_event_and_in_the_tasks_log
20 test_drop_in test_options_mean_what_they_say
20 test_drop_in test_keys_that_users_choose_are_never_renamed
20 test_drop_in test_run_task_kwargs_may_choose_ec2
20 test_startup test_a_malformed_option_is_refused_with_its_value_too
21 test_drop_in test_executor_config_is_merged_in_either_spelling_and_the_dictionary_stays_as_it_was
21 test_drop_in test_executor_config_merges_by_container_name_and_the_dictionary_stays_as_it_was
22 test_startup test_it_can_be_built_without_any_option_network_or_thread
""".strip().splitlines()
]


#: All of them have a counterpart on either service.
NUMBERS = list(range(1, 23))


def found(file, name):
    """The test of that name, and everything around it: its class, if it has one, and its module."""
    tree = ast.parse((HERE / f"{file}.py").read_text())
    classes = [each for each in tree.body if isinstance(each, ast.ClassDef)]
    ((test, around),) = [
        (each, within)
        for within in (tree, *classes)
        for each in within.body
        if isinstance(each, ast.FunctionDef) and each.name == name
    ]
    return test, around, tree


def services_of(file, name):
    """The services that a test runs over: by its own mark, its class's or its module's."""
    test, around, tree = found(file, name)
    marks = [ast.unparse(mark) for mark in test.decorator_list]
    for scope in (around, tree):
        marks += [ast.unparse(each) for each in scope.body if ast.unparse(each).startswith("pytestmark")]
    fixtures = [each for each in tree.body if isinstance(each, ast.FunctionDef) and each.name == "service"]
    marks += [ast.unparse(mark) for each in fixtures for mark in each.decorator_list]
    said = " ".join(marks)
    if "over_batch" in said:
        return {"batch"}
    return {"ecs", "batch"} if "over_both" in said or "BATCH" in said else {"ecs"}


@pytest.mark.parametrize("service", ["ecs", "batch"])
def test_every_number_has_a_test_over_each_service(service):
    shown = {int(number) for number, file, name in SHOWN_BY if service in services_of(file, name)}
    assert sorted(shown) == NUMBERS


@pytest.mark.parametrize(("number", "file", "name"), SHOWN_BY)
def test_each_test_that_is_named_exists_and_names_its_number(number, file, name):
    test, _, _ = found(file, name)
    assert f"{number}:" in (ast.get_docstring(test) or "")
