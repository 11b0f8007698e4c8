"""Files whose lines are being submitted, in DynamoDB: `BATCHES#<tenant>` holds places under `PLACE#<i>`, each leased by
a run, and a run's consecutive refusals under `RUN#<run>`.
"""

from datetime import datetime
from typing import Final

from fermata.adapters.aws_errors import aws_errors
from fermata.adapters.dynamodb.items import Item, typed
from fermata.adapters.dynamodb.jobs.due_jobs import sortable
from fermata.adapters.dynamodb.reading import read, readable
from fermata.adapters.dynamodb.slots import DynamoSlots
from fermata.adapters.dynamodb.transactions import DynamoTransactions
from fermata.domain.triggers.batch import MOST_OPEN_BATCHES, RUNS_FOR
from fermata.domain.triggers.refusals import RefusedInARow

_PLACE: Final = "PLACE#"
_RUN: Final = "RUN#"
_NUMBERS: Final = range(MOST_OPEN_BATCHES)


class DynamoOpenBatches:
    """`OpenBatches` over one table."""

    def __init__(self, transactions: DynamoTransactions) -> None:
        self._transactions = transactions
        self._client = transactions.client
        self._table = transactions.table

    def take(self, tenant_id: str, run: str, until: datetime, now: datetime) -> bool:
        """Lease one of the tenant's places to the run until `until`, or extend the lease it has; False where all are
        taken.
        """
        places = readable(self._transactions.query(_partition(tenant_id), _PLACE), _place_of)
        taken = {place: holder for place, holder, held_until in places if held_until > sortable(now)}
        own = [number for number in _NUMBERS if taken.get(_place(number)) == run]
        free = [number for number in _NUMBERS if _place(number) not in taken]
        # The read may be stale, so a free place may by now belong to this run.
        return self._places_of(tenant_id).take_or_keep((*own, *free), run, until, now) is not None

    def give_back(self, tenant_id: str, run: str) -> None:
        """Free the run's place and forget its refusals."""
        places = self._places_of(tenant_id)
        for number in _NUMBERS:
            places.give_back(number, run)
        self.note_job(tenant_id, run)

    def refused_in_a_row(self, tenant_id: str, run: str) -> RefusedInARow:
        """The refusals of the run's lines since one became a job."""
        item = self._transactions.get(_partition(tenant_id), _RUN + run)
        return RefusedInARow() if item is None else read(item, RefusedInARow.model_validate)

    def note_refusal(self, tenant_id: str, run: str, now: datetime, *, comes_again: bool) -> None:
        """Count a refusal; `comes_again` says that the line will be submitted again."""
        with aws_errors("a refusal could not be counted"):
            self._client.update_item(
                TableName=self._table,
                Key=typed({"pk": _partition(tenant_id), "sk": _RUN + run}),
                UpdateExpression="SET #since = if_not_exists(#since, :now), #ttl = :ttl ADD #counter :one",
                ExpressionAttributeNames={
                    "#since": "since",
                    "#ttl": "ttl",
                    "#counter": "waits" if comes_again else "refused",
                },
                ExpressionAttributeValues=typed(
                    {":now": now.isoformat(), ":one": 1, ":ttl": int((now + RUNS_FOR).timestamp())}
                ),
            )

    def note_job(self, tenant_id: str, run: str) -> None:
        """Forget the refusals of a run, because one of its lines became a job."""
        with aws_errors("refusals could not be forgotten"):
            self._client.delete_item(TableName=self._table, Key=typed({"pk": _partition(tenant_id), "sk": _RUN + run}))

    def _places_of(self, tenant_id: str) -> DynamoSlots:
        partition = _partition(tenant_id)
        return DynamoSlots(self._client, self._table, lambda number: (partition, _place(number)))


def _place_of(item: Item) -> tuple[str, str, str]:
    """A place, the run that holds it, and until when."""
    return str(item["sk"]), str(item["holder"]), str(item["until"])


def _place(number: int) -> str:
    return f"{_PLACE}{number}"


def _partition(tenant_id: str) -> str:
    return f"BATCHES#{tenant_id}"
