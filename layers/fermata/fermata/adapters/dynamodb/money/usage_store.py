"""Usage in DynamoDB: `USAGE#<tenant>` holds counters in `<day>#<model>`, which only grow."""

from typing import Any, Final

from fermata.adapters.aws_errors import aws_errors
from fermata.adapters.dynamodb.items import Item, plain, typed
from fermata.adapters.dynamodb.transactions import DynamoTransactions, Write
from fermata.domain.money.usage import Usage, UsagePage

_COUNTERS: Final = ("jobs", "succeeded", "credits", "unit_thousandths", "audio_ms")


def counted(usage: Usage, transactions: DynamoTransactions) -> dict[str, Write]:
    """The part of a transaction that counts a job's end."""
    values = {f":{name}": getattr(usage, name) for name in ("unit", *_COUNTERS)}
    expression = "SET #unit = :unit ADD " + " , ".join(f"#{name} :{name}" for name in _COUNTERS)
    return {"usage": transactions.update(_partition(usage.tenant_id), usage.place, expression, None, values)}


class DynamoUsageStore:
    """`UsageStore` over one table."""

    def __init__(self, transactions: DynamoTransactions) -> None:
        self._transactions = transactions

    def find(self, page: UsagePage) -> tuple[list[Usage], str | None]:
        """The entries of one page by day and model, and the start of the next page, or None. Raises
        `TransientError`.
        """
        of = page.of
        partition = _partition(of.tenant_id)
        start: dict[str, Any] = {}
        if page.after is not None:
            start = {"ExclusiveStartKey": typed({"pk": partition, "sk": page.after})}
        with aws_errors("the usage could not be read"):
            answer = self._transactions.client.query(
                TableName=self._transactions.table,
                KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
                # `$` follows `#` in ASCII, so `<day>$` sorts after every model of the last day.
                ExpressionAttributeValues=typed({":pk": partition, ":first": f"{of.first}#", ":last": f"{of.last}$"}),
                ConsistentRead=True,
                Limit=page.limit,
                **start,
            )
        last = answer.get("LastEvaluatedKey")
        found = [_usage(of.tenant_id, plain(item)) for item in answer["Items"]]
        return found, str(plain(last)["sk"]) if last else None


def _usage(tenant_id: str, item: Item) -> Usage:
    day, _, model = str(item["sk"]).partition("#")
    return Usage.model_validate({**item, "tenant_id": tenant_id, "day": day, "model": model})


def _partition(tenant_id: str) -> str:
    return f"USAGE#{tenant_id}"
