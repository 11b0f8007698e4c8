"""What a provider may have billed, and what its usage export says about that."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from fermata.domain.jobs.attempt import Attempt, AttemptState
from fermata.domain.jobs.job import Job
from fermata.domain.providers.failures import ProviderCharged

CLOCKS_DIFFER_BY: Final = timedelta(minutes=2)
"""How far the provider's clock may be from ours."""


@dataclass(frozen=True)
class Purchase:
    """One attempt that was not surely unpaid, with the names of its model. `is_open` while its job may still move."""

    job_id: str
    attempt: Attempt
    models: frozenset[str]
    is_open: bool

    @property
    def began(self) -> datetime:
        """The earliest moment that the provider may have noted for it."""
        return self.attempt.started_at - CLOCKS_DIFFER_BY

    @property
    def ended(self) -> datetime:
        """The latest moment that the provider may have noted for it."""
        until = self.attempt.claim_until
        return min(self.attempt.finished_at or until, until) + CLOCKS_DIFFER_BY


@dataclass(frozen=True)
class Finding:
    """What the export says about one attempt: charged, not charged, or nothing for the `reason` given; and how much of
    what was charged came back, in millionths of a USD.
    """

    purchase: Purchase
    charged: ProviderCharged
    reason: str
    line: int | None = None
    refunded_micro_usd: int = 0


def purchases_of(job: Job) -> Iterator[Purchase]:
    """The attempts of a job that a bill may list; one that was carried over was bought for another job."""
    for attempt in job.attempts:
        if attempt.may_be_billed:
            models = {attempt.model.casefold(), job.candidates[attempt.candidate].model.casefold()}
            open_still = not job.status.is_terminal or attempt.state is AttemptState.CLAIMED
            yield Purchase(job.id, attempt, frozenset(models), open_still)
