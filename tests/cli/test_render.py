"""`awsexec render`, `templates` and `schema`."""

import ast
import json

import pytest

from awsexec_cli.exit_codes import Exit
from tests.cli.helpers import labels
from tests.tree import ROOT

BOTH = str(ROOT / "config-samples" / "both.yaml")


def test_render_writes_the_executor_config_as_python_json_and_yaml(run):
    told = [run("render", "nightly", "--config", BOTH, "-o", how) for how in ("python", "json", "yaml")]
    assert [done.returncode for done in told] == [Exit.OK] * 3
    config = json.loads(told[1].stdout)
    assert config["capacityProviderStrategy"] == [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]
    assert ast.literal_eval(told[0].stdout) == config
    assert "capacityProvider: FARGATE_SPOT" in told[2].stdout


def test_what_is_said_before_the_command_is_how_it_is_written_unless_it_says_so_itself(run):
    rendered = ["render", "nightly", "--config", BOTH]
    assert run("-o", "json", *rendered).stdout == run(*rendered, "-o", "json").stdout
    assert run("-o", "json", *rendered, "-o", "python").stdout == run(*rendered).stdout
    either = ["render", "small", "--config", BOTH, "--merged", "-o", "json"]
    assert run("--executor", "batch", *either).stdout == run(*either, "--executor", "batch").stdout != ""
    refused = run("-o", "wide", *rendered)
    assert (refused.returncode, refused.stdout) == (Exit.USAGE, "")
    assert 'invalid --output "wide" for a template\nhint: use python, json or yaml' in refused.stderr


def test_render_lays_terms_over_it_and_shows_the_whole_request(run):
    done = run(
        "render", "gpu", "--config", BOTH, "--merged", "-o", "json", "--set", "memory=30GiB", "--set", "env={A: 1}"
    )
    request = json.loads(done.stdout)
    assert (request["jobQueue"], request["jobDefinition"]) == ("gpu", "airflow-task")
    own = request["containerOverrides"]
    assert {"type": "MEMORY", "value": "30720"} in own["resourceRequirements"]
    assert {"name": "A", "value": "1"} in own["environment"]
    assert own["command"][-1] == "<workload>", "there is no token to show"


def test_merged_counts_what_airflows_environment_says(run):
    variable = {"AIRFLOW__AWS_ECS_EXECUTOR__CLUSTER": "other"}
    done = run("render", "small", "--executor", "ecs", "--config", BOTH, "--merged", "-o", "json", **variable)
    assert json.loads(done.stdout)["cluster"] == "other"


def test_a_team_of_which_nothing_is_said_is_told_as_by_list(run):
    told = [
        run("render", "small", "--executor", "ecs", "--config", BOTH, "--merged", "--team", "nope"),
        run("list", "--config", BOTH, "--team", "nope"),
    ]

    assert [(done.returncode, done.stdout) for done in told] == [(Exit.USAGE, "")] * 2
    assert {done.stderr.partition(": ")[2] for done in told} == {
        'team "nope" is not configured\nhint: omit --team: no team is configured\n'
    }


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nope"], Exit.NOT_FOUND, 'template "nope" not found'),
        (["small"], Exit.USAGE, "the template is for both services\nhint: pass --executor"),
        (["gpu", "--executor", "ecs"], Exit.FAILED, "is for batch"),
        (["nightly", "--set", "memory=lots"], Exit.FAILED, "not an amount of memory"),
        (["nightly", "--set", "memory"], Exit.USAGE, "TERM=VALUE"),
    ],
)
def test_what_cannot_be_rendered_is_an_error(run, arguments, code, said):
    done = run("render", *arguments, "--config", BOTH)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert labels(done.stderr) in (["error"], ["error", "hint"])


def test_templates_have_a_size_and_a_price_from_a_table_that_can_be_replaced(run, tmp_path):
    def rows(*more):
        done = run("templates", "--config", BOTH, "-o", "json", *more)
        return {row["name"]: row for row in json.loads(done.stdout)}

    ours = rows()
    assert (ours["small"]["cpu"], ours["small"]["memory_mib"]) == (0.5, 1024)
    assert ours["small"]["cost_per_hour"] == pytest.approx(0.5 * 0.04048 + 0.004445, abs=1e-5)
    assert ours["nightly"]["cost_per_hour"] == pytest.approx(0.3 * (4 * 0.04048 + 16 * 0.004445), abs=1e-5)
    assert ours["gpu"]["cost_per_hour"] is None, "Fargate's prices are not those of GPUs"
    prices = tmp_path / "prices.yaml"
    prices.write_text("vcpu: 2\ngb: 0\n")
    assert rows("--prices", str(prices))["small"]["cost_per_hour"] == 1.0
    sample = str(ROOT / "config-samples" / "prices.yaml")
    assert rows("--prices", sample)["small"]["cost_per_hour"] == pytest.approx(0.5 * 0.04656 + 0.00511, abs=1e-5)
    prices.write_text("vcpus: 2\n")
    done = run("templates", "--config", BOTH, "--prices", str(prices))
    assert (done.returncode, "vcpus is not known" in done.stderr) == (Exit.USAGE, True)
    table = run("templates", "--config", BOTH)
    assert "us-east-1" in table.stderr
    assert [line.split()[0] for line in table.stdout.splitlines()] == ["NAME", *ours]


@pytest.mark.parametrize(
    ("sample", "priced", "perhaps"),
    [
        ("fargate", {"small", "large", "huge", "scratch", "traced"}, ""),
        ("fargate-spot", {"cheap", "certain", "nightly"}, ""),
        ("ec2-capacity-provider", set(), ""),
        ("batch-ec2-gpu", set(), ""),
        ("batch-fargate", {"small", "large", "urgent"}, "small, large, urgent"),
        ("both", {"small", "large", "nightly", "either"}, "small, large, either"),
    ],
)
def test_what_runs_on_ones_own_instances_has_no_price_and_what_only_aws_knows_is_named(run, sample, priced, perhaps):
    named = ("templates", "--config", str(ROOT / "config-samples" / f"{sample}.yaml"))
    rows = {row["name"]: row for row in json.loads(run(*named, "-o", "json").stdout)}

    assert {name for name, row in rows.items() if row["cost_per_hour"] is not None} == priced
    table = run(*named)
    told = [line for line in table.stderr.splitlines() if not line.startswith("Prices: ")]
    assert told == ([f"Prices assume Fargate; AWS decides at launch for: {perhaps}"] if perhaps else [])
    cells = {line.split()[0]: line.split() for line in table.stdout.splitlines()[1:]}
    assert all((str(row["cost_per_hour"]) in cells[name]) == (name in priced) for name, row in rows.items())


def test_the_price_is_of_the_request_that_airflows_configuration_makes(run, tmp_path):
    (tmp_path / "airflow.cfg").write_text(
        "[aws_ecs_executor]\ncluster = c\ncontainer_name = a\ntask_definition = t\nlaunch_type = EC2\n"
    )
    path = tmp_path / "awsexec.yaml"
    path.write_text("templates: {small: {cpu: 1, memory: 2GiB}}\n")

    def price(**environment):
        done = run("templates", "--config", str(path), "-o", "json", AIRFLOW_HOME=str(tmp_path), **environment)
        return json.loads(done.stdout)[0]["cost_per_hour"]

    assert price() is None
    assert price(AIRFLOW__AWS_ECS_EXECUTOR__LAUNCH_TYPE="FARGATE") == pytest.approx(0.04048 + 2 * 0.004445, abs=1e-5)


def test_the_schema_takes_the_samples_and_refuses_what_is_unknown(run):
    import yaml  # noqa: PLC0415 - for this test only
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - comes with the tests' moto

    schema = json.loads(run("schema").stdout)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    for path in (ROOT / "config-samples").glob("*.yaml"):
        if path.stem != "prices":
            assert [error.message for error in validator.iter_errors(yaml.safe_load(path.read_text()))] == [], path.name
    for wrong in ({"template": {}}, {"ecs": {"clustr": "x"}}, {"templates": {"s": {"cpus": 1}}}, {"version": 2}):
        assert not validator.is_valid(wrong)


def test_a_file_that_is_missing_or_wrong_is_told(run, tmp_path):
    path = tmp_path / "awsexec.yaml"
    missing = run("templates", "--config", str(path))
    assert (missing.returncode, missing.stderr.count(str(path))) == (Exit.USAGE, 1)
    path.write_text("templates: {s: {cpus: 1}}\n")
    wrong = run("render", "s", "--config", str(path))
    assert wrong.returncode == Exit.USAGE
    assert f"{path}:1:17" in wrong.stderr
    none = run("templates", AIRFLOW_HOME=str(tmp_path / "nowhere"))
    assert (none.returncode, "no awsexec.yaml found" in none.stderr) == (Exit.USAGE, True)
