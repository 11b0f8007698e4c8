"""A tenant's jobs by time, from the sparse index `ByTenant`, which holds every job until it is deleted. The index's
partition key names the tenant; its sort key is the job's partition key, because ids sort by time.
"""

from typing import Any, Final

from fermata.adapters.aws_errors import aws_errors
from fermata.adapters.dynamodb.items import Item, plain, typed
from fermata.adapters.dynamodb.transactions import DynamoTransactions
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.page import JobList, PageOfIds, PageRequest

INDEX: Final = "ByTenant"
AT_ONCE: Final = 1000
"""Entries that one query reads when it filters by status."""
MOST_QUERIES: Final = 5
"""Most queries for one page. A page may be short or empty; its cursor leads further back."""


def listing_keys(job: Job) -> dict[str, str]:
    """The index keys of a job's row; empty for a tombstone."""
    return {} if job.deleted_at else {"listing": _listing(job.tenant_id)}


class DynamoTenantJobs:
    """`TenantJobs` over one table."""

    def __init__(self, transactions: DynamoTransactions) -> None:
        self._transactions = transactions

    def find(self, page: PageRequest) -> PageOfIds:
        """The ids of one page, newest first. Raises `TransientError`."""
        found: list[str] = []
        before = page.before
        for _ in range(MOST_QUERIES):
            ids, before = self._find(page.of, before, page.limit + 1 if page.of.status is None else AT_ONCE)
            found += ids
            if len(found) > page.limit:
                return PageOfIds(tuple(found[: page.limit]), found[page.limit - 1])
            if before is None:
                break
        return PageOfIds(tuple(found), before)

    def _find(self, of: JobList, before: str | None, at_once: int) -> tuple[list[str], str | None]:
        """The matching ids of the next `at_once` entries, and the last entry's id where more may follow."""
        conditions, values, more = "listing = :listing", {":listing": _listing(of.tenant_id)}, dict[str, Any]()
        if before is not None:
            conditions, values = f"{conditions} AND pk < :before", {**values, ":before": f"JOB#{before}"}
        if of.status is not None:
            more = {"FilterExpression": "#status = :status", "ExpressionAttributeNames": {"#status": "status"}}
            values = {**values, ":status": of.status.value}
        with aws_errors("the tenant's jobs could not be read"):
            answer = self._transactions.client.query(
                TableName=self._transactions.table,
                IndexName=INDEX,
                KeyConditionExpression=conditions,
                ExpressionAttributeValues=typed(values),
                ScanIndexForward=False,
                Limit=at_once,
                **more,
            )
        last = answer.get("LastEvaluatedKey")
        return [_job_id(plain(item)) for item in answer["Items"]], _job_id(plain(last)) if last else None


def _listing(tenant_id: str) -> str:
    return f"JOBS_OF#{tenant_id}"


def _job_id(item: Item) -> str:
    return str(item["pk"]).removeprefix("JOB#")
