"""Webhook attempts in DynamoDB: `DELIVERY#<job>` holds each in `ATTEMPT#<replay>#<number>`, and the counts of replays
and posts in `REPLAYS`. All of them expire by the table's time to live.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from fermata.adapters.aws_errors import CONDITION_FAILED, aws_errors
from fermata.adapters.dynamodb.items import Item, plain, typed
from fermata.adapters.dynamodb.reading import read, readable
from fermata.adapters.dynamodb.transactions import DynamoTransactions
from fermata.domain.orders.idempotency import seconds
from fermata.domain.webhooks.delivery import KEPT_FOR, MOST_REPLAYS, WebhookAttempt

_REPLAYS: Final = "REPLAYS"
_REPLAYS_KEPT_FOR: Final = timedelta(days=100)
"""Longer than the 90 days for which Step Functions keeps the names of executions, which contain the replay's number."""

_FEW_REPLAYS: Final = "(attribute_not_exists(replays) OR replays < :most)"
_FEW_POSTS: Final = "(attribute_not_exists(posts) OR posts < :posts)"


class DynamoWebhookDeliveries:
    """`WebhookDeliveries` over one table."""

    def __init__(self, transactions: DynamoTransactions) -> None:
        self._transactions = transactions
        self._client, self._table = transactions.client, transactions.table

    def of(self, job_id: str) -> tuple[WebhookAttempt, ...]:
        """The attempts of a job's webhook, oldest delivery first."""
        items = (item for item in map(plain, self._items(job_id)) if item["sk"] != _REPLAYS)
        return tuple(readable(items, WebhookAttempt.model_validate))

    def add(self, job_id: str, attempt: WebhookAttempt) -> WebhookAttempt:
        """Store an attempt; returns the stored one, which is an earlier record of the same attempt where there
        is one.
        """
        sort_key = f"ATTEMPT#{attempt.replay:03d}#{attempt.number:02d}"
        item = {**attempt.model_dump(mode="json"), "ttl": seconds(attempt.at + KEPT_FOR)}
        write = self._transactions.put(_partition(job_id), sort_key, item, "attribute_not_exists(pk)")
        failed = self._transactions.write({"attempt": write}, self._transactions.deadline())
        return read(failed["attempt"], WebhookAttempt.model_validate) if failed else attempt

    def next_replay(self, job_id: str, most_posts: int, now: datetime) -> int | None:
        """The unique number of a new replay, from 1 on; None where the replays or the posts are used up."""
        values = {":most": MOST_REPLAYS, ":posts": most_posts}
        counted = self._count(job_id, "replays", f"{_FEW_REPLAYS} AND {_FEW_POSTS}", values, now)
        return None if counted is None else int(counted["replays"])

    def count_post(self, job_id: str, most_posts: int, now: datetime) -> bool:
        """Count a post before it is sent; False, uncounted, where it would exceed `most_posts`."""
        return self._count(job_id, "posts", _FEW_POSTS, {":posts": most_posts}, now) is not None

    def _count(self, job_id: str, what: str, condition: str, values: Item, now: datetime) -> Item | None:
        with aws_errors("the webhook's record could not be counted", CONDITION_FAILED):
            answer = self._client.update_item(
                TableName=self._table,
                Key=typed({"pk": _partition(job_id), "sk": _REPLAYS}),
                UpdateExpression=f"SET #ttl = :ttl ADD {what} :one",
                ConditionExpression=condition,
                ExpressionAttributeNames={"#ttl": "ttl"},
                ExpressionAttributeValues=typed({**values, ":one": 1, ":ttl": seconds(now + _REPLAYS_KEPT_FOR)}),
                ReturnValues="UPDATED_NEW",
            )
            return plain(answer["Attributes"])
        return None

    def forget(self, job_id: str) -> None:
        """Delete everything about a job's webhook."""
        for item in self._items(job_id):
            with aws_errors("a webhook's record could not be deleted"):
                self._client.delete_item(TableName=self._table, Key={"pk": item["pk"], "sk": item["sk"]})

    def _items(self, job_id: str) -> list[Any]:
        with aws_errors("the webhook's records could not be read"):
            answer = self._client.query(
                TableName=self._table,
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues=typed({":pk": _partition(job_id)}),
                ConsistentRead=True,
            )
        return list(answer["Items"])


def _partition(job_id: str) -> str:
    return f"DELIVERY#{job_id}"
