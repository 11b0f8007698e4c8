"""A fake of the wallets."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from fermata.domain.money.key_counter import KeyCounter, empty_counter
from fermata.domain.money.movement import LedgerEntry, Movement
from fermata.domain.money.wallet import Plan, Wallet, empty_wallet
from fermata.domain.tenants.plan_limits import (
    DEFAULT_LIMITS,
    PlanLimits,
)
from fermata.errors import (
    ConfigurationError,
    StaleRecordError,
)
from tests.fakes.clock import NOON
from tests.fakes.tenants.call_counts import InMemoryCallCounts


class InMemoryWalletStore:
    """Wallets and their ledgers, oldest entry first."""

    def __init__(self, *wallets: Wallet) -> None:
        self._wallets = {wallet.tenant_id: wallet for wallet in wallets}
        self._ledgers: dict[str, dict[str, LedgerEntry]] = {}
        self.key_counters: dict[tuple[str, str], KeyCounter] = {}
        self.calls = InMemoryCallCounts()

    def open(self, wallet: Wallet) -> None:
        self._wallets.setdefault(wallet.tenant_id, wallet)

    def find(self, tenant_id: str) -> Wallet | None:
        return self._wallets.get(tenant_id)

    def grant(self, grant: Movement) -> None:
        ledger = self._ledgers.get(grant.tenant_id, {})
        if not any(entry.entry_id in ledger for entry in grant.entries):
            self.move(grant)

    def set_plan(
        self, tenant_id: str, plan: Plan, cap_credits: int | None, limits: PlanLimits = DEFAULT_LIMITS
    ) -> bool:
        wallet = self._wallets[tenant_id]
        if plan is Plan.PREPAID and wallet.balance < 0:
            return False
        self._wallets[tenant_id] = wallet.on_plan(plan, cap_credits, limits)
        self.calls.limits[tenant_id] = limits
        return True

    def suspend(self, tenant_id: str, now: datetime) -> bool:
        wallet = self._wallets[tenant_id]
        if wallet.suspended_at is not None:
            return False
        self._wallets[tenant_id] = wallet.model_copy(update={"suspended_at": now})
        return True

    def resume(self, tenant_id: str) -> bool:
        wallet = self._wallets[tenant_id]
        self._wallets[tenant_id] = wallet.model_copy(update={"suspended_at": None})
        return wallet.suspended_at is not None

    def move(self, movement: Movement) -> Wallet:
        if movement.tenant_id not in self._wallets:
            raise ConfigurationError(f"tenant {movement.tenant_id} has no wallet; create the tenant once more")
        moved = self._wallets[movement.tenant_id].after(movement)
        counters = self._counted_on_key(movement)
        ledger = self._ledgers.setdefault(movement.tenant_id, {})
        if any(entry.entry_id in ledger for entry in movement.entries):
            raise StaleRecordError("the ledger has such an entry already")
        self._wallets[movement.tenant_id] = moved
        self.key_counters.update(counters)
        ledger.update({entry.entry_id: entry for entry in movement.entries})
        return moved

    def key_counter(self, tenant_id: str, key: str) -> KeyCounter | None:
        return self.key_counters.get((tenant_id, key))

    def _counted_on_key(self, movement: Movement) -> dict[tuple[str, str], KeyCounter]:
        cap = movement.key_cap
        if cap is None:
            return {}
        place = movement.tenant_id, cap.counter_id
        return {place: self.key_counters.get(place, empty_counter(movement.at)).after(movement, cap)}

    def add_notes(self, tenant_id: str, notes: Sequence[LedgerEntry]) -> None:
        ledger = self._ledgers.setdefault(tenant_id, {})
        if any(note.entry_id in ledger for note in notes):
            raise StaleRecordError("the ledger has such a note already")
        ledger.update({note.entry_id: note for note in notes})

    def ledger(self, tenant_id: str) -> list[LedgerEntry]:
        entries = self._ledgers.get(tenant_id, {})
        return sorted(entries.values(), key=lambda entry: entry.place)


class InMemoryKeyCounters:
    """What capped keys count in these wallets."""

    def __init__(self, wallets: InMemoryWalletStore) -> None:
        self._wallets = wallets

    def of(self, tenant_id: str, counter_ids: Collection[str]) -> dict[str, KeyCounter]:
        found = {each: self._wallets.key_counter(tenant_id, each) for each in counter_ids}
        return {each: counter for each, counter in found.items() if counter is not None}

    def find(self, tenant_id: str, counter_id: str) -> KeyCounter | None:
        return self._wallets.key_counter(tenant_id, counter_id)


FUNDED_WALLETS: Final = tuple(
    empty_wallet(tenant_id, NOON).model_copy(update={"granted": 1_000_000, "balance": 1_000_000})
    for tenant_id in ("acme", "other")
)
"""Wallets of the tenants that tests order for, good for every order."""
