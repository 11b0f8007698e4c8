"""The end of a job: a pure decision from the record, with the error that stopped the machine as a hint."""

from datetime import datetime

from fermata.domain.finish.rescue import with_rescue_begun
from fermata.domain.jobs.attempt import Attempt, AttemptState
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.status import JobStatus
from fermata.domain.providers.failures import Failure, FailureClass, ProviderCharged, unknown_outcome


def settle(job: Job, stopped_by: str | None, now: datetime) -> Job | None:
    """The job at its end, with a rescue of paid songs that were not delivered; None if it has ended already.
    `stopped_by` is the Step Functions error name, if any.
    """
    if job.status.is_terminal:
        return None
    if is_overdue(job, now):
        return with_rescue_begun(job.expired(_too_late(job), now))
    return with_rescue_begun(job.settled(None if job.tracks else _reason(job, stopped_by), now))


def is_overdue(job: Job, now: datetime) -> bool:
    """Whether the song misses `finish_by`: the deadline has passed, or an order could not meet it any more. False if a
    song was stored in time, or a failure ended the last attempt first.
    """
    finish_by, last = job.request.finish_by, job.last_attempt
    if finish_by is None or job.status.is_terminal:
        return False
    if job.status is JobStatus.QUEUED:
        return now >= job.order_by
    if last is not None and last.state is AttemptState.FAILED:
        return False
    # One song in time is enough, whenever the others arrived or were given up.
    return ((job.first_stored_at or job.updated_at) if job.tracks else now) >= finish_by


def not_started(start_by: datetime) -> Failure:
    """The failure of a job that was never ordered in time."""
    return Failure(
        failure_class=FailureClass.TRANSIENT,
        provider_charged=ProviderCharged.NO,
        message=f"the audio was not ordered before {start_by:%Y-%m-%dT%H:%M:%SZ}; nothing was paid",
        code="not_started",
    )


def _too_late(job: Job) -> Failure:
    charged = job.last_attempt.provider_charged if job.last_attempt else ProviderCharged.NO
    return Failure(
        failure_class=FailureClass.TRANSIENT,
        provider_charged=charged,
        message="the audio could not be delivered before finish_by; the credits were returned",
        code="finish_by_passed",
    )


def _reason(job: Job, stopped_by: str | None) -> Failure:
    attempt = job.last_attempt
    if job.refusal is not None:
        return job.refusal
    if attempt is None:
        gave_up = stopped_by is not None and not stopped_by.startswith("Execution.")
        return _not_prepared(stopped_by) if gave_up and job.awaits_reference else not_started(job.start_by)
    match attempt.state:
        case AttemptState.CLAIMED:
            return unknown_outcome(
                "the job was stopped while the provider was making the audio; it may have been billed", code=stopped_by
            )
        case AttemptState.GENERATING if attempt.link_renewals:
            return _not_stored(job, attempt, stopped_by)
        case AttemptState.GENERATING:
            return unknown_outcome(
                "the provider was still working when the job was stopped; it may have been billed", code=stopped_by
            )
        case AttemptState.READY:
            return _not_stored(job, attempt, stopped_by)
        case AttemptState.FAILED:
            return attempt.failure or unknown_outcome("the attempt failed without a reason on record", code=stopped_by)


def _not_prepared(stopped_by: str | None) -> Failure:
    return Failure(
        failure_class=FailureClass.TRANSIENT,
        provider_charged=ProviderCharged.NO,
        message=(
            f"the reference recording could not be fetched, stored or handed over ({stopped_by}); nothing was paid; "
            "send the job again, or upload the recording with POST /v1/references"
        ),
        code="reference_not_prepared",
    )


def _not_stored(job: Job, attempt: Attempt, stopped_by: str | None) -> Failure:
    if job.missing:
        return job.missing[0].reason
    if attempt.retries.last is not None:
        return attempt.retries.last
    charged = attempt.provider_charged
    return Failure(
        failure_class=FailureClass.TRANSIENT,
        provider_charged=ProviderCharged.UNKNOWN if charged is ProviderCharged.NO else charged,
        message="the audio was made but could not be stored",
        code=stopped_by or "not_stored",
    )
