"""A fake of the ledgers by time."""

from collections.abc import Iterator
from datetime import date

from fermata.domain.money.movement import LedgerEntry
from fermata.domain.money.reports.ledger import DayBalance
from tests.fakes.money.wallet_store import InMemoryWalletStore


class InMemoryLedgerStore:
    """Reads the ledgers of a wallet store, and keeps balances of its own."""

    def __init__(self, wallets: InMemoryWalletStore) -> None:
        self._wallets = wallets
        self.balances: dict[tuple[str, date], int] = {}

    def between(self, tenant_id: str, after: str, before: str) -> Iterator[LedgerEntry]:
        return (entry for entry in self._wallets.ledger(tenant_id) if after < entry.place < before)

    def balance(self, tenant_id: str, day: date) -> DayBalance | None:
        stored = [kept for of, kept in self.balances if of == tenant_id and kept <= day]
        return DayBalance(max(stored), self.balances[tenant_id, max(stored)]) if stored else None

    def keep_balance(self, tenant_id: str, balance: DayBalance) -> None:
        self.balances[tenant_id, balance.day] = balance.credits
