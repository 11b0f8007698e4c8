"""Orders of a tenant that has credits, up to the limits of its plan."""

from datetime import UTC, datetime, timedelta
from typing import Any

from fermata.domain.jobs.job import Job
from fermata.domain.money.movement import grant_of
from fermata.domain.money.wallet import Plan, empty_wallet
from fermata.domain.orders.job_id import new_job_id
from fermata.domain.providers.failures import unknown_outcome
from fermata.domain.tenants.plan_limits import PlanLimits
from fermata.errors import (
    LimitReachedError,
)
from tests.fakes.clock import NOON
from tests.fakes.money.ledger import Ledger
from tests.songs import claimed_attempt, queued_job

DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)
GENEROUS = PlanLimits(submits_per_minute=1000, concurrent_jobs=1000)


def rich(ledger: Ledger, **limits: Any) -> Ledger:  # noqa: ANN401 - fields of the limits
    ledger.wallets.open(empty_wallet("acme", NOON))
    ledger.wallets.grant(grant_of("acme", 100_000, "0000-grant", NOON))
    allow(ledger, **limits)
    return ledger


def allow(ledger: Ledger, **limits: Any) -> None:  # noqa: ANN401 - fields of the limits
    ledger.wallets.set_plan("acme", Plan.PREPAID, None, GENEROUS.model_copy(update=limits))


def order(ledger: Ledger, number: int, now: datetime = NOON) -> Job:
    job = queued_job(id=new_job_id(NOON, bytes([number] * 10)), now=now)
    ledger.jobs.create(job)
    return job


def accepted(ledger: Ledger, numbers: range, now: datetime = NOON) -> int:
    """How many of these orders were taken; what refused the others is a limit."""
    taken = 0
    for number in numbers:
        try:
            order(ledger, number, now)
        except LimitReachedError:
            continue
        taken += 1
    return taken


def risky(number: int, now: datetime = NOON) -> Job:
    """An order with a deadline."""
    deadline = queued_job().request.model_copy(update={"finish_by": now + timedelta(minutes=10)})
    return queued_job(id=new_job_id(NOON, bytes([number] * 10)), now=now, request=deadline)


def lose(ledger: Ledger, job: Job, now: datetime = NOON) -> None:
    """The provider takes the order, and the song never comes."""
    claimed = job.claimed(claimed_attempt(), now)
    ledger.jobs.save(claimed)
    ledger.jobs.settle(claimed.expired(unknown_outcome("too late", code="finish_by_passed"), now))


def bought(ledger: Ledger, job: Job) -> Job:
    ledger.jobs.create(job)
    return job


def take_back(ledger: Ledger, job: Job, now: datetime = NOON) -> None:
    """The caller cancels an order."""
    ledger.jobs.settle(job.canceled(now))
