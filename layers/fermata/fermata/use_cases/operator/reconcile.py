"""Find out from a provider's usage export whether calls of unknown outcome were charged. Tenants' credits do not
change: they were settled when the jobs ended.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

from pydantic import JsonValue

from fermata.domain.jobs.job import Job
from fermata.domain.money.findings import Finding, Purchase, purchases_of
from fermata.domain.money.movement import note_on
from fermata.domain.money.reconciliation import foreign_refunds, period_of, reconcile
from fermata.domain.money.usage_export import UsageRow
from fermata.domain.providers.failures import ProviderCharged
from fermata.domain.web.formats import rfc3339
from fermata.errors import FieldError, InvalidRequestError, TransientError
from fermata.ports.jobs import JobStore
from fermata.ports.money import Purchases
from fermata.use_cases.stale import READS, retry_on_stale

MAX_PURCHASES: Final = 5_000
_LONGEST_ORDER: Final = timedelta(hours=6)
"""The state machine's timeout."""
_REFUNDED_WITHIN: Final = timedelta(days=31)
"""The longest time between an order and a refund that is matched to it: the span of a monthly export."""


@dataclass(frozen=True)
class ReconcilePorts:
    """Ports of `reconcile_usage`."""

    jobs: JobStore
    purchases: Purchases


def reconcile_usage(
    provider: str, rows: Sequence[UsageRow], ports: ReconcilePorts, now: datetime, *, apply: bool
) -> dict[str, JsonValue]:
    """The findings of the rows about a provider's attempts of unknown outcome and about refunds that are not on record.
    With `apply` they are recorded, with a note in the tenant's ledger. Running it again changes nothing.

    Raises `InvalidRequestError` before any write, and `TransientError`, after which it may run again.
    """
    purchases = _purchases(provider, rows, ports, now)
    findings = reconcile(purchases, rows)
    foreign: list[JsonValue] = [*foreign_refunds(purchases, rows)]
    decided = [each for each in findings if each.charged is not ProviderCharged.UNKNOWN]
    if apply:
        for job_id, of_one_job in groupby(sorted(decided, key=_job_id), key=_job_id):
            _record(job_id, list(of_one_job), ports.jobs, now)
    return {
        "provider": provider,
        "applied": apply,
        "attempts": [_view(each) for each in findings],
        "decided": len(decided),
        "left_unknown": len(findings) - len(decided),
        **({"refunds_of_other_orders": foreign} if foreign else {}),
    }


def _purchases(provider: str, rows: Sequence[UsageRow], ports: ReconcilePorts, now: datetime) -> list[Purchase]:
    """Every purchase that the rows may mention: all of unknown outcome, and the others of the export's period."""
    in_doubt = set(ports.purchases.with_unknown_outcome(provider))
    known = _loaded(in_doubt, provider, ports.jobs)
    # Rows without a time may mention any attempt of unknown outcome, and any order since the first of them.
    first, last = period_of(rows) or (min((each.began for each in known), default=now), now)
    since = first - (_REFUNDED_WITHIN if any(row.is_refund for row in rows) else _LONGEST_ORDER)
    others = ports.purchases.with_known_outcome(provider, since, last + _LONGEST_ORDER, MAX_PURCHASES + 1)
    if len(others) > MAX_PURCHASES and since < first - _LONGEST_ORDER:
        # Refunds of older orders are then left out, so that the orders of the period itself are still matched.
        since = first - _LONGEST_ORDER
        others = ports.purchases.with_known_outcome(provider, since, last + _LONGEST_ORDER, MAX_PURCHASES + 1)
    if len(others) > MAX_PURCHASES:
        message = f"mentions more than {MAX_PURCHASES} jobs; split the export by time"
        raise InvalidRequestError([FieldError("/rows", message)])
    return [*known, *_loaded(set(others) - in_doubt, provider, ports.jobs)]


def _loaded(job_ids: Collection[str], provider: str, jobs: JobStore) -> list[Purchase]:
    found = (jobs.load(job_id) for job_id in sorted(job_ids))
    purchases = (each for job in found if job is not None for each in purchases_of(job))
    return [each for each in purchases if each.attempt.provider == provider]


def _record(job_id: str, findings: Sequence[Finding], jobs: JobStore, now: datetime) -> None:
    bills = {each.purchase.attempt.number: each for each in findings}

    def put(job: Job | None) -> None:
        still = {} if job is None else _new_findings(job, bills)
        if job is None or not still:
            return
        charged = {number: each.charged for number, each in still.items()}
        refunded = {number: each.refunded_micro_usd for number, each in still.items()}
        notes = tuple(note_on(job, number, _note(each), now, each.refunded_micro_usd) for number, each in still.items())
        jobs.reconcile(job.with_bills(charged, now, refunded), notes)

    given_up = TransientError(f"{job_id} changed {READS} times while its bill was put on record; run the command again")
    retry_on_stale(put, lambda: jobs.load(job_id), given_up=given_up)


def _new_findings(job: Job, bills: Mapping[int, Finding]) -> dict[int, Finding]:
    named = ((each, bills[each.number]) for each in job.attempts if each.number in bills)
    return {
        each.number: bill
        for each, bill in named
        if each.has_unknown_outcome or bill.refunded_micro_usd > each.refunded_micro_usd
    }


def _job_id(finding: Finding) -> str:
    return finding.purchase.job_id


def _note(finding: Finding) -> str:
    word = "charged" if finding.charged is ProviderCharged.YES else "did not charge"
    line = "" if finding.line is None else f", line {finding.line}"
    return f"{finding.purchase.attempt.provider} {word} (usage export: {finding.reason}{line})"


def _view(finding: Finding) -> JsonValue:
    attempt = finding.purchase.attempt
    return {
        "job_id": finding.purchase.job_id,
        "attempt": attempt.number,
        "model": attempt.model,
        "started_at": rfc3339(attempt.started_at),
        "upstream_id": attempt.upstream_id,
        "late": attempt.late,
        "provider_charged": finding.charged.value,
        "reason": finding.reason,
        "line": finding.line,
        **({"refunded_usd": finding.refunded_micro_usd / 1_000_000} if finding.refunded_micro_usd else {}),
    }
