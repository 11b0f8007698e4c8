"""Matches a provider's usage export with paid calls of unknown outcome. Calls that it does not settle stay unknown.

A row belongs to the attempt with its id. Without a recorded id, rows and attempts of one model are matched by time: if
attempts overlap, single rows cannot be assigned, but their number may still settle all of the attempts together.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from fermata.domain.money.findings import Finding, Purchase
from fermata.domain.money.refunds import refunds_of
from fermata.domain.money.usage_export import UsageRow
from fermata.domain.providers.failures import ProviderCharged
from fermata.errors import FieldError, InvalidRequestError

_ANY_MODEL: Final = frozenset({""})


def period_of(rows: Sequence[UsageRow]) -> tuple[datetime, datetime] | None:
    """The first and the last time in an export, or None without times."""
    moments = [row.created_at for row in rows if row.created_at is not None]
    return (min(moments), max(moments)) if moments else None


@dataclass
class _Group:
    """Purchases that overlap in time, and the charged rows of that time."""

    purchases: list[Purchase]
    began: datetime
    ended: datetime
    rows: list[UsageRow] = field(default_factory=list)


def reconcile(purchases: Sequence[Purchase], rows: Sequence[UsageRow]) -> list[Finding]:
    """A finding for each purchase of unknown charge, and for each with refunds beyond the recorded ones, in the given
    order. `purchases` are all of the provider's purchases in the export's period.

    Raises `InvalidRequestError` naming the charged rows (the first ten) that can belong to none of them.
    """
    found = _found(purchases, rows)
    return refunds_of(purchases, rows, found).after(found, purchases, rows)


def foreign_refunds(purchases: Sequence[Purchase], rows: Sequence[UsageRow]) -> list[int]:
    """The lines of the refunds that belong to none of the purchases, for instance to older orders."""
    return [row.line for row in refunds_of(purchases, rows, _found(purchases, rows)).foreign]


def _found(purchases: Sequence[Purchase], every_row: Sequence[UsageRow]) -> dict[int, Finding]:
    """The findings from rows without refunds for each purchase of unknown charge, by its position."""
    rows = [row for row in every_row if not row.is_refund]
    known = {each.attempt.upstream_id for each in purchases} - {None}
    named = {row.upstream_id: row for row in rows if row.upstream_id in known}
    # If every row has an id, no row without one can belong to an attempt with a known id.
    ids_everywhere = all(row.upstream_id is not None for row in rows)
    nameless = [
        each
        for each in purchases
        if each.attempt.upstream_id not in named and not (ids_everywhere and each.attempt.upstream_id is not None)
    ]
    left = [row for row in rows if row.charged and row.upstream_id not in named]
    counted = {id(each): finding for group in _groups(nameless, left) for each, finding in _counted(group, rows)}
    doubts = ((place, each) for place, each in enumerate(purchases) if each.attempt.has_unknown_outcome)
    return {place: _finding(each, named, counted, rows) for place, each in doubts}


def _finding(
    purchase: Purchase, named: Mapping[str | None, UsageRow], counted: Mapping[int, Finding], rows: Sequence[UsageRow]
) -> Finding:
    if purchase.is_open:
        return Finding(purchase, ProviderCharged.UNKNOWN, "its job is still open; run this again once it has ended")
    row = named.get(purchase.attempt.upstream_id)
    if row is not None:
        charged = ProviderCharged.YES if row.charged else ProviderCharged.NO
        return Finding(purchase, charged, "listed by its id", row.line)
    return counted.get(id(purchase)) or _not_listed(purchase, rows)


def _not_listed(purchase: Purchase, rows: Sequence[UsageRow]) -> Finding:
    period = period_of(rows)
    if period is None or purchase.began < period[0] or purchase.ended > period[1]:
        return Finding(purchase, ProviderCharged.UNKNOWN, "the export does not cover its time")
    return Finding(purchase, ProviderCharged.NO, "not listed, although the export covers its time")


def _groups(purchases: Sequence[Purchase], rows: Sequence[UsageRow]) -> list[_Group]:
    """The purchases grouped by model and time, with their rows. If any row lacks a model, only by time."""
    by_model = all(row.model is not None for row in rows)
    timelines: dict[str, list[_Group]] = {}
    for models in {each.models for each in purchases} if by_model else {_ANY_MODEL}:
        groups = list(_overlapping([each for each in purchases if models in (each.models, _ANY_MODEL)]))
        timelines.update(dict.fromkeys(models, groups))
    strangers = [
        row for row in rows if not _joins(row, timelines.get((row.model or "").casefold() if by_model else ""))
    ]
    if strangers:
        what = "belongs to no order that was made here; expected the export of this provider, without other users' rows"
        raise InvalidRequestError(
            [FieldError(f"/rows/{row.line}", f"line {row.line} {what}") for row in strangers[:10]]
        )
    return list({id(group): group for groups in timelines.values() for group in groups}.values())


def _overlapping(purchases: Sequence[Purchase]) -> Iterator[_Group]:
    group: _Group | None = None
    for each in sorted(purchases, key=lambda each: each.began):
        if group is None or each.began > group.ended:
            if group is not None:
                yield group
            group = _Group([], each.began, each.ended)
        group.purchases.append(each)
        group.ended = max(group.ended, each.ended)
    if group is not None:
        yield group


def _joins(row: UsageRow, groups: Sequence[_Group] | None) -> bool:
    """Add a row to the group of its time; False without such a group."""
    if not groups or row.created_at is None:
        return False
    place = bisect_right(groups, row.created_at, key=lambda group: group.began) - 1
    if place < 0 or row.created_at > groups[place].ended:
        return False
    groups[place].rows.append(row)
    return True


def _counted(group: _Group, rows: Sequence[UsageRow]) -> Iterator[tuple[Purchase, Finding]]:
    """Findings for a group's purchases of unknown charge, by the number of its rows: all charged, none, or unknown."""
    doubts = [each for each in group.purchases if each.attempt.has_unknown_outcome]
    made, listed = len(group.purchases), len(group.rows)
    for each in doubts:
        if any(other.is_open for other in group.purchases):
            yield each, Finding(each, ProviderCharged.UNKNOWN, "another order of that time is still open")
        elif listed == made:
            line = group.rows[0].line if listed == 1 else None
            yield each, Finding(each, ProviderCharged.YES, "listed by its model and time", line)
        elif listed == made - len(doubts):
            yield each, _not_listed(each, rows)
        else:
            reason = f"of {made} orders of that model and time {listed} are listed, and it is unknown which"
            yield each, Finding(each, ProviderCharged.UNKNOWN, reason)
