"""The state machine's next step: one word, and the numbers that its Wait states need."""

from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from fermata.domain.catalogue.poll_schedule import Pace, bounded
from fermata.domain.jobs.attempt import Attempt, AttemptState
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.terms import NextStep


class Word(StrEnum):
    """The choices of `DecideNext` in `statemachine/music_job.asl.json`."""

    RETRY_LATER = "retry_later"
    WAIT_SLOT = "wait_slot"
    NEXT_PROVIDER = "next_provider"
    IN_FLIGHT = "in_flight"
    GENERATING = "generating"
    AWAITING_CALLBACK = "awaiting_callback"
    READY = "ready"
    NEEDS_REFERENCE = "needs_reference"
    REFERENCE_READY = "reference_ready"
    FAILED = "failed"


@dataclass(frozen=True)
class Verdict:
    """A word, its attempt (0 before the first), the seconds until the next poll (>= 1; the longest time if a callback
    may come first), and the instant before which nothing happens.

    While a song is in progress, `not_before` is when the provider last reported it not ready, or accepted the order;
    the next poll receives it.
    """

    verdict: Word
    attempt: int
    wait_seconds: int
    not_before: str

    def as_payload(self) -> dict[str, object]:
        """The JSON that the state machine's ResultSelector reads."""
        return {**asdict(self), "verdict": self.verdict.value}


def _verdict(word: Word, attempt: Attempt | None, until: datetime) -> Verdict:
    return Verdict(word, attempt.number if attempt else 0, 1, _instant(until))


def _instant(until: datetime) -> str:
    # Fractions are kept: the laptop honours them; AWS truncates them, and a run that wakes too early waits again.
    return until.astimezone(UTC).isoformat().replace("+00:00", "Z")


def read_instant(value: object) -> datetime | None:
    """The `not_before` of an earlier verdict, as the state machine returns it; None for anything else."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None


def verdict_on(job: Job, now: datetime, pace: Pace, retry_later_s: int) -> Verdict:
    """The next step by a job's record; an open claim is `in_flight`."""
    attempt = job.last_attempt
    if job.status.is_terminal:
        return _verdict(Word.FAILED, attempt, now)
    if attempt is None:
        word = Word.RETRY_LATER if job.may_claim(now) else Word.FAILED
        return _verdict(word, None, now + timedelta(seconds=retry_later_s))
    match attempt.state:
        case AttemptState.CLAIMED:
            # A check every few seconds costs nothing and ends the wait soon after the first run has stored its answer.
            return _verdict(
                Word.IN_FLIGHT, attempt, min(attempt.claim_until, now + timedelta(seconds=15)) + timedelta(seconds=1)
            )
        case AttemptState.GENERATING:
            return still_announced(attempt) or still_generating(attempt, pace.first_poll_s(attempt.age_s(now)))
        case AttemptState.READY:
            return _verdict(Word.READY, attempt, now)
        case AttemptState.FAILED:
            return _after_a_failure(job.next_step(now), attempt, now, retry_later_s)


def needs_reference(job: Job, now: datetime) -> Verdict:
    """The job's reference must be prepared before the next model can be called."""
    return _verdict(Word.NEEDS_REFERENCE, job.last_attempt, now)


def reference_ready(job: Job, now: datetime) -> Verdict:
    """A step of preparing the job's reference is done: call the next model, or prepare further."""
    return _verdict(Word.REFERENCE_READY, job.last_attempt, now)


def _after_a_failure(step: NextStep, attempt: Attempt, now: datetime, retry_later_s: int) -> Verdict:
    match step:
        case NextStep.NEXT_MODEL:
            return _verdict(Word.NEXT_PROVIDER, attempt, now)
        case NextStep.SAME_MODEL:
            return _verdict(Word.RETRY_LATER, attempt, now + timedelta(seconds=_back_off_s(attempt, retry_later_s)))
        case NextStep.END:
            return _verdict(Word.FAILED, attempt, now)


def still_generating(attempt: Attempt, wait_s: int) -> Verdict:
    """The provider is still working on the task: poll it after `wait_s` seconds."""
    return Verdict(Word.GENERATING, attempt.number, bounded(wait_s), _instant(_not_yet_at(attempt)))


def asked_again(attempt: Attempt, wait_s: int) -> Verdict:
    """A poll brought no information: poll again after `wait_s` seconds, which the patience bounds."""
    return Verdict(Word.GENERATING, attempt.number, wait_s, _instant(_not_yet_at(attempt)))


def still_announced(attempt: Attempt) -> Verdict | None:
    """The provider posts when the task changes: poll then, or after the timeout. None if no callback is expected."""
    callback = attempt.announced_by
    if callback is None:
        return None
    return replace(_verdict(Word.AWAITING_CALLBACK, attempt, _not_yet_at(attempt)), wait_seconds=callback.timeout_s)


def _not_yet_at(attempt: Attempt) -> datetime:
    return attempt.not_yet_at or attempt.started_at


def waiting_for_a_turn(job: Job, until: datetime) -> Verdict:
    """The provider's queue does not admit this job yet; the wait ends at `order_by` at the latest."""
    return _verdict(Word.WAIT_SLOT, job.last_attempt, min(until, job.order_by))


def given_up(attempt: Attempt, now: datetime) -> Verdict:
    """The song is given up; settling the job records why."""
    return _verdict(Word.FAILED, attempt, now)


def _back_off_s(attempt: Attempt, retry_later_s: int) -> int:
    asked = attempt.failure.retry_after_s if attempt.failure else None
    return bounded(asked if asked is not None else retry_later_s * 2 ** (attempt.number - 1))
