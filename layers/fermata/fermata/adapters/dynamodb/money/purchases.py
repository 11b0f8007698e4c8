"""The attempts that a provider may bill, by the sparse index `ByCheckAt`: `DOUBT#<provider>` has those of which nobody
knows, `BILLED#<provider>` all others that are not surely unpaid, both by the moment of the order.

An attempt's item carries its own keys, so it moves between both with the write that changes it.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from fermata.adapters.aws_errors import aws_errors
from fermata.adapters.dynamodb.items import plain, typed
from fermata.adapters.dynamodb.jobs.due_jobs import INDEX, sortable
from fermata.adapters.dynamodb.transactions import DynamoTransactions
from fermata.domain.jobs.attempt import Attempt

_DOUBT: Final = "DOUBT#"
_BILLED: Final = "BILLED#"
_EVER: Final = ("0", "9")


def purchase_keys(attempt: Attempt) -> dict[str, str]:
    """What puts an attempt's item into the index; nothing where it is surely unpaid, or was
    bought for another job.
    """
    if not attempt.may_be_billed:
        return {}
    kind = _DOUBT if attempt.is_in_doubt else _BILLED
    return {"check_shard": f"{kind}{attempt.provider}", "check_at": sortable(attempt.started_at)}


class DynamoPurchases:
    """`Purchases` over one table."""

    def __init__(self, transactions: DynamoTransactions) -> None:
        self._transactions = transactions

    def in_doubt(self, provider: str) -> list[str]:
        """Ids of the jobs with attempts in doubt."""
        return list(dict.fromkeys(self._find(f"{_DOUBT}{provider}", *_EVER)))

    def undoubted(self, provider: str, since: datetime, until: datetime, most: int) -> list[str]:
        """Ids of the jobs with other attempts of a time that may be billed, at most so many."""
        found: dict[str, None] = {}
        for job_id in self._find(f"{_BILLED}{provider}", sortable(since), sortable(until)):
            found[job_id] = None
            if len(found) == most:
                break
        return list(found)

    def _find(self, partition: str, first: str, last: str) -> Iterator[str]:
        with aws_errors("the attempts could not be read"):
            pages = self._transactions.client.get_paginator("query").paginate(
                TableName=self._transactions.table,
                IndexName=INDEX,
                KeyConditionExpression="check_shard = :partition AND check_at BETWEEN :first AND :last",
                ExpressionAttributeValues=typed({":partition": partition, ":first": first, ":last": last}),
            )
            for page in pages:
                yield from (_job_id(item) for item in page["Items"])


def _job_id(item: dict[str, Any]) -> str:
    return str(plain(item)["pk"]).removeprefix("JOB#")
