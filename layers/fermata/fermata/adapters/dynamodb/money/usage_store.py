"""Usage in DynamoDB: `USAGE#<tenant>#COUNTERS` holds counters in `<day>#<model>#<shard>`, which only grow, and
`USAGE#<tenant>` the line of each ended job in `LOG#<end>#<job id>`.

A job counts in the shard of its id, so that the ends of one tenant's jobs do not meet in one item; readers add the
shards up. Earlier releases counted in `USAGE#<tenant>`/`<day>#<model>`, which is added, too.
"""

from collections.abc import Iterator
from datetime import date
from functools import partial, reduce
from heapq import merge
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

from fermata.adapters.aws_errors import aws_errors
from fermata.adapters.dynamodb.items import Item, plain, typed
from fermata.adapters.dynamodb.reading import readable
from fermata.adapters.dynamodb.transactions import DynamoTransactions, Write
from fermata.domain.jobs.job import Job
from fermata.domain.money.reports.day_pages import DayPage
from fermata.domain.money.reports.usage_log import UsageLine, line_of
from fermata.domain.money.usage import COUNTERS, Usage
from fermata.domain.providers.budget_shares import SHARDS, shard_of

_LINE: Final = "LOG#"


def counted(line: UsageLine, transactions: DynamoTransactions) -> dict[str, Write]:
    """The part of a transaction that counts a job's end."""
    usage, shard = line.usage, shard_of(line.job_id)
    values = {f":{name}": getattr(usage, name) for name in ("unit", *COUNTERS)}
    expression = "SET #unit = :unit ADD " + " , ".join(f"#{name} :{name}" for name in COUNTERS)
    place = (_counters(usage.tenant_id), f"{usage.place}#{shard}")
    return {"usage": transactions.update(*place, expression, None, values)}


def logged(line: UsageLine, transactions: DynamoTransactions) -> dict[str, Write]:
    """The part of a transaction that adds a job's end to the log."""
    # An update and not a put: whoever may count usage has this right.
    return {"line": _set_line(line, line.model_dump(mode="json", exclude={"tenant_id"}), transactions)}


def relogged(job: Job, transactions: DynamoTransactions, *names: str) -> dict[str, Write]:
    """The part of a transaction that changes these fields of a job's line; empty if the job is open, or ended before
    there was a log. Raises `TransientError`.
    """
    if job.finished_at is None:
        return {}
    line = line_of(job)
    if transactions.get(_partition(job.tenant_id), f"{_LINE}{line.place}") is None:
        return {}
    changed = line if job.deleted_at is None else line.model_copy(update={"metadata": None})
    return {"line": _set_line(changed, changed.model_dump(mode="json", include={*names}), transactions)}


def _set_line(line: UsageLine, fields: Item, transactions: DynamoTransactions) -> Write:
    values = {f":{name}": value for name, value in fields.items()}
    expression = "SET " + " , ".join(f"#{name} = :{name}" for name in fields)
    return transactions.update(_partition(line.tenant_id), f"{_LINE}{line.place}", expression, None, values)


class DynamoUsageStore:
    """`UsageStore` over one table."""

    def __init__(self, transactions: DynamoTransactions) -> None:
        self._transactions = transactions

    def find(self, page: DayPage) -> tuple[list[Usage], str | None]:
        """The entries of one page by day and model, and the start of the next page, or None. Raises
        `TransientError`.
        """
        found: list[Usage] = []
        of, at_once = page.of, (page.limit + 1) * SHARDS
        for usage in self._counted(of.tenant_id, page.after or f"{of.first}#", of.last, at_once):
            if usage.place == page.after:
                continue
            if len(found) == page.limit:
                return found, found[-1].place
            found.append(usage)
        return found, None

    def log(self, page: DayPage) -> tuple[list[UsageLine], str | None]:
        """The lines of one page, oldest end first, and the start of the next page, or None. Raises `TransientError`."""
        of, after = page.of, None if page.after is None else f"{_LINE}{page.after}"
        items, last = self._page(page, f"{_LINE}{of.first}", f"{_LINE}{of.last}U", after)
        lines = [*readable(items, partial(_line, of.tenant_id))]
        return lines, None if last is None else last.removeprefix(_LINE)

    def counters(self, tenant_id: str, first: date, last: date) -> Iterator[Usage]:
        """All entries of these days by day and model; raises `TransientError`, possibly after some."""
        return self._counted(tenant_id, f"{first}#", last)

    def _counted(self, tenant_id: str, begin: str, last: date, at_once: int | None = None) -> Iterator[Usage]:
        """The entries by day and model from a place on, in its order, each the sum of its shards."""
        # `$` follows `#` in ASCII, so `<day>$` sorts after every model of the last day, and no model's name between
        # another one's and its shards.
        query, end = self._transactions.query_between, f"{last}$"
        of_both = (query(of, begin, end, at_once) for of in (_partition(tenant_id), _counters(tenant_id)))
        shards = merge(*(readable(items, partial(_usage, tenant_id)) for items in of_both), key=attrgetter("place"))
        for _, same in groupby(shards, attrgetter("place")):
            yield reduce(Usage.plus, same)

    def lines(self, tenant_id: str, first: date, last: date) -> Iterator[UsageLine]:
        """All lines of these days; raises `TransientError`, possibly after some."""
        # `U` follows the `T` between a line's day and its time.
        items = self._transactions.query_between(_partition(tenant_id), f"{_LINE}{first}", f"{_LINE}{last}U")
        return readable(items, partial(_line, tenant_id))

    def _page(self, page: DayPage, first: str, last: str, after: str | None) -> tuple[list[Item], str | None]:
        partition = _partition(page.of.tenant_id)
        start: dict[str, Any] = {}
        if after is not None:
            start = {"ExclusiveStartKey": typed({"pk": partition, "sk": after})}
        with aws_errors("the usage could not be read"):
            answer = self._transactions.client.query(
                TableName=self._transactions.table,
                KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
                ExpressionAttributeValues=typed({":pk": partition, ":first": first, ":last": last}),
                ConsistentRead=True,
                Limit=page.limit,
                **start,
            )
        goes_on = answer.get("LastEvaluatedKey")
        return [*map(plain, answer["Items"])], str(plain(goes_on)["sk"]) if goes_on else None


def _usage(tenant_id: str, item: Item) -> Usage:
    day, model = str(item["sk"]).split("#")[:2]
    return Usage.model_validate({**item, "tenant_id": tenant_id, "day": day, "model": model})


def _line(tenant_id: str, item: Item) -> UsageLine:
    return UsageLine.model_validate({**item, "tenant_id": tenant_id})


def _partition(tenant_id: str) -> str:
    return f"USAGE#{tenant_id}"


def _counters(tenant_id: str) -> str:
    return f"USAGE#{tenant_id}#COUNTERS"
