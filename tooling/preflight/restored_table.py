"""Asks for the table that RestoredTableName names, and what a restore does not bring along."""

from collections.abc import Iterator
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from fermata.domain.operator.restored_table import TableFacts, unfit
from tooling.preflight.account import ClientOf, NotAllowedError, allowed
from tooling.preflight.findings import Finding, fine, narrow, refused, unknown

TTL: Final = "ttl"
_GONE: Final = "ResourceNotFoundException"


def restored_table_findings(client_of: ClientOf, name: str) -> list[Finding]:
    """Whether the table fits, and which of time to live, point-in-time recovery and deletion protection it lacks, each
    with the command that puts it back. Nothing where no restored table is named.
    """
    if not name:
        return []
    client = client_of("dynamodb")
    try:
        table = _described(client, name)
        why = unfit(name, None if table is None else _facts(table))
        if table is None or why is not None:
            return [refused(why or "")]
        lacking = list(_lacking(client, name, table))
    except (NotAllowedError, BotoCoreError, ClientError) as error:
        return [unknown(f"the table {name}: {error}")]
    return lacking or [fine(f"the table {name} has its indexes, its time to live, recovery and deletion protection")]


def _described(client: Any, name: str) -> dict[str, Any] | None:  # noqa: ANN401 - boto3 has no types for it
    try:
        return dict(allowed("dynamodb:DescribeTable", client.describe_table, TableName=name)["Table"])
    except ClientError as error:
        if error.response["Error"]["Code"] == _GONE:
            return None
        raise


def _facts(table: dict[str, Any]) -> TableFacts:
    keys = tuple(key["AttributeName"] for key in table["KeySchema"])
    indexes = [index["IndexName"] for index in table.get("GlobalSecondaryIndexes", [])]
    return TableFacts(table["TableArn"], table["TableStatus"], keys, indexes)


def _lacking(client: Any, name: str, table: dict[str, Any]) -> Iterator[Finding]:  # noqa: ANN401 - as above
    life = allowed("dynamodb:DescribeTimeToLive", client.describe_time_to_live, TableName=name)
    described = life["TimeToLiveDescription"]
    if (described["TimeToLiveStatus"], described.get("AttributeName")) not in (("ENABLED", TTL), ("ENABLING", TTL)):
        specification = f"Enabled=true,AttributeName={TTL}"
        command = f"aws dynamodb update-time-to-live --table-name {name} --time-to-live-specification {specification}"
        yield narrow(f"the table {name} has no time to live, so nothing in it ever goes: {command}")
    backups = allowed("dynamodb:DescribeContinuousBackups", client.describe_continuous_backups, TableName=name)
    recovery = backups["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
    if recovery.get("PointInTimeRecoveryStatus") != "ENABLED":
        specification = "--point-in-time-recovery-specification PointInTimeRecoveryEnabled=true"
        command = f"aws dynamodb update-continuous-backups --table-name {name} {specification}"
        yield narrow(f"the table {name} cannot be restored to a point in time: {command}")
    if not table.get("DeletionProtectionEnabled"):
        command = f"aws dynamodb update-table --table-name {name} --deletion-protection-enabled"
        yield narrow(f"the table {name} may be deleted by a hand: {command}")
