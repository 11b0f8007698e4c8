"""A claim: the attempt that a run records before its paid call, so that no other run repeats the call."""

from datetime import datetime

from fermata.domain.jobs.attempt import Attempt, AwaitedCallback
from fermata.domain.jobs.job import Job
from fermata.domain.providers.calls import Refused
from fermata.domain.providers.failures import unknown_outcome


def next_attempt(
    job: Job,
    key_alias: str,
    claim_id: str,
    started_at: datetime,
    claim_until: datetime,
    callback: AwaitedCallback | None = None,
) -> Attempt:
    """The next attempt of a job, for the model whose turn it is."""
    candidate = job.candidate
    return Attempt(
        number=len(job.attempts) + 1,
        candidate=job.turn,
        provider=candidate.provider,
        dialect=candidate.dialect,
        model=candidate.upstream_model,
        key_alias=key_alias,
        claim_id=claim_id,
        claim_until=claim_until,
        started_at=started_at,
        cost_micro_usd=candidate.cost_micro_usd,
        callback=callback,
    )


def closed_as_unknown(attempt: Attempt, now: datetime) -> Attempt:
    """An attempt whose claim expired without a recorded answer, failed with an unknown outcome."""
    message = "the run that sent the paid request ended without storing an answer; it may have been billed"
    return attempt.after(Refused(unknown_outcome(message, code="claim_ran_out")), now)
