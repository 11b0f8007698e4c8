"""How a job ends: a pure decision from the record, with the error that stopped the machine as a hint."""

from datetime import datetime
from typing import Final

from fermata.domain.failures import Failure, FailureClass, ProviderCharged, unknown_outcome
from fermata.domain.jobs import Attempt, AttemptState, Job, not_started

_STORING_ERRORS: Final[dict[str, tuple[FailureClass, str, str]]] = {
    "BadAudioError": (FailureClass.BAD_AUDIO, "bad_audio", "what the provider sent is not playable audio"),
    "ResultExpiredError": (
        FailureClass.RESULT_EXPIRED,
        "result_expired",
        "the provider's link was dead before it could be copied",
    ),
    "UnsafeLinkError": (
        FailureClass.PROVIDER_ERROR,
        "unsafe_link",
        "the provider's link points to a host that is not allowed",
    ),
}


def settle(job: Job, stopped_by: str | None, now: datetime) -> Job | None:
    """The job at its end, or None where it has ended already. `stopped_by` is the Step Functions error name, if there
    was one.
    """
    if job.status.is_terminal:
        return None
    if job.is_overdue(now):
        return job.expired(_too_late(job), now)
    return job.settled(None if job.tracks else _reason(job, stopped_by), now)


def _too_late(job: Job) -> Failure:
    charged = job.last_attempt.provider_charged if job.last_attempt else ProviderCharged.NO
    return Failure(
        failure_class=FailureClass.TRANSIENT,
        provider_charged=charged,
        message="the song could not be delivered before finish_by; the credits were returned",
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
                "the job was stopped while the provider was making the song; it may have been billed", code=stopped_by
            )
        case AttemptState.GENERATING:
            return unknown_outcome(
                "the provider was still working when the job was stopped; it may have been billed", code=stopped_by
            )
        case AttemptState.READY:
            return _not_stored(attempt, stopped_by)
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


def _not_stored(attempt: Attempt, stopped_by: str | None) -> Failure:
    fallback = (FailureClass.TRANSIENT, stopped_by or "not_stored", "the song was made but could not be stored")
    failure_class, code, message = _STORING_ERRORS.get(stopped_by or "", fallback)
    charged = (
        attempt.provider_charged if attempt.provider_charged is not ProviderCharged.NO else ProviderCharged.UNKNOWN
    )
    return Failure(failure_class=failure_class, provider_charged=charged, message=message, code=code)
