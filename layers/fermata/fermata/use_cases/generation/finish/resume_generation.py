"""Return the next step on record. This module has no access to a provider, so it can never order anything."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from fermata.domain.catalogue.models import Catalogue
from fermata.domain.jobs.attempt import Attempt, AttemptState
from fermata.domain.jobs.claim import closed_as_unknown
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.next_step import NextStep, next_step_of
from fermata.domain.providers.calls import Provider
from fermata.errors import StaleRecordError
from fermata.ports.audio import AnswerStore
from fermata.ports.jobs import JobStore
from fermata.ports.metrics import Metrics
from fermata.ports.providers import Estimates
from fermata.use_cases.generation.finish.record_unknown_outcomes import report_unknown_outcomes
from fermata.use_cases.generation.follow.parse_answer import understood_answer
from fermata.use_cases.orders.estimates import pace_of


@dataclass(frozen=True)
class ResumePorts:
    """Ports of `resume_generation`. `retry_later_s` is the first pause, in seconds, before a refused order is
    repeated.
    """

    jobs: JobStore
    answers: AnswerStore
    providers: Callable[[str], Provider]
    catalogue: Catalogue
    estimates: Estimates
    metrics: Metrics
    retry_later_s: int


def resume_generation(job_id: str, ports: ResumePorts, now: datetime) -> NextStep:
    """The next step on record. Closes an open claim with its answer if that is completely staged, or as unknown once
    the claim has expired.
    """
    job = ports.jobs.load_existing(job_id)
    attempt = job.last_attempt
    if attempt is not None and attempt.state is AttemptState.CLAIMED and not job.status.is_terminal:
        job = _close_claim(job, attempt, ports, now)
    return next_step_of(job, now, pace_of(job, ports.catalogue, ports.estimates), ports.retry_later_s)


def _close_claim(job: Job, attempt: Attempt, ports: ResumePorts, now: datetime) -> Job:
    # The clock is read before the store. The run that sent the request finds an answer that completes in between; it
    # then marks its attempt late, so that the answer is not lost.
    silent = now >= attempt.claim_until
    outcome = understood_answer(job, attempt, ports.answers, ports.providers)
    if outcome is not None:
        closed = attempt.after(outcome, now)
    elif silent:
        closed = closed_as_unknown(attempt, now)
    else:
        return job
    try:
        changed = job.with_outcome(closed, now)
        ports.jobs.save(changed)
    except StaleRecordError:
        return ports.jobs.load_existing(job.id)
    report_unknown_outcomes(job, changed, ports.metrics)
    return changed
