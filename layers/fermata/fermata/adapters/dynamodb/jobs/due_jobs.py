"""Jobs that are due for a check, from the sparse index `ByCheckAt`, which holds every job that has a `check_at`."""

import zlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from fermata.adapters.aws_errors import aws_errors
from fermata.adapters.dynamodb.items import plain, typed
from fermata.adapters.dynamodb.transactions import DynamoTransactions
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.status import JobStatus

INDEX: Final = "ByCheckAt"
SHARDS: Final = 4
AT_ONCE: Final = 50
"""Most jobs that are read from one shard before the next shard follows."""
_CANCELED: Final = "CHECK#CANCELED"
"""Shard of canceled jobs whose end is to be published. A tenant can cause any number of them, due at once, so they have
a shard of their own and do not delay a stuck job.
"""
_RESCUES: Final = "CHECK#RESCUE"
"""Shard of ended jobs whose songs are rescued or whose files are deleted, for the same reason."""


def index_keys(job: Job) -> dict[str, str]:
    """The index keys of a job's row; empty where the row does not belong in the index, because a key must not
    be null.
    """
    if job.check_at is None:
        return {}
    if job.status.is_terminal and not job.publish_pending:
        return {"check_shard": _RESCUES, "check_at": sortable(job.check_at)}
    if job.status is JobStatus.CANCELED:
        return {"check_shard": _CANCELED, "check_at": sortable(job.check_at)}
    return {"check_shard": _shard(zlib.crc32(job.id.encode()) % SHARDS), "check_at": sortable(job.check_at)}


class DynamoDueJobs:
    """`DueJobs` over one table."""

    def __init__(self, transactions: DynamoTransactions) -> None:
        self._transactions = transactions

    def find(self, now: datetime) -> Iterator[str]:
        """Ids of due jobs, the longest due of each shard first. The shards alternate by pages of `AT_ONCE` jobs; each
        round begins with one read per shard. Raises `TransientError`.
        """
        shards = (*(_shard(number) for number in range(SHARDS)), _CANCELED, _RESCUES)
        waiting = [self._pages(shard, now) for shard in shards]
        while waiting:
            rounds = [(pages, page) for pages in waiting if (page := next(pages, None)) is not None]
            for _, page in rounds:
                yield from page
            waiting = [pages for pages, _ in rounds]

    def put_off(self, job: Job, until: datetime, absent_since: datetime | None) -> None:
        """Postpone a job's next check to `until`. The version stays, so the next write of the job overwrites the time;
        the check then only happens sooner.
        """
        values: dict[str, Any] = {
            ":until": sortable(until),
            ":since": None if absent_since is None else sortable(absent_since),
            ":version": job.version,
        }
        expression = "SET #check_at = :until , #absent_since = :since"
        condition = "#version = :version AND attribute_exists(check_shard)"
        update = self._transactions.update(f"JOB#{job.id}", "JOB", expression, condition, values)
        self._transactions.write({"job": update}, self._transactions.deadline())

    def put_off_unread(self, job_id: str, until: datetime, now: datetime) -> None:
        """Postpone the check of a job whose record is unreadable to `until`, if it is still due."""
        values = {":until": sortable(until), ":now": sortable(now)}
        condition = "#check_at <= :now"
        update = self._transactions.update(f"JOB#{job_id}", "JOB", "SET #check_at = :until", condition, values)
        self._transactions.write({"job": update}, self._transactions.deadline())

    def _pages(self, shard: str, now: datetime) -> Iterator[list[str]]:
        start: dict[str, Any] = {}
        while True:
            with aws_errors("the jobs that are due could not be read"):
                answer = self._transactions.client.query(
                    TableName=self._transactions.table,
                    IndexName=INDEX,
                    KeyConditionExpression="check_shard = :shard AND check_at <= :now",
                    ExpressionAttributeValues=typed({":shard": shard, ":now": sortable(now)}),
                    Limit=AT_ONCE,
                    **start,
                )
            yield [plain(item)["pk"].removeprefix("JOB#") for item in answer["Items"]]
            if "LastEvaluatedKey" not in answer:
                return
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}


def _shard(number: int) -> str:
    return f"CHECK#{number}"


def sortable(moment: datetime) -> str:
    """A time as text of fixed length, so that it sorts by time; precise to the millisecond."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
