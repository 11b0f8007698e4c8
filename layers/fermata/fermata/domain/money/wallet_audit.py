"""Whether a wallet says what its ledger says. The ledger is what happened; the counters only add it up."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from fermata.domain.money.wallet import EntryKind, LedgerEntry, Wallet


@dataclass(frozen=True)
class LedgerSums:
    """What the entries of a ledger come to, in credits."""

    granted: int
    held: int
    spent: int

    @property
    def balance(self) -> int:
        """What is left of the grants."""
        return self.granted - self.held - self.spent


@dataclass(frozen=True)
class Drift:
    """By how many credits each counter of a wallet is above what its ledger comes to (negative: below), and
    `unbalanced`, by how many `granted` is above balance, held and spent.
    """

    granted: int = 0
    balance: int = 0
    held: int = 0
    spent: int = 0
    unbalanced: int = 0

    @property
    def credits(self) -> int:
        """The largest difference, without its sign: a credit in the wrong counter makes two, and is one."""
        return max(map(abs, (self.granted, self.balance, self.held, self.spent, self.unbalanced)))


def sums_of(entries: Iterable[LedgerEntry]) -> LedgerSums:
    """Add up a ledger, entry by entry."""
    total: Counter[EntryKind] = Counter()
    for entry in entries:
        total[entry.kind] += entry.credits
    held = total[EntryKind.HOLD] - total[EntryKind.SETTLE] - total[EntryKind.REFUND]
    return LedgerSums(granted=total[EntryKind.GRANT], held=held, spent=total[EntryKind.SETTLE])


def unbalanced(wallet: Wallet) -> int:
    """By how many credits `granted` is above balance, held and spent; 0 at every moment, also while credits move."""
    return wallet.granted - wallet.balance - wallet.held - wallet.spent


def drift_of(wallet: Wallet, ledger: LedgerSums) -> Drift:
    """How a wallet differs from its ledger, given that nothing moved while both were read."""
    return Drift(
        granted=wallet.granted - ledger.granted,
        balance=wallet.balance - ledger.balance,
        held=wallet.held - ledger.held,
        spent=wallet.spent - ledger.spent,
        unbalanced=unbalanced(wallet),
    )
