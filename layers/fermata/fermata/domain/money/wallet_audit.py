"""Compares a wallet's counters with the sums of its ledger. The ledger is authoritative."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from fermata.domain.money.movement import EntryKind, LedgerEntry
from fermata.domain.money.wallet import Wallet


@dataclass(frozen=True)
class LedgerSums:
    """The sums of a ledger's entries, in credits."""

    granted: int
    held: int
    spent: int

    @property
    def balance(self) -> int:
        """The unspent and unheld rest of the grants."""
        return self.granted - self.held - self.spent


@dataclass(frozen=True)
class Drift:
    """Differences in credits: each counter of a wallet minus its ledger's sum, and `unbalanced`, which is `granted`
    minus balance, held and spent.
    """

    granted: int = 0
    balance: int = 0
    held: int = 0
    spent: int = 0
    unbalanced: int = 0

    @property
    def credits(self) -> int:
        """The largest absolute difference; a credit in the wrong counter causes two differences but counts once."""
        return max(map(abs, (self.granted, self.balance, self.held, self.spent, self.unbalanced)))


def sums_of(entries: Iterable[LedgerEntry]) -> LedgerSums:
    """Add up a ledger, entry by entry."""
    total: Counter[EntryKind] = Counter()
    for entry in entries:
        total[entry.kind] += entry.credits
    held = total[EntryKind.HOLD] - total[EntryKind.SETTLE] - total[EntryKind.REFUND]
    return LedgerSums(granted=total[EntryKind.GRANT], held=held, spent=total[EntryKind.SETTLE])


def unbalanced(wallet: Wallet) -> int:
    """`granted` minus balance, held and spent, in credits; always 0 in a sound wallet, even while credits move."""
    return wallet.granted - wallet.balance - wallet.held - wallet.spent


def drift_of(wallet: Wallet, ledger: LedgerSums) -> Drift:
    """The differences of a wallet from its ledger, provided that nothing moved while both were read."""
    return Drift(
        granted=wallet.granted - ledger.granted,
        balance=wallet.balance - ledger.balance,
        held=wallet.held - ledger.held,
        spent=wallet.spent - ledger.spent,
        unbalanced=unbalanced(wallet),
    )
