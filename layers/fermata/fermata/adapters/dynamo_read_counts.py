"""How often tenants read, in DynamoDB: `READS#<tenant>` holds the reads of the latest minute and the plan's limit."""

from typing import TYPE_CHECKING, Any, Final

from fermata.adapters.aws_errors import aws_errors
from fermata.adapters.dynamo_items import plain, typed
from fermata.adapters.dynamo_transactions import DynamoTransactions, Write
from fermata.domain.plan_limits import DEFAULT_LIMITS
from fermata.errors import TransientError
from fermata.ports import ReadCount

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_TRIES: Final = 3


def limit_reads(tenant_id: str, per_minute: int, transactions: DynamoTransactions) -> dict[str, Write]:
    """The part of a transaction that changes how often a tenant may read."""
    values = {":limit": per_minute}
    return {
        "reads": transactions.update(_partition(tenant_id), "READS", "SET #reads_per_minute = :limit", None, values)
    }


class DynamoReadCounts:
    """`ReadCounts` over one table."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def add(self, tenant_id: str, minute: str, reads: int) -> ReadCount:
        """Count reads, and give back all of the minute and how many the plan allows."""
        for _ in range(_TRIES):
            # The first write of a minute begins it; of several only one does.
            for expression, condition in (
                ("ADD #reads :reads", "#minute >= :minute"),
                ("SET #minute = :minute, #reads = :reads", "attribute_not_exists(#minute) OR #minute < :minute"),
            ):
                item = self._update(tenant_id, expression, condition, {":minute": minute, ":reads": reads})
                if item is not None:
                    limit = item.get("reads_per_minute", DEFAULT_LIMITS.reads_per_minute)
                    return ReadCount(reads=int(item["reads"]), per_minute=int(limit))
        raise TransientError(f"the reads of {tenant_id} could not be counted: others kept beginning a minute")

    def _update(self, tenant_id: str, expression: str, condition: str, values: dict[str, Any]) -> dict[str, Any] | None:
        with aws_errors("reads could not be counted"):
            try:
                answer = self._client.update_item(
                    TableName=self._table,
                    Key=typed({"pk": _partition(tenant_id), "sk": "READS"}),
                    UpdateExpression=expression,
                    ConditionExpression=condition,
                    ExpressionAttributeNames={"#minute": "minute", "#reads": "reads"},
                    ExpressionAttributeValues=typed(values),
                    ReturnValues="ALL_NEW",
                )
            except self._client.exceptions.ConditionalCheckFailedException:
                return None
        return plain(answer["Attributes"])


def _partition(tenant_id: str) -> str:
    return f"READS#{tenant_id}"
