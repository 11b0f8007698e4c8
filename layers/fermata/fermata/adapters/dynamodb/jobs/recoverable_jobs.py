"""Attempts whose songs can be redelivered, from the sparse index `ByCheckAt`: a job's item `RECOVERABLE#<attempt>` is
listed in the shard `RECOVERABLE#<provider>` by the job's end.

The item is written in one transaction with the job, and only for jobs that have a rescue, so delivered jobs pay nothing
for it. It leaves the index when nothing is left to redeliver.
"""

from datetime import datetime
from typing import Any, Final

from fermata.adapters.aws_errors import aws_errors
from fermata.adapters.dynamodb.items import Item, plain, typed
from fermata.adapters.dynamodb.jobs.due_jobs import INDEX, sortable
from fermata.adapters.dynamodb.reading import readable
from fermata.adapters.dynamodb.transactions import DynamoTransactions, Write
from fermata.domain.finish.recoverable_list import Place, listed_at
from fermata.domain.finish.rescue import KEPT_FOR, recoverables
from fermata.domain.jobs.job import Job
from fermata.domain.orders.idempotency import seconds
from fermata.domain.providers.failures import ProviderCharged

_KIND: Final = "RECOVERABLE#"


def listings(job: Job, transactions: DynamoTransactions) -> dict[str, Write]:
    """The parts of a transaction that add the attempts of an ended job to the list, or remove them."""
    if job.rescue is None:
        return {}
    listed = {found.attempt.number for found in recoverables(job)}
    parts: dict[str, Write] = {}
    for attempt in job.attempts:
        if attempt.provider_charged is ProviderCharged.NO and attempt.reconciled_at is None:
            continue
        keys: dict[str, str] = {}
        if attempt.number in listed:
            ended_at = listed_at(job, attempt.number).ended_at
            keys = {"check_shard": f"{_KIND}{attempt.provider}", "check_at": sortable(ended_at)}
        item = {**keys, "ttl": seconds(attempt.result_from + KEPT_FOR)}
        parts[f"listing {attempt.number}"] = transactions.put(f"JOB#{job.id}", _sort_key(attempt.number), item)
    return parts


class DynamoRecoverableJobs:
    """`RecoverableJobs` over one table."""

    def __init__(self, transactions: DynamoTransactions) -> None:
        self._transactions = transactions

    def find(self, provider: str, limit: int, after: Place | None) -> list[Place]:
        """At most `limit` places of a provider's list, those that follow `after`. Raises `TransientError`."""
        partition = f"{_KIND}{provider}"
        start: dict[str, Any] = {}
        if after is not None:
            keys = {"pk": f"JOB#{after.job_id}", "sk": _sort_key(after.attempt)}
            index_keys = {"check_shard": partition, "check_at": sortable(after.ended_at)}
            start = {"ExclusiveStartKey": typed({**keys, **index_keys})}
        with aws_errors("the list of recoverable jobs could not be read"):
            answer = self._transactions.client.query(
                TableName=self._transactions.table,
                IndexName=INDEX,
                KeyConditionExpression="check_shard = :partition",
                ExpressionAttributeValues=typed({":partition": partition}),
                Limit=limit,
                **start,
            )
        return [*readable(map(plain, answer["Items"]), _place)]


def _sort_key(attempt: int) -> str:
    return f"{_KIND}{attempt:04d}"


def _place(item: Item) -> Place:
    ended_at = datetime.fromisoformat(item["check_at"])
    return Place(ended_at, str(item["pk"]).removeprefix("JOB#"), int(item["sk"].removeprefix(_KIND)))
