"""What a restore does not bring along is said before the deployment, with the commands that put it back."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from tests.support.cloud import TABLE, dynamodb_with_table
from tooling.preflight.__main__ import preflight
from tooling.preflight.findings import Weight, fine, refused, unknown
from tooling.preflight.restored_table import restored_table_findings


class Client:
    """DynamoDB of the mocked account. A call that is set here stands in for DynamoDB's."""

    def __init__(self) -> None:
        self._real: Any = boto3.client("dynamodb", region_name="eu-west-1")

    def __call__(self, _service: str) -> "Client":
        return self

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - a method of boto3's
        return getattr(self._real, name)


@pytest.fixture
def table() -> Iterator[Any]:
    """The client of an account in which the table was restored, and has nothing but its items and indexes."""
    with mock_aws():
        yield dynamodb_with_table()


@pytest.mark.usefixtures("table")
def test_each_thing_that_a_restore_leaves_behind_is_named_with_its_command() -> None:
    found = restored_table_findings(Client(), TABLE)

    assert {finding.weight for finding in found} == {Weight.NARROW}
    commands = [finding.sentence.partition(": ")[2] for finding in found]
    assert [command.split()[:3] for command in commands] == [
        ["aws", "dynamodb", "update-time-to-live"],
        ["aws", "dynamodb", "update-continuous-backups"],
        ["aws", "dynamodb", "update-table"],
    ]
    assert all(f"--table-name {TABLE} " in command for command in commands)


def test_a_table_with_everything_is_fine(table: Any) -> None:  # noqa: ANN401 - a boto3 client
    table.update_time_to_live(TableName=TABLE, TimeToLiveSpecification={"Enabled": True, "AttributeName": "ttl"})
    recovery = {"PointInTimeRecoveryEnabled": True}
    table.update_continuous_backups(TableName=TABLE, PointInTimeRecoverySpecification=recovery)
    table.update_table(TableName=TABLE, DeletionProtectionEnabled=True)

    said = f"the table {TABLE} has its indexes, its time to live, recovery and deletion protection"
    assert restored_table_findings(Client(), TABLE) == [fine(said)]


def test_a_time_to_live_by_another_attribute_is_none(table: Any) -> None:  # noqa: ANN401 - a boto3 client
    table.update_time_to_live(TableName=TABLE, TimeToLiveSpecification={"Enabled": True, "AttributeName": "other"})
    assert "no time to live" in restored_table_findings(Client(), TABLE)[0].sentence


@pytest.mark.usefixtures("table")
def test_a_table_that_is_not_there_and_one_without_an_index_are_refused() -> None:
    (gone,) = restored_table_findings(Client(), "gone")
    assert (gone.weight, gone.sentence) == (
        Weight.REFUSED,
        "RestoredTableName: there is no table gone in this account and region",
    )
    client = Client()
    client.create_table(
        TableName="bare",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    )
    (bare,) = restored_table_findings(client, "bare")
    assert bare.weight is Weight.REFUSED
    assert "lacks the index ByCheckAt, ByTenant" in bare.sentence


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize(
    ("call", "action"),
    [
        ("describe_table", "DescribeTable"),
        ("describe_time_to_live", "DescribeTimeToLive"),
        ("describe_continuous_backups", "DescribeContinuousBackups"),
    ],
)
def test_an_operator_without_rights_is_told_which_one_is_missing(call: str, action: str) -> None:
    def refuses(**_: str) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, call)

    client = Client()
    setattr(client, call, refuses)
    said = f"the table {TABLE}: these credentials lack dynamodb:{action}; have it allowed, then ask again"
    assert restored_table_findings(client, TABLE) == [unknown(said)]


def test_a_deployment_on_the_stacks_own_table_asks_nothing() -> None:
    assert restored_table_findings(Client(), "") == []


@pytest.mark.usefixtures("table")
def test_the_parameter_is_asked_for_with_everything_else() -> None:
    real: Any = boto3.Session(region_name="eu-west-1").client
    limits = {"AccountLimit": {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 1000}}
    others = SimpleNamespace(get_account_settings=lambda: limits, list_service_quotas=lambda **_: {"Quotas": []})
    asked = {"sts": real("sts"), "dynamodb": real("dynamodb"), "lambda": others, "service-quotas": others}
    found = preflight({"RestoredTableName": "gone"}, asked.__getitem__, "eu-west-1", lambda: "SAM CLI, version 99.0.0")
    assert refused("RestoredTableName: there is no table gone in this account and region") in found
