"""The jobs that are due, by the sparse index `ByCheckAt`: a job is in it as long as it has a `check_at`."""

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
"""Most jobs of one shard that are taken before the next shard has its turn."""
_CANCELED: Final = "CHECK#CANCELED"
"""Jobs whose cancel is to be told of, apart from all others: a tenant makes as many as it likes, and they are due at
once, so that they must not delay a job that is stuck.
"""
_RESCUES: Final = "CHECK#RESCUE"
"""Ended jobs whose songs are rescued or whose files are deleted, apart for the same reason."""


def index_keys(job: Job) -> dict[str, str]:
    """What puts a job's row into the index, nothing where it does not belong there: a key must not be null."""
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
        """Ids of jobs that are due, the longest waiting of each shard first; the shards take turns of `AT_ONCE` jobs,
        and what they have for one round is read at its beginning.
        """
        shards = (*(_shard(number) for number in range(SHARDS)), _CANCELED, _RESCUES)
        waiting = [self._pages(shard, now) for shard in shards]
        while waiting:
            rounds = [(pages, page) for pages in waiting if (page := next(pages, None)) is not None]
            for _, page in rounds:
                yield from page
            waiting = [pages for pages, _ in rounds]

    def put_off(self, job: Job, until: datetime, absent_since: datetime | None) -> None:
        """Look at a job again at `until`. The version stays: whoever writes the job next overwrites this, and then it
        is only looked at sooner.
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
        """Look at a job whose record could not be worked with again at `until`, where it is still due now."""
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
    """Text of one length, so that it sorts as moments do; they are kept to the millisecond."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
