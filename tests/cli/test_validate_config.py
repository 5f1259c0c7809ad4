"""`awsexec validate-config`: report formats, exit codes, default sources and imports."""

import itertools
import json
import time

import pytest

from aws_exec.settings.file import read_file
from aws_exec.settings.rules.catalogue import DOCUMENTATION
from awsexec_cli.exit_codes import Exit
from awsexec_cli.findings import WIDEST, Report, report
from tests.cli.helpers import program
from tests.tree import ROOT

GOOD = str(ROOT / "config-samples" / "fargate.yaml")
BAD = "ecs: {cluster: c, container_name: a, task_definition: t}\ntemplates:\n  s: {cpus: 1}\n"
ODD = "batch: {job_queue: q, job_definition: j}\ntemplates:\n  s: {spot: true}\n"


@pytest.fixture
def written(tmp_path):
    def written(text, name="awsexec.yaml"):
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return written


def test_text_shows_the_line_a_caret_and_the_mend(run, written):
    path = written(BAD)
    done = run("validate-config", path)

    assert done.returncode == Exit.FAILED
    assert done.stdout.splitlines() == [
        f"{path}:3:7: error: templates.s.cpus is not a term of templates [template-unknown-term]",
        "      s: {cpus: 1}",
        "          ^^^^",
        "    hint: Did you mean cpu?",
        f"    see: {DOCUMENTATION}docs/configuration.html#template-unknown-term",
    ]
    assert done.stderr == f"1 error in {path}\n"


def test_json_is_what_is_documented(run, written):
    path = written(BAD)
    (finding,) = json.loads(run("validate-config", path, "-o", "json").stdout)["findings"]
    assert finding == {
        "rule": "template-unknown-term",
        "severity": "error",
        "file": path,
        "line": 3,
        "column": 7,
        "message": "templates.s.cpus is not a term of templates",
        "mend": "Did you mean cpu?",
        "documentation": f"{DOCUMENTATION}docs/configuration.html#template-unknown-term",
        "call": None,
    }


def test_the_format_is_the_same_before_the_command_and_after_it(run, written):
    path = written(BAD)
    plain = run("validate-config", path, "-o", "json").stdout

    assert json.loads(plain)["findings"]
    assert run("-o", "json", "validate-config", path).stdout == plain
    assert run("-o", "json", "validate-config", path, "-o", "github").stdout.startswith("::error")
    assert run("validate-config", path, "-o", "wide").stdout == run("validate-config", path).stdout


def test_the_old_option_for_the_format_works_and_is_deprecated(run, written):
    path = written(BAD)
    for old, new in (("json", "json"), ("github", "github"), ("text", "table")):
        done = run("-o", "name", "validate-config", path, "--format", old)

        assert done.stdout == run("validate-config", path, "-o", new).stdout
        assert done.stderr.startswith(f"warning: --format is deprecated\nhint: use -o {new}\n")


@pytest.mark.parametrize("how", ["yaml", "name"])
def test_what_is_found_is_told_in_no_way_that_it_has_not(run, written, how):
    done = run("validate-config", written(BAD), "-o", how)

    assert (done.returncode, done.stdout) == (Exit.USAGE, "")
    assert done.stderr == (f'error: invalid --output "{how}" for findings\nhint: use table, json, sarif or github\n')


@pytest.mark.parametrize(("text", "code"), [("ecs: [", Exit.FAILED), (BAD, Exit.FAILED), (ODD, Exit.OK)])
def test_what_counts_of_a_file_that_cannot_be_read_exits_with_1(run, written, text, code):
    done = run("validate-config", written(text), "--effective")

    assert (done.returncode, bool(done.stderr)) == (code, code != Exit.OK)


def test_sarif_and_github_say_where_it_is(run, written):
    path = written(BAD)
    (told,) = json.loads(run("validate-config", path, "-o", "sarif").stdout)["runs"]
    (result,) = told["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": path}, "region": {"startLine": 3, "startColumn": 7, "endColumn": 11}}
    assert told["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "template-unknown-term"
    github = run("validate-config", path, "-o", "github").stdout
    assert github.startswith(f"::error file={path},line=3,col=7,title=template-unknown-term::templates.s.cpus is not")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], 0),
        (["--fail-on", "warning"], 1),
        (["--fail-on", "warning", "--ignore", "template-no-effect"], 0),
        (["--ignore", "nope"], 2),
        (["--fail-on", "never"], 2),
        (["-o", "xml"], 2),
    ],
)
def test_a_warning_fails_only_who_asks_for_it(run, written, arguments, code):
    assert run("validate-config", written(ODD), *arguments).returncode == code


def test_what_a_secret_is_is_not_shown(run, written):
    path = written("batch: {job_queue: q, job_definition: j}\ntemplates:\n  s: {env: {DB_PASSWORD: hunter2hunter2}}\n")
    for how in ("table", "json", "sarif", "github"):
        done = run("validate-config", path, "-o", how)
        assert "secret-plain" in done.stdout
        assert "hunter2" not in done.stdout + done.stderr
    path = written("templates:\n  s: {cpus: 1, env: {DB_PASSWORD: hunter2hunter2}}\n")
    done = run("validate-config", path)
    assert "[template-unknown-term]" in done.stdout
    assert "hunter2" not in done.stdout, "nor for another fault in the same line"
    kwargs = {"AIRFLOW__AWS_BATCH_EXECUTOR__SUBMIT_JOB_KWARGS": '{"parameters": {"password": "hunter2"}}'}
    assert "hunter2" not in run("validate-config", "--effective", **kwargs).stdout


def test_without_a_file_it_reads_what_an_executor_would(run, tmp_path):
    (tmp_path / "awsexec.yaml").write_text("ecs: {cluster: of-the-file, container_name: a, task_definition: t}\n")
    (tmp_path / "airflow.cfg").write_text("[aws_ecs_executor]\ncontainer_name = of-the-cfg\nsubnets = subnet-1\n")
    environment = {"AIRFLOW_HOME": str(tmp_path), "AIRFLOW__AWS_ECS_EXECUTOR__SUBNETS": "subnet-2"}
    done = run("validate-config", "--effective", "-o", "json", **environment)
    told = {row["option"]: (row["value"], row["origin"]) for row in json.loads(done.stdout)}
    assert told["cluster"] == ("of-the-file", f"{tmp_path}/awsexec.yaml:1:16")
    assert told["container_name"] == ("of-the-cfg", f"{tmp_path}/airflow.cfg:2:18")
    assert told["subnets"] == ("subnet-2", "$AIRFLOW__AWS_ECS_EXECUTOR__SUBNETS")
    assert told["poll_interval"] == ("5", "default")
    checked = run("validate-config", **environment)
    assert (checked.returncode, checked.stderr.count("airflow.cfg")) == (Exit.OK, 1)


def test_what_a_file_is_called_says_nothing_where_it_is_known_what_it_is(run, written):
    environment = {
        "AIRFLOW_CONFIG": written("[aws_ecs_executor]\ncontainer_name = of-the-cfg\n", "airflow.cfg.prod"),
        "AWSEXEC_CONFIG": written("ecs: {cluster: of-the-file, task_definition: t}\n", "awsexec.conf"),
    }
    done = run("validate-config", "--effective", "-o", "json", **environment)
    told = {row["option"]: row["value"] for row in json.loads(done.stdout)}
    assert (told["cluster"], told["container_name"], done.stderr) == ("of-the-file", "of-the-cfg", "")


def test_dags_are_read_and_not_run(run, written, tmp_path):
    dag = written("raise SystemExit\nOperator(executor_config={'template': 'smal'})\n", "dag.py")
    done = run("validate-config", GOOD, "--dags", str(tmp_path))
    assert done.returncode == Exit.FAILED
    assert f"{dag}:2:39: error: smal is no template [template-unknown]" in done.stdout
    assert "Did you mean small?" in done.stdout


def test_every_rule_is_listed(run):
    from aws_exec.settings.rules.catalogue import RULES  # noqa: PLC0415 - a test of the command line

    assert run("validate-config", "--list-rules", "-o", "name").stdout.split() == list(RULES)
    table = run("validate-config", "--list-rules").stdout.splitlines()
    assert [line.split()[0] for line in table] == ["RULE", *RULES], "one line a row where it is no terminal"


def test_what_is_found_is_told_file_after_file_from_the_top_of_each_to_its_bottom(run, written):
    late = written("version: 1\ntemplates:\n  b: {extends: c}\n  s: {cpus: 1}\n", "a.yaml")
    early = written("version: 1\necs: {clutser: c}\nqueues: {q: nope}\ntemplates: {s: {cpus: 1}}\n", "b.yaml")
    found = json.loads(run("validate-config", early, late, "-o", "json").stdout)["findings"]
    places = [(one["file"], one["line"], one["column"]) for one in found]
    assert {place[0] for place in places} == {early, late}
    assert places == sorted(places, key=lambda place: (place[0] == late, *place[1:]))


def test_a_file_that_is_not_there_is_a_finding(run, tmp_path):
    done = run("validate-config", str(tmp_path / "nope.yaml"))
    assert done.returncode == Exit.FAILED
    assert "nope.yaml: error: cannot be read: No such file or directory [file-unreadable]" in done.stdout


def test_it_imports_neither_airflow_nor_boto3():
    done = program(
        "import atexit\n"
        "heavy = {'airflow', 'boto3', 'moto', 'sqlalchemy', 'requests'}\n"
        "atexit.register(lambda: print(sorted(heavy & set(sys.modules)), file=sys.stderr))\n"
        "from awsexec_cli.app import main; main()",
        "validate-config",
        GOOD,
    )
    assert done.stderr.splitlines()[-1] == "[]"


NOTHING = "no [aws_ecs_executor] or [aws_batch_executor] in airflow.cfg, no AIRFLOW__AWS_*"


def test_where_no_executor_is_configured_nothing_passes(run, written, tmp_path):
    done = run("validate-config", AIRFLOW_HOME=str(tmp_path))
    assert (done.returncode, done.stdout) == (Exit.USAGE, "")
    assert done.stderr.splitlines()[0] == f"error: no executor is configured: no awsexec.yaml, {NOTHING}"

    path = written("version: 1\n")
    done = run("validate-config", path, "-o", "json")
    assert (done.returncode, json.loads(done.stdout)) == (Exit.USAGE, {"findings": []})
    assert done.stderr.startswith(f"error: no executor is configured: no section ecs or batch in {path}, {NOTHING}\n")


def test_a_section_of_the_retired_package_is_pointed_out(run, written):
    path = written("[core]\nexecutor = LocalExecutor\n[batch]\nregion = eu-central-1\n", "airflow.cfg")
    done = run("validate-config", path)

    assert f"{path}:4:1: warning: [batch] is a section of the retired package" in done.stdout
    assert "Move its options to [aws_batch_executor]" in done.stdout
    assert done.returncode == Exit.USAGE
    assert done.stderr.startswith("error: [core] executor names no executor of awsexec, only LocalExecutor\nhint: ")


def test_an_executor_that_is_named_without_options_is_an_error(run, tmp_path):
    environment = {"AIRFLOW_HOME": str(tmp_path), "AIRFLOW__CORE__EXECUTOR": "aws_exec.AwsEcsExecutor"}
    done = run("validate-config", **environment, AIRFLOW__API__BASE_URL="https://airflow.example.org")

    assert (done.returncode, done.stderr) == (Exit.FAILED, "3 errors in the environment\n")
    assert done.stdout.count("$AIRFLOW__CORE__EXECUTOR: error: ") == 3


def test_an_executor_of_the_retired_package_is_an_error(run, written):
    options = "[aws_batch_executor]\njob_queue = q\njob_definition = j\n"
    path = written(f"[core]\nexecutor = airflow_aws_executors.AwsBatchExecutor\n{options}", "airflow.cfg")
    done = run("validate-config", path)

    assert f"{path}:2:12: error: airflow_aws_executors.AwsBatchExecutor is of a retired package" in done.stdout
    assert "Write aws_exec.AwsBatchExecutor" in done.stdout
    assert done.returncode == Exit.USAGE


def test_what_is_in_order_is_said_to_have_passed(run, written):
    path = written("batch: {job_queue: q, job_definition: j}\n")
    done = run("validate-config", path)

    assert (done.returncode, done.stdout, done.stderr) == (Exit.OK, "", f"{path}: all checks passed\n")


class CountedLines(list):
    """Lines that count how often one of them is read."""

    reads = 0

    def __getitem__(self, index):
        self.reads += 1
        return super().__getitem__(index)


def test_a_line_with_thousands_of_findings_is_prepared_once():
    templates = ",".join(f'"t{number}":{{"cpus":1,"memry":"1GiB"}}' for number in range(1000))
    content = f'{{"version":1,"templates":{{{templates}}}}}'
    _, complaints = read_file(content.encode(), "awsexec.json", {})
    lines = CountedLines([content])
    before = time.process_time()
    told = report(complaints, Report.TEXT, {"awsexec.json": lines}).splitlines()

    assert (len(complaints), lines.reads) == (2000, 1)
    assert time.process_time() - before < 5, "it was 22 s"
    carets = [(shown, caret) for shown, caret in itertools.pairwise(told) if caret.strip() == "^" * 7]
    assert [shown[caret.index("^") : caret.index("^") + 7] for shown, caret in carets] == ['"memry"'] * 1000
    assert max(map(len, told)) <= WIDEST + 4


def test_an_executor_config_that_is_computed_is_said_not_to_be_checked(run, written, tmp_path):
    written("Operator(executor_config=make())\nOperator(executor_config={'cpu': 1})\n", "dag.py")
    done = run("validate-config", GOOD, "--dags", str(tmp_path / "dag.py"))

    assert f"Not checked: 1 executor_config is computed ({tmp_path / 'dag.py'}:1)" in done.stderr
