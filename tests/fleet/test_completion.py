"""What a shell is offered: ids and addresses of what runs, names of templates; never an error."""

from aws_exec.testing.scripted import ScriptedEcs
from cli.arguments import complete_jobs, complete_templates
from tests.fleet.fleet import identity


def test_ids_and_addresses_of_what_runs(monkeypatch, tmp_path):
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    monkeypatch.setenv("AIRFLOW__AWS_ECS_EXECUTOR__CLUSTER", "fleet")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    environment = [{"name": name, "value": value} for name, value in identity("load").environment().items()]
    with ScriptedEcs() as service:
        monkeypatch.setenv("AWS_ENDPOINT_URL_ECS", service.url)
        arn = service.add({"cluster": "fleet", "overrides": {"containerOverrides": [{"environment": environment}]}})
        job_id = arn.rpartition("/")[2]

        assert complete_jobs(job_id[:3]) == [(job_id, "etl/load@r1")]
        assert complete_jobs("etl/l") == [("etl/load@r1", job_id)]
    assert complete_jobs("etl") == []


def test_names_of_templates(monkeypatch, tmp_path):
    path = tmp_path / "awsexec.yaml"
    path.write_text("templates: {small: {cpu: 1}, large: {cpu: 4}}")
    monkeypatch.setenv("AWSEXEC_CONFIG", str(path))

    assert complete_templates("l") == ["large"]
    path.write_text("templates: 3")
    assert complete_templates("l") == []
