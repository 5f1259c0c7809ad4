"""S3 of the local AWS emulator: moto's, under the one endpoint, for clients outside and in containers."""

import boto3
import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def s3(aws):
    return boto3.client(
        "s3",
        endpoint_url=aws.endpoint_url,
        region_name=aws.names.region,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )


def test_there_is_a_bucket_and_an_object_lives_until_it_is_deleted(aws, s3):
    what = {"Bucket": aws.names.bucket, "Key": "workloads/a/b"}
    s3.put_object(**what, Body="größer".encode())
    assert s3.get_object(**what)["Body"].read().decode() == "größer"
    s3.delete_object(**what)
    with pytest.raises(ClientError, match="NoSuchKey"):
        s3.get_object(**what)
    assert aws.names.workload_store == f"s3://{aws.names.bucket}/workloads"


def test_an_empty_object_is_stored(aws, s3):
    s3.put_object(Bucket=aws.names.bucket, Key="empty", Body=b"")
    assert s3.head_object(Bucket=aws.names.bucket, Key="empty")["ContentLength"] == 0


def test_a_bucket_that_was_not_made_does_not_exist(s3):
    with pytest.raises(ClientError, match="NoSuchBucket"):
        s3.put_object(Bucket="nowhere-to-be-found", Key="a", Body=b"content")


def test_a_container_reaches_it_as_it_is(aws, s3, run):
    s3.put_object(Bucket=aws.names.bucket, Key="of/a/task", Body=b"content")
    program = f"""
        import boto3
        print("has", boto3.client("s3").get_object(Bucket="{aws.names.bucket}", Key="of/a/task")["Body"].read())
    """
    assert aws.wait_for_output(run(program), "has") == "has b'content'"


def test_what_a_container_is_given_wins(aws, run):
    program = """
        import os
        print("has", os.environ["AWS_ENDPOINT_URL"], os.environ["AWS_ACCESS_KEY_ID"])
    """
    aws.container_environment["AWS_ENDPOINT_URL"] = "http://127.0.0.1:9"
    try:
        assert aws.wait_for_output(run(program), "has") == "has http://127.0.0.1:9 testing"
    finally:
        del aws.container_environment["AWS_ENDPOINT_URL"]
