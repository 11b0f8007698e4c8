"""Assigns the refunds of a provider's usage export to attempts. Ambiguous refunds leave the charge unknown."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from fermata.domain.money.findings import Finding, Purchase
from fermata.domain.money.usage_export import UsageRow
from fermata.domain.providers.failures import ProviderCharged

_MICRO: Final = 1_000_000
_NO_ROWS: Final[Sequence[UsageRow]] = ()


@dataclass(frozen=True)
class Refunds:
    """Refunds by position of their purchase: `sure` belong to one, `unsure` to one of several, `foreign` to none."""

    sure: Mapping[int, Sequence[UsageRow]]
    unsure: Mapping[int, UsageRow]
    foreign: Sequence[UsageRow]

    def after(
        self, found: Mapping[int, Finding], purchases: Sequence[Purchase], rows: Sequence[UsageRow]
    ) -> list[Finding]:
        """The findings from charges, corrected by the refunds, in the order of the purchases."""
        findings = (self._finding(place, each, found.get(place), rows) for place, each in enumerate(purchases))
        return [finding for finding in findings if finding is not None]

    def _finding(
        self, place: int, purchase: Purchase, found: Finding | None, rows: Sequence[UsageRow]
    ) -> Finding | None:
        refunds = self.sure.get(place, _NO_ROWS)
        if refunds and not purchase.is_open:
            return _refunded(purchase, found, refunds, rows)
        if found and found.charged is ProviderCharged.YES and place in self.unsure:
            reason = f"line {self.unsure[place].line} refunds one of several orders, and it is unknown which"
            return Finding(purchase, ProviderCharged.UNKNOWN, reason)
        return found


def refunds_of(purchases: Sequence[Purchase], rows: Sequence[UsageRow], found: Mapping[int, Finding]) -> Refunds:
    """The refunds among the rows, assigned to purchases by their ids, otherwise by model and time."""
    charges = {row.upstream_id: row for row in rows if row.upstream_id is not None and not row.is_refund}
    sure: defaultdict[int, list[UsageRow]] = defaultdict(list)
    unsure: dict[int, UsageRow] = {}
    foreign: list[UsageRow] = []
    for row in rows:
        if not row.is_refund:
            continue
        places = _places(row, purchases, charges.get(row.upstream_id or ""), found)
        if len(places) == 1:
            sure[places[0]].append(row)
        elif places:
            unsure.update(dict.fromkeys(places, row))
        else:
            foreign.append(row)
    return Refunds(sure, unsure, foreign)


def _places(
    refund: UsageRow, purchases: Sequence[Purchase], charge: UsageRow | None, found: Mapping[int, Finding]
) -> list[int]:
    """The positions of the purchases to which a refund may belong."""
    if refund.upstream_id is None:
        return [place for place, each in enumerate(purchases) if _may_be_of(refund, each)]
    named = [place for place, each in enumerate(purchases) if each.attempt.upstream_id == refund.upstream_id]
    if named or charge is None:
        return named
    # The id belongs to an order whose answer was lost: use the purchase for which the charge of that id was counted.
    listed = [place for place, finding in found.items() if finding.line == charge.line]
    nameless = [place for place, each in enumerate(purchases) if each.attempt.upstream_id is None]
    return listed or [place for place in nameless if _may_be_of(refund, purchases[place])]


def _may_be_of(refund: UsageRow, purchase: Purchase) -> bool:
    if refund.model is not None and refund.model.casefold() not in purchase.models:
        return False
    return refund.created_at is None or purchase.began <= refund.created_at


def _refunded(
    purchase: Purchase, found: Finding | None, refunds: Sequence[UsageRow], rows: Sequence[UsageRow]
) -> Finding | None:
    attempt = purchase.attempt
    back = sum((row.refund_usd for row in refunds), Decimal(0))
    on_record = Decimal(attempt.refunded_micro_usd) / _MICRO
    if found is None and back <= on_record:
        return None
    cost = _cost_of(purchase, found, rows)
    whole = back >= cost or (found is not None and found.charged is ProviderCharged.NO)
    return Finding(
        purchase,
        ProviderCharged.NO if whole else ProviderCharged.YES,
        f"{back} USD refunded, which is all of it" if whole else f"{back} of {cost} USD refunded",
        refunds[0].line,
        int(back * _MICRO),
    )


def _cost_of(purchase: Purchase, found: Finding | None, rows: Sequence[UsageRow]) -> Decimal:
    """The provider's charge in USD, by its export, otherwise by our list of prices."""
    attempt = purchase.attempt
    for row in rows:
        is_its_own = row.upstream_id is not None and row.upstream_id == attempt.upstream_id
        counted = found is not None and found.line == row.line
        if row.cost_usd is not None and not row.is_refund and (is_its_own or counted):
            return row.cost_usd
    return Decimal(attempt.cost_micro_usd) / _MICRO
