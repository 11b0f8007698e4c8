"""Attempts that a provider may bill, from the sparse index `ByCheckAt`: the shard `DOUBT#<provider>` lists attempts
with an unknown outcome, `BILLED#<provider>` all others that may be billed, both by the time of the order.

An attempt's item has the index keys, so the write that changes the attempt also moves it between the shards.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from fermata.adapters.aws_errors import aws_errors
from fermata.adapters.dynamodb.items import plain, typed
from fermata.adapters.dynamodb.jobs.due_jobs import INDEX, sortable
from fermata.adapters.dynamodb.transactions import DynamoTransactions
from fermata.domain.jobs.attempt import Attempt

_UNKNOWN: Final = "DOUBT#"
_BILLED: Final = "BILLED#"
_ANY_TIME: Final = ("0", "9")


def purchase_keys(attempt: Attempt) -> dict[str, str]:
    """The index keys of an attempt's item; empty where the attempt was not billed, or was bought for another job."""
    if not attempt.may_be_billed:
        return {}
    kind = _UNKNOWN if attempt.has_unknown_outcome else _BILLED
    return {"check_shard": f"{kind}{attempt.provider}", "check_at": sortable(attempt.started_at)}


class DynamoPurchases:
    """`Purchases` over one table."""

    def __init__(self, transactions: DynamoTransactions) -> None:
        self._transactions = transactions

    def with_unknown_outcome(self, provider: str) -> list[str]:
        """Ids of the jobs that have attempts with an unknown outcome. Raises `TransientError`."""
        return list(dict.fromkeys(self._find(f"{_UNKNOWN}{provider}", *_ANY_TIME)))

    def with_known_outcome(self, provider: str, since: datetime, until: datetime, most: int) -> list[str]:
        """Ids of at most `most` jobs whose other billable attempts began in the period. Raises `TransientError`."""
        found: dict[str, None] = {}
        for job_id in self._find(f"{_BILLED}{provider}", sortable(since), sortable(until)):
            found[job_id] = None
            if len(found) == most:
                break
        return list(found)

    def _find(self, partition: str, first: str, last: str) -> Iterator[str]:
        start: dict[str, Any] = {}
        while True:
            with aws_errors("the attempts could not be read"):
                page = self._transactions.client.query(
                    TableName=self._transactions.table,
                    IndexName=INDEX,
                    KeyConditionExpression="check_shard = :partition AND check_at BETWEEN :first AND :last",
                    ExpressionAttributeValues=typed({":partition": partition, ":first": first, ":last": last}),
                    **start,
                )
            yield from map(_job_id, page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def _job_id(item: dict[str, Any]) -> str:
    return str(plain(item)["pk"]).removeprefix("JOB#")
