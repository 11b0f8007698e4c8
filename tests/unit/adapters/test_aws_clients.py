"""Clients are built when they are first called, without what boto3 adds, and behave as boto3's do."""

import json
import subprocess
import sys
from typing import Any

import boto3
import pytest
from moto import mock_aws

from fermata.adapters import aws
from tests.fakes.settings import SETTINGS

NAMES = ("dynamodb", "low_latency_dynamodb", "s3", "secretsmanager", "ssm", "events", "stepfunctions")

SCRIPT = """
import json, sys
from fermata.adapters import aws
clients = [getattr(aws, name)() for name in json.loads(sys.argv[1])]
before = "botocore" in sys.modules
clients[0].meta
print(json.dumps([before, "botocore" in sys.modules, "boto3" in sys.modules]))
"""


@pytest.fixture(autouse=True)
def _fresh_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    for name in (*NAMES, "_own_session"):
        getattr(aws, name).cache_clear()


def test_a_client_that_is_never_called_costs_no_import_and_none_needs_boto3() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(NAMES)], env=SETTINGS, check=True, capture_output=True, text=True
    )

    assert json.loads(ran.stdout) == [False, True, False]


@pytest.mark.parametrize("name", NAMES)
def test_a_client_has_bounded_times_and_tries(name: str) -> None:
    config: Any = getattr(aws, name)().meta.config

    assert config.retries == {"mode": "standard", "total_max_attempts": 1 if name.startswith("low") else 4}
    assert config.connect_timeout in (1, 3)
    assert config.read_timeout in (1, 5, 30)


def test_a_client_is_built_once() -> None:
    client = aws.dynamodb()

    assert client.get_item == client.get_item
    assert client.meta is aws.dynamodb().meta


def test_what_a_process_that_forked_this_one_read_of_services_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = boto3.Session()
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", shared)

    assert aws._session() is shared._session  # noqa: SLF001 - nothing else shows it


def test_a_stream_is_uploaded_by_boto3s_transfer() -> None:
    import io

    with mock_aws():
        client = aws.s3()
        client.create_bucket(Bucket="songs", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        client.upload_fileobj(io.BytesIO(b"a song"), "songs", "one", ExtraArgs={"ContentType": "audio/mpeg"})

        assert client.get_object(Bucket="songs", Key="one")["Body"].read() == b"a song"
