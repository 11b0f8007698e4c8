"""Attempts that a provider may have billed, and findings from its usage export."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from fermata.domain.jobs.attempt import Attempt, AttemptState
from fermata.domain.jobs.job import Job
from fermata.domain.providers.failures import ProviderCharged

CLOCKS_DIFFER_BY: Final = timedelta(minutes=2)
"""Largest difference between the provider's clock and ours."""


@dataclass(frozen=True)
class Purchase:
    """One attempt that may be billed, with the names of its model. `is_open` while its job may still change."""

    job_id: str
    attempt: Attempt
    models: frozenset[str]
    is_open: bool

    @property
    def began(self) -> datetime:
        """The earliest time that the provider may have recorded for it."""
        return self.attempt.started_at - CLOCKS_DIFFER_BY

    @property
    def ended(self) -> datetime:
        """The latest time that the provider may have recorded for it."""
        until = self.attempt.claim_until
        return min(self.attempt.finished_at or until, until) + CLOCKS_DIFFER_BY


@dataclass(frozen=True)
class Finding:
    """The export's finding on one attempt: charged, not charged or unknown, with the `reason`, the export's line and
    the refunded amount in millionths of a USD.
    """

    purchase: Purchase
    charged: ProviderCharged
    reason: str
    line: int | None = None
    refunded_micro_usd: int = 0


def purchases_of(job: Job) -> Iterator[Purchase]:
    """The attempts of a job that a bill may list; a carried-over attempt belongs to another job."""
    for attempt in job.attempts:
        if attempt.may_be_billed:
            models = {attempt.model.casefold(), job.candidates[attempt.candidate].model.casefold()}
            open_still = not job.status.is_terminal or attempt.state is AttemptState.CLAIMED
            yield Purchase(job.id, attempt, frozenset(models), open_still)
