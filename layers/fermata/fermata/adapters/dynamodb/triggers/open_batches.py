"""The files whose lines are being submitted, in DynamoDB: `BATCHES#<tenant>` holds places under `PLACE#<i>`, each with
the run that has it, and under `RUN#<run>` what a run was refused in a row.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from fermata.adapters.aws_errors import CONDITION_FAILED, aws_errors
from fermata.adapters.dynamodb.items import typed
from fermata.adapters.dynamodb.jobs.due_jobs import sortable
from fermata.adapters.dynamodb.transactions import DynamoTransactions
from fermata.domain.triggers.batch import MOST_OPEN_BATCHES, RUNS_FOR
from fermata.domain.triggers.refusals import RefusedInARow

_PLACE: Final = "PLACE#"
_RUN: Final = "RUN#"


class DynamoOpenBatches:
    """`OpenBatches` over one table."""

    def __init__(self, transactions: DynamoTransactions) -> None:
        self._transactions = transactions
        self._client = transactions.client
        self._table = transactions.table

    def take(self, tenant_id: str, run: str, until: datetime, now: datetime) -> bool:
        """Whether the run has one of its tenant's places, now until a moment; the one that it had stays its own."""
        partition = _partition(tenant_id)
        taken = {
            str(item["sk"]): str(item["holder"])
            for item in self._transactions.query(partition, _PLACE)
            if str(item["until"]) > sortable(now)
        }
        own = [place for place, holder in taken.items() if holder == run]
        free = [place for place in _places() if place not in taken]
        return any(self._take(partition, place, run, until, now) for place in (*own, *free))

    def give_back(self, tenant_id: str, run: str) -> None:
        """Free the run's place, and forget what it was refused."""
        for place in _places():
            with aws_errors("a place of a file could not be freed", CONDITION_FAILED):
                self._client.delete_item(
                    TableName=self._table,
                    Key=typed({"pk": _partition(tenant_id), "sk": place}),
                    ConditionExpression="holder = :holder",
                    ExpressionAttributeValues=typed({":holder": run}),
                )
        self.note_job(tenant_id, run)

    def refused_in_a_row(self, tenant_id: str, run: str) -> RefusedInARow:
        """What the run's lines were refused since one became a job."""
        item = self._transactions.get(_partition(tenant_id), _RUN + run)
        return RefusedInARow() if item is None else RefusedInARow.model_validate(item)

    def note_refusal(self, tenant_id: str, run: str, now: datetime, *, comes_again: bool) -> None:
        """Count one more refusal."""
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
        """Forget the refusals of a run: one of its lines became a job."""
        with aws_errors("refusals could not be forgotten"):
            self._client.delete_item(TableName=self._table, Key=typed({"pk": _partition(tenant_id), "sk": _RUN + run}))

    def _take(self, partition: str, place: str, run: str, until: datetime, now: datetime) -> bool:
        with aws_errors("a place of a file could not be taken", CONDITION_FAILED):
            self._client.put_item(
                TableName=self._table,
                Item=typed({"pk": partition, "sk": place, "holder": run, "until": sortable(until)}),
                ConditionExpression="attribute_not_exists(pk) OR #until <= :now OR holder = :holder",
                ExpressionAttributeNames={"#until": "until"},
                ExpressionAttributeValues=typed({":now": sortable(now), ":holder": run}),
            )
            return True
        return False


def _places() -> Iterator[str]:
    return (f"{_PLACE}{number}" for number in range(MOST_OPEN_BATCHES))


def _partition(tenant_id: str) -> str:
    return f"BATCHES#{tenant_id}"
