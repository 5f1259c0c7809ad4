"""What a shell is offered: ids and addresses of what runs, names of templates; never an error."""

from cli.arguments import complete_jobs, complete_templates
from tests.fleet.scripts import given, launched


def test_ids_and_addresses_of_what_runs(service, monkeypatch, tmp_path):
    for name, value in given(service, tmp_path).items():
        monkeypatch.setenv(name, value)
    (arn,) = launched(service, "load")
    job_id = arn.rpartition("/")[2]

    assert complete_jobs(job_id[:3]) == [(job_id, "etl/load@r1")]
    assert complete_jobs("etl/l") == [("etl/load@r1", job_id)]
    service.down()
    assert complete_jobs("etl") == []


def test_names_of_templates(monkeypatch, tmp_path):
    path = tmp_path / "awsexec.yaml"
    path.write_text("templates: {small: {cpu: 1}, large: {cpu: 4}}")
    monkeypatch.setenv("AWSEXEC_CONFIG", str(path))

    assert complete_templates("l") == ["large"]
    path.write_text("templates: 3")
    assert complete_templates("l") == []
