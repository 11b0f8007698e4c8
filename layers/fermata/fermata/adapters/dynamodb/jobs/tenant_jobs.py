"""A tenant's jobs by time, from the sparse index `ByTenant`, which holds every job until it is deleted. The index's
partition key names the tenant; its sort key is the job's partition key, because ids sort by time.
"""

from typing import Any, Final

from fermata.adapters.aws_errors import aws_errors
from fermata.adapters.dynamodb.items import Item, plain, typed
from fermata.adapters.dynamodb.reading import readable
from fermata.adapters.dynamodb.transactions import DynamoTransactions
from fermata.domain.jobs.job import Job
from fermata.domain.lists.job_list import JobList
from fermata.domain.lists.page import PageOfIds, PageRequest
from fermata.domain.orders.order_request import AUTO

INDEX: Final = "ByTenant"
AT_ONCE: Final = 1000
"""Entries that one query reads when it filters by status."""
ORDERS_AT_ONCE: Final = 100
"""Entries that one query reads when only the jobs' orders, which are read by themselves, show which jobs fit."""
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
            ids, before = self._find(page.of, before, _at_once(page))
            found += self._fitting(page.of, ids)
            if len(found) > page.limit:
                return PageOfIds(tuple(found[: page.limit]), found[page.limit - 1])
            if before is None:
                break
        return PageOfIds(tuple(found), before)

    def _find(self, of: JobList, before: str | None, at_once: int) -> tuple[list[str], str | None]:
        """The ids among the next `at_once` entries that fit by time and status, and the last entry's id where more may
        follow.
        """
        lowest, highest = of.lowest_id, of.highest_id if before is None else _just_before(before)
        if lowest > highest:
            return [], None
        values = {":listing": _listing(of.tenant_id), ":lowest": f"JOB#{lowest}", ":highest": f"JOB#{highest}"}
        more = dict[str, Any]()
        if of.status is not None:
            more = {"FilterExpression": "#status = :status", "ExpressionAttributeNames": {"#status": "status"}}
            values[":status"] = of.status.value
        with aws_errors("the tenant's jobs could not be read"):
            answer = self._transactions.client.query(
                TableName=self._transactions.table,
                IndexName=INDEX,
                KeyConditionExpression="listing = :listing AND pk BETWEEN :lowest AND :highest",
                ExpressionAttributeValues=typed(values),
                ScanIndexForward=False,
                Limit=at_once,
                **more,
            )
        last = answer.get("LastEvaluatedKey")
        return [_job_id(plain(item)) for item in answer["Items"]], _job_id(plain(last)) if last else None

    def _fitting(self, of: JobList, ids: list[str]) -> list[str]:
        """Those of the ids whose orders are of the list."""
        if not of.reads_orders:
            return ids
        orders = self._transactions.get_all([(f"JOB#{job_id}", "REQUEST") for job_id in ids])
        found = readable(orders, _order_of)
        fitting = {job_id for job_id, model, metadata in found if of.fits(model, metadata)}
        return [job_id for job_id in ids if job_id in fitting]


def _at_once(page: PageRequest) -> int:
    if page.of.reads_orders:
        return ORDERS_AT_ONCE
    return page.limit + 1 if page.of.status is None else AT_ONCE


def _just_before(job_id: str) -> str:
    """A text after every older id and before this one: DynamoDB takes one condition on a sort key, with both ends."""
    return f"{job_id[:-1]}{chr(ord(job_id[-1]) - 1)}~"


def _order_of(order: Item) -> tuple[str, str, dict[str, str]]:
    """The job's id, the model that was ordered, as `Job.ordered_model` has it, and the metadata."""
    request = order["request"]
    model = order["candidates"][0]["model"] if request["model"] == AUTO else request["model"]
    return _job_id(order), model, dict(request["metadata"])


def _listing(tenant_id: str) -> str:
    return f"JOBS_OF#{tenant_id}"


def _job_id(item: Item) -> str:
    return str(item["pk"]).removeprefix("JOB#")
