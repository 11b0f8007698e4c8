"""Wallets, usage, and the purchases that a provider may bill."""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from fermata.domain.money.usage import Usage, UsagePage
from fermata.domain.money.wallet import LedgerEntry, Movement, Plan, Wallet
from fermata.domain.tenants.plan_limits import DEFAULT_LIMITS, PlanLimits


class Purchases(Protocol):
    """The attempts that a provider may bill, found by provider. A moment old: load each job before you act."""

    def in_doubt(self, provider: str) -> list[str]:
        """Ids of all jobs with attempts of which nobody knows whether they were charged; raises `TransientError`."""

    def undoubted(self, provider: str, since: datetime, until: datetime, most: int) -> list[str]:
        """Ids of at most so many jobs with attempts, begun in a time, that were charged or are still open; raises
        `TransientError`.
        """


class WalletStore(Protocol):
    """The tenants' credits outside of jobs."""

    def open(self, wallet: Wallet) -> None:
        """Store a new tenant's wallet; one that is there stays as it is."""

    def find(self, tenant_id: str) -> Wallet | None:
        """The wallet, read consistently, or None."""

    def ledger(self, tenant_id: str) -> Iterable[LedgerEntry]:
        """Every entry of a tenant's ledger in the order of `entry_id`, read consistently, in memory that does not grow
        with the ledger. What moves meanwhile may be seen in part. Raises `TransientError`, also amid the entries.
        """

    def grant(self, grant: Movement) -> None:
        """Add granted credits and their ledger entry in one transaction. An entry that is there already is the same
        grant and changes nothing.
        """

    def set_plan(
        self, tenant_id: str, plan: Plan, cap_credits: int | None, limits: PlanLimits = DEFAULT_LIMITS
    ) -> bool:
        """Put a wallet on another plan with these limits; False where it is to be prepaid and its balance is
        negative.
        """


class UsageStore(Protocol):
    """What tenants used. `JobStore.settle` counts it."""

    def find(self, page: UsagePage) -> tuple[list[Usage], str | None]:
        """The entries of one page by day and model, oldest first, read consistently, and the place that the next page
        goes on from, None on the last one; raises `TransientError`.
        """
