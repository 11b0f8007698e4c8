"""Jobs that are due for a check, from the sparse index `ByCheckAt`, which holds every job that has a `check_at`."""

import re
import zlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from fermata.adapters.aws_errors import aws_errors
from fermata.adapters.dynamodb.items import Item, plain, typed
from fermata.adapters.dynamodb.transactions import DynamoTransactions
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.status import JobStatus
from fermata.errors import FieldError, InvalidRequestError

INDEX: Final = "ByCheckAt"
SHARDS: Final = 4
AT_ONCE: Final = 50
"""Most jobs that are read from one shard before the next shard follows."""
_FAR_FUTURE: Final = "9999-12-31T23:59:59.999Z"
_PLACE: Final = re.compile(rf"([0-{SHARDS - 1}])@([0-9T:.-]{{23}}Z)@(job_[0-9A-Za-z]+)")
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

    def open_jobs(self, after: str | None = None) -> Iterator[tuple[str, str]]:
        """Every open job with its place, shard by shard in the order of their checks. A check only ever moves to a
        later time, so a job that moves is met later. Raises `InvalidRequestError` and `TransientError`.
        """
        first, start = _place(after)
        for number in range(first, SHARDS):
            for items in self._items(_shard(number), _FAR_FUTURE, start if number == first else None):
                for item in items:
                    job_id = item["pk"].removeprefix("JOB#")
                    yield job_id, f"{number}@{item['check_at']}@{job_id}"

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
        for items in self._items(shard, sortable(now)):
            yield [item["pk"].removeprefix("JOB#") for item in items]

    def _items(self, shard: str, until: str, after: Item | None = None) -> Iterator[list[Item]]:
        start: dict[str, Any] = {} if after is None else {"ExclusiveStartKey": typed(after)}
        while True:
            with aws_errors("the jobs that are due could not be read"):
                answer = self._transactions.client.query(
                    TableName=self._transactions.table,
                    IndexName=INDEX,
                    KeyConditionExpression="check_shard = :shard AND check_at <= :until",
                    ExpressionAttributeValues=typed({":shard": shard, ":until": until}),
                    Limit=AT_ONCE,
                    **start,
                )
            yield [plain(item) for item in answer["Items"]]
            if "LastEvaluatedKey" not in answer:
                return
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}


def _shard(number: int) -> str:
    return f"CHECK#{number}"


def _place(after: str | None) -> tuple[int, Item | None]:
    """The shard at which a list of open jobs goes on, and the keys after which it does. DynamoDB takes keys of an item
    that is no longer there.
    """
    if after is None:
        return 0, None
    found = _PLACE.fullmatch(after)
    if found is None:
        raise InvalidRequestError([FieldError("/cursor", "must be the next_cursor of a page of this list")])
    number, check_at, job_id = int(found[1]), found[2], found[3]
    return number, {"pk": f"JOB#{job_id}", "sk": "JOB", "check_shard": _shard(number), "check_at": check_at}


def sortable(moment: datetime) -> str:
    """A time as text of fixed length, so that it sorts by time; precise to the millisecond."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
