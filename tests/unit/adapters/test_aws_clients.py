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

NAMES = ("s3", "secretsmanager", "ssm", "events", "stepfunctions")
DYNAMODB = ("dynamodb", "low_latency_dynamodb")

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
    for name in (*DYNAMODB, *NAMES, "_own_session"):
        getattr(aws, name).cache_clear()


def test_a_client_that_is_never_called_costs_no_import_and_none_needs_boto3() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps([*NAMES, *DYNAMODB])],
        env=SETTINGS,
        check=True,
        capture_output=True,
        text=True,
    )

    assert json.loads(ran.stdout) == [False, True, False]


@pytest.mark.parametrize("name", NAMES)
def test_a_client_has_bounded_times_and_tries(name: str) -> None:
    config: Any = getattr(aws, name)().meta.config

    assert config.retries == {"mode": "standard", "total_max_attempts": 4}
    assert config.connect_timeout == 3
    assert config.read_timeout in (5, 30)


@pytest.mark.parametrize(("name", "times", "tries"), [("dynamodb", (3, 5), 4), ("low_latency_dynamodb", (1, 1), 1)])
def test_the_clients_of_dynamodb_have_bounded_times_and_tries(name: str, times: tuple[int, int], tries: int) -> None:
    client: Any = getattr(aws, name)()

    assert client.wire.times == times
    assert client.attempts == tries


def test_a_call_of_dynamodb_loads_nothing_of_botocore() -> None:
    statements = "from fermata.adapters import aws; aws.dynamodb().wire; import sys; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", statements], env=SETTINGS, check=True, capture_output=True, text=True)
    packages = {name.partition(".")[0] for name in ran.stdout.split()}

    assert "fermata.adapters.wire.signature" in ran.stdout.split()
    assert packages.isdisjoint({"botocore", "urllib3"})


def test_a_client_is_built_once() -> None:
    client = aws.s3()

    assert client.get_object == client.get_object
    assert client.meta is aws.s3().meta
    assert aws.dynamodb() is aws.dynamodb()


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
