"""Wallets, usage, and the purchases that a provider may bill."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Protocol

from fermata.domain.tenants.plan_limits import DEFAULT_LIMITS, PlanLimits

if TYPE_CHECKING:
    from fermata.domain.money.key_counter import KeyCounter
    from fermata.domain.money.movement import LedgerEntry, Movement
    from fermata.domain.money.reports.day_pages import DayPage
    from fermata.domain.money.reports.ledger import DayBalance
    from fermata.domain.money.reports.usage_log import UsageLine
    from fermata.domain.money.usage import Usage
    from fermata.domain.money.wallet import Plan, Wallet


class Purchases(Protocol):
    """The attempts that a provider may bill, found by provider. A moment old: load each job before you act."""

    def with_unknown_outcome(self, provider: str) -> list[str]:
        """Ids of all jobs with attempts for which it is unknown whether they were charged; raises `TransientError`."""

    def with_known_outcome(self, provider: str, since: datetime, until: datetime, most: int) -> list[str]:
        """Ids of at most `most` jobs with attempts begun in a period that were charged or are still open; raises
        `TransientError`.
        """


class KeyCounters(Protocol):
    """What the orders of capped keys count, which `JobStore` moves."""

    def of(self, tenant_id: str, counter_ids: Collection[str]) -> Mapping[str, KeyCounter]:
        """The counters among these ids, read consistently; a key that counted nothing has none. Raises
        `TransientError`.
        """

    def find(self, tenant_id: str, counter_id: str) -> KeyCounter | None:
        """The counter of this id, read consistently, or None. Raises `TransientError`."""


class WalletStore(Protocol):
    """The tenants' credits outside of jobs."""

    def open(self, wallet: Wallet) -> None:
        """Store a new tenant's wallet; an existing wallet stays as it is."""

    def find(self, tenant_id: str) -> Wallet | None:
        """The wallet, read consistently, or None."""

    def ledger(self, tenant_id: str) -> Iterable[LedgerEntry]:
        """Every entry of a tenant's ledger, read consistently and in constant memory, in any order.
        Concurrent movements may be included in part. Raises `TransientError`, also between entries.
        """

    def grant(self, grant: Movement) -> None:
        """Add granted credits and their ledger entry in one transaction; idempotent by the entry."""

    def set_plan(
        self, tenant_id: str, plan: Plan, cap_credits: int | None, limits: PlanLimits = DEFAULT_LIMITS
    ) -> bool:
        """Put a wallet on another plan with these limits; False if the plan is prepaid and the balance is negative."""

    def suspend(self, tenant_id: str, now: datetime) -> bool:
        """Let an existing wallet's tenant order nothing from now on; False, and nothing changed, where that is so
        already.
        """

    def resume(self, tenant_id: str) -> bool:
        """End a suspension; False where there is none."""


class LedgerStore(Protocol):
    """The tenants' ledgers by time. Every method raises `TransientError`."""

    def between(self, tenant_id: str, after: str, before: str) -> Iterable[LedgerEntry]:
        """The entries between two places, both exclusive, in their order, read consistently and on demand; an empty
        `after` is the beginning. Raises `TransientError`, also between entries.
        """

    def balance(self, tenant_id: str, day: date) -> DayBalance | None:
        """The latest stored balance of a day that is not after `day`, or None."""

    def keep_balance(self, tenant_id: str, balance: DayBalance) -> None:
        """Store the balance of a day; it never changes once the day is over."""


class UsageStore(Protocol):
    """The tenants' usage, which `JobStore.settle` counts."""

    def find(self, page: DayPage) -> tuple[list[Usage], str | None]:
        """The entries of one page by day and model, oldest first, read consistently, and the place where the next page
        starts, None on the last page; raises `TransientError`.
        """

    def log(self, page: DayPage) -> tuple[list[UsageLine], str | None]:
        """The lines of one page, oldest end first, read as `find` reads."""

    def counters(self, tenant_id: str, first: date, last: date) -> Iterable[Usage]:
        """All entries of these days by day and model, read on demand; raises `TransientError`, also between them."""

    def lines(self, tenant_id: str, first: date, last: date) -> Iterable[UsageLine]:
        """All lines of these days, oldest end first, read as `counters` does."""
