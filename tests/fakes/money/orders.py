"""Orders, their ends and their receipts, over any ledger."""

from datetime import UTC, datetime
from typing import Any

from fermata.domain.jobs.job import Job
from fermata.domain.money.movement import grant_of
from fermata.domain.money.wallet import empty_wallet
from fermata.domain.orders.idempotency import FirstAnswer, Receipt, receipt_for
from tests.fakes.clock import NOON
from tests.fakes.money.ledger import Ledger, assert_the_ledger_explains
from tests.songs import JOB_ID, claimed_attempt, queued_job, ready_job, stored_track

DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)
OTHER_JOB = "job_01JD0ABCDEFGHJKMNPQRSTVWXZ"


def funded(ledger: Ledger, amount: int) -> Ledger:
    ledger.wallets.open(empty_wallet("acme", NOON))
    if amount:
        ledger.wallets.grant(grant_of("acme", amount, "0000-grant", NOON))
    return ledger


def counters(ledger: Ledger) -> tuple[int, int, int, int]:
    wallet = ledger.wallet()
    assert_the_ledger_explains(wallet, ledger.entries("acme"))
    return wallet.granted, wallet.balance, wallet.held, wallet.spent


def kinds(ledger: Ledger) -> list[str]:
    return [entry.kind.value for entry in ledger.entries("acme")]


def created(ledger: Ledger, **changes: Any) -> Job:  # noqa: ANN401 - fields of a job
    job = queued_job(**changes)
    ledger.jobs.create(job)
    return job


def delivered(ledger: Ledger, **changes: Any) -> Job:  # noqa: ANN401 - fields of a job
    """A job just before its end, and its end."""
    job = created(ledger, **changes).claimed(claimed_attempt(), NOON)
    ledger.jobs.save(job)
    stored = job.with_outcome(ready_job().attempts[0], NOON)
    ledger.jobs.save(stored)
    with_tracks = stored.with_tracks((stored_track(),), NOON)
    ledger.jobs.save(with_tracks)
    return with_tracks.settled(None, NOON)


def receipt(key: str = "k", job_id: str = JOB_ID, now: datetime = NOON, tenant_id: str = "acme") -> Receipt:
    answer = FirstAnswer(headers={"Location": "/x"}, body='{"id": "é"}')
    return receipt_for(tenant_id, key, queued_job().request, job_id, answer, now)
