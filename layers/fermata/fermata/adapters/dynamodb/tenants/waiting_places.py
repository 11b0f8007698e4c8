"""Leases of the held requests of all tenants: `WAITING#<i>` is place i."""

from collections.abc import Sequence
from datetime import datetime

from fermata.adapters.dynamodb.jobs.due_jobs import sortable
from fermata.adapters.dynamodb.slots import DynamoSlots, partitioned
from fermata.adapters.dynamodb.transactions import DynamoTransactions


class DynamoWaitingPlaces:
    """`WaitingPlaces` over one table."""

    def __init__(self, transactions: DynamoTransactions) -> None:
        self._transactions = transactions
        self._all = DynamoSlots(transactions.client, transactions.table, partitioned("WAITING"))

    def take(self, among: Sequence[int], holder: str, until: datetime, now: datetime) -> int | None:
        """Lease one of these places until `until`; its number, or None where all are taken. The places are read first,
        so that a tenant at its limit writes nothing.
        """
        numbers = {self._all.key_of(number): number for number in among}
        items = self._transactions.get_all(list(numbers))
        taken = {numbers[str(item["pk"]), str(item["sk"])] for item in items if str(item["until"]) > sortable(now)}
        return self._all.take((number for number in among if number not in taken), holder, until, now)

    def give_back(self, place: int, holder: str) -> None:
        """Free a place, unless another request has it by now."""
        self._all.give_back(place, holder)
