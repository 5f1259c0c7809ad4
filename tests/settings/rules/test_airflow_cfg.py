"""What `validate-config` reads of an airflow.cfg is what Airflow's own parser reads."""

from configparser import ConfigParser

import pytest
from airflow.configuration import AirflowConfigParser

from aws_exec.settings.rules.airflow_text import read_cfg

SECTION = "aws_ecs_executor"


@pytest.mark.parametrize(
    "text",
    [
        "cluster = a ; b\nregion_name: eu\n",
        "  cluster = a\n  region_name = eu\n",
        "  cluster = a\n region_name = eu\n",
        "Cluster = a\ncluster = b\n",
        "subnets = s1,\n  s2,\n# a comment\n  s3\n\n  s4\ncluster = a\n",
        'run_task_kwargs = {"tags":\n  {"a": "50 %%"}}\n',
        "cluster =\n  a\n",
        "cluster =\n",
    ],
)
def test_of_one_section(text):
    text = f"[{SECTION}]\n{text}"
    airflow = AirflowConfigParser()
    airflow.read_string(text)

    ours, complaints = read_cfg(text, "airflow.cfg")

    assert complaints == []
    read = {option: " ".join(value.text.split()) for (_, option), value in ours.values.items()}
    assert read == {option: " ".join(ConfigParser.get(airflow, SECTION, option).split()) for option in airflow[SECTION]}
