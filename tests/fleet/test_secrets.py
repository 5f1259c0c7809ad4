"""The service's description of a job is shown without secrets, and otherwise in full."""

from aws_exec.redaction import MASK, redact_document
from tests.fleet.fleet import JWT, PASSWORD


def test_the_values_of_telling_names_are_masked_and_our_own_are_not():
    pairs = [
        {"name": "DB_PASSWORD", "value": PASSWORD},
        {"name": "AWSEXEC_TOKEN", "value": "0d6a-1"},
        {"name": "PLAIN", "value": "to be seen"},
    ]

    shown = redact_document({"environment": pairs, "tags": {"awsexec:token": "0d6a-1", "api_key": PASSWORD}})

    assert [pair["value"] for pair in shown["environment"]] == [MASK, "0d6a-1", "to be seen"]
    assert shown["tags"] == {"awsexec:token": "0d6a-1", "api_key": MASK}


def test_a_token_is_masked_wherever_it_stands():
    command = ["python", "--json-string", f'{{"token": "{JWT}", "ti": {{"dag_id": "etl"}}}}']

    shown = redact_document({"containers": [{"command": command}]})["containers"][0]["command"]

    assert JWT not in str(shown)
    assert "etl" in shown[2]


def test_the_word_after_a_telling_option_is_masked():
    assert redact_document(["psql", "--password", PASSWORD, "db"]) == ["psql", "--password", MASK, "db"]


def test_long_texts_stay_whole_and_other_values_as_they_are():
    document = {"text": "many words " * 500, "number": 3, "nothing": None, "when": [1.5, True]}

    assert redact_document(document) == document


def test_addresses_in_a_private_network_and_where_a_secret_is_kept_are_shown():
    arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:registry-AbCdEf"
    document = {
        "networkInterfaces": [{"privateIpv4Address": "10.0.0.7"}],
        "attachments": [{"details": [{"name": "privateIPv4Address", "value": "10.0.0.7"}]}],
        "attributes": [{"name": "privateDnsName", "value": "ip-10-0-0-7.internal"}],
        "repositoryCredentials": {"credentialsParameter": arn},
        "secrets": [{"name": "DB_PASSWORD", "valueFrom": arn}],
    }

    assert redact_document(document) == document
