"""The jobs that are due, by the sparse index `ByCheckAt`: a job is in it as long as it has a `check_at`."""

import zlib
from datetime import datetime
from typing import Any, Final

from fermata.adapters.aws_errors import aws_errors
from fermata.adapters.dynamo_items import plain, typed
from fermata.adapters.dynamo_transactions import DynamoTransactions
from fermata.domain.jobs import Job

INDEX: Final = "ByCheckAt"
SHARDS: Final = 4
AT_ONCE: Final = 50
"""Most jobs of one shard that one run takes."""
_RESCUES: Final = "CHECK#RESCUE"
"""Ended jobs whose songs are rescued or whose files are deleted, apart from all others: many of them must not delay a
job that is stuck.
"""


def index_keys(job: Job) -> dict[str, str]:
    """What puts a job's row into the index, nothing where it does not belong there: a key must not be null."""
    if job.check_at is None:
        return {}
    if job.status.is_terminal and not job.publish_pending:
        return {"check_shard": _RESCUES, "check_at": sortable(job.check_at)}
    return {"check_shard": _shard(zlib.crc32(job.id.encode()) % SHARDS), "check_at": sortable(job.check_at)}


class DynamoDueJobs:
    """`DueJobs` over one table."""

    def __init__(self, transactions: DynamoTransactions) -> None:
        self._transactions = transactions

    def find(self, now: datetime) -> list[str]:
        """Ids of jobs that are due, the longest waiting of each shard first."""
        shards = (*(_shard(number) for number in range(SHARDS)), _RESCUES)
        return [job_id for shard in shards for job_id in self._find(shard, now)]

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

    def _find(self, shard: str, now: datetime) -> list[str]:
        with aws_errors("the jobs that are due could not be read"):
            answer = self._transactions.client.query(
                TableName=self._transactions.table,
                IndexName=INDEX,
                KeyConditionExpression="check_shard = :shard AND check_at <= :now",
                ExpressionAttributeValues=typed({":shard": shard, ":now": sortable(now)}),
                Limit=AT_ONCE,
            )
        return [plain(item)["pk"].removeprefix("JOB#") for item in answer["Items"]]


def _shard(number: int) -> str:
    return f"CHECK#{number}"


def sortable(moment: datetime) -> str:
    """Text of one length, so that it sorts as moments do; they are kept to the millisecond."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
