"""Ledgers by time in DynamoDB, and the balances of days: `BALANCE#<tenant>` holds one item per `<day>`.

An entry lies at `LEDGER#<time>#<entry id>` in `WALLET#<tenant>`, so that a query reads entries in the order in which
they happened. Entries of versions before 0.10 lie at `LEDGER#<entry id>`, which sorts by the submission of their job:
those of the period are read whole and sorted here.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from heapq import merge
from operator import attrgetter
from typing import Final

from fermata.adapters.aws_errors import aws_errors
from fermata.adapters.dynamodb.items import Item, plain, typed
from fermata.adapters.dynamodb.reading import read, readable
from fermata.adapters.dynamodb.transactions import DynamoTransactions
from fermata.domain.money.movement import LedgerEntry
from fermata.domain.money.reports.ledger import DayBalance
from fermata.domain.orders.job_id import first_id_of

_ENTRY: Final = "LEDGER#"
_FIRST_BY_TIME: Final = "1"
"""Sorts after every older entry, whose ids begin with 0, and before every year."""
_BEFORE_FERMATA: Final = "2020"
_LONGEST_LIFE: Final = timedelta(days=100)
"""How much later than its job's submission an older entry may have happened."""


class DynamoLedgerStore:
    """`LedgerStore` over one table."""

    def __init__(self, transactions: DynamoTransactions) -> None:
        self._transactions = transactions

    def between(self, tenant_id: str, after: str, before: str) -> Iterator[LedgerEntry]:
        """The entries between two places, both exclusive, oldest first; raises `TransientError`, possibly after some
        entries.
        """
        if after >= before:
            return iter(())
        older = sorted(self._older(tenant_id, after), key=attrgetter("place"))
        found = merge(older, self._read(tenant_id, after or _FIRST_BY_TIME, before), key=attrgetter("place"))
        return (entry for entry in found if after < entry.place < before)

    def balance(self, tenant_id: str, day: date) -> DayBalance | None:
        """The latest stored balance of a day that is not after `day`, or None; raises `TransientError`."""
        with aws_errors("the balance could not be read"):
            answer = self._transactions.client.query(
                TableName=self._transactions.table,
                KeyConditionExpression="pk = :pk AND sk <= :day",
                ExpressionAttributeValues=typed({":pk": _balances(tenant_id), ":day": str(day)}),
                ConsistentRead=True,
                ScanIndexForward=False,
                Limit=1,
            )
        found = [plain(item) for item in answer["Items"]]
        return read(found[0], _balance) if found else None

    def keep_balance(self, tenant_id: str, balance: DayBalance) -> None:
        """Store the balance of a day; raises `TransientError`."""
        item = typed({"pk": _balances(tenant_id), "sk": str(balance.day), "credits": balance.credits})
        with aws_errors("the balance could not be stored"):
            self._transactions.client.put_item(TableName=self._transactions.table, Item=item)

    def _older(self, tenant_id: str, after: str) -> Iterator[LedgerEntry]:
        if after < _BEFORE_FERMATA:
            return self._read(tenant_id, "", _FIRST_BY_TIME)
        submitted = datetime.fromisoformat(after.partition("#")[0]) - _LONGEST_LIFE
        return self._read(tenant_id, first_id_of(submitted), _FIRST_BY_TIME)

    def _read(self, tenant_id: str, first: str, last: str) -> Iterator[LedgerEntry]:
        items = self._transactions.query_between(f"WALLET#{tenant_id}", f"{_ENTRY}{first}", f"{_ENTRY}{last}")
        return readable(items, LedgerEntry.model_validate)


def _balance(item: Item) -> DayBalance:
    return DayBalance(date.fromisoformat(item["sk"]), int(item["credits"]))


def _balances(tenant_id: str) -> str:
    return f"BALANCE#{tenant_id}"
