"""The state machine's next step: one word, and the numbers that its Wait states need."""

from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from fermata.domain.catalogue.poll_schedule import Pace, bounded
from fermata.domain.jobs.attempt import Attempt, AttemptState
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.terms import AfterFailure


class StepKind(StrEnum):
    """The choices of `DecideNext` in `statemachine/music_job.asl.json`."""

    RETRY_LATER = "retry_later"
    WAIT_SLOT = "wait_slot"
    NEXT_PROVIDER = "next_provider"
    IN_FLIGHT = "in_flight"
    GENERATING = "generating"
    AWAITING_CALLBACK = "awaiting_callback"
    READY = "ready"
    STORING = "storing"
    NEEDS_REFERENCE = "needs_reference"
    REFERENCE_READY = "reference_ready"
    FAILED = "failed"


@dataclass(frozen=True)
class NextStep:
    """A word, its attempt (0 before the first), the seconds until the next poll (>= 1; the longest time if a callback
    may come first), and the instant before which nothing happens.

    While a song is in progress, `not_before` is when the provider last reported it not ready, or accepted the order;
    the next poll receives it.
    """

    kind: StepKind
    attempt: int
    wait_seconds: int
    not_before: str

    def as_payload(self) -> dict[str, object]:
        """The JSON that the state machine's ResultSelector reads."""
        fields = asdict(self)
        return {"verdict": fields.pop("kind").value, **fields}


def _step(word: StepKind, attempt: Attempt | None, until: datetime) -> NextStep:
    return NextStep(word, attempt.number if attempt else 0, 1, _instant(until))


def _instant(until: datetime) -> str:
    # Fractions are kept: the laptop honours them; AWS truncates them, and a run that wakes too early waits again.
    return until.astimezone(UTC).isoformat().replace("+00:00", "Z")


def read_instant(value: object) -> datetime | None:
    """The `not_before` of an earlier step, as the state machine returns it; None for anything else."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None


def next_step_of(job: Job, now: datetime, pace: Pace, retry_later_s: int) -> NextStep:
    """The next step by a job's record; an open claim is `in_flight`."""
    attempt = job.last_attempt
    if job.status.is_terminal:
        return _step(StepKind.FAILED, attempt, now)
    if attempt is None:
        word = StepKind.RETRY_LATER if job.may_claim(now) else StepKind.FAILED
        return _step(word, None, now + timedelta(seconds=retry_later_s))
    match attempt.state:
        case AttemptState.CLAIMED:
            # A check every few seconds costs nothing and ends the wait soon after the first run has stored its answer.
            return _step(
                StepKind.IN_FLIGHT,
                attempt,
                min(attempt.claim_until, now + timedelta(seconds=15)) + timedelta(seconds=1),
            )
        case AttemptState.GENERATING:
            return still_announced(attempt) or still_generating(attempt, pace.first_poll_s(attempt.age_s(now)))
        case AttemptState.READY:
            return _step(StepKind.READY, attempt, now)
        case AttemptState.FAILED:
            return _after_a_failure(job.next_step(now), attempt, now, retry_later_s)


def needs_reference(job: Job, now: datetime) -> NextStep:
    """The job's reference must be prepared before the next model can be called."""
    return _step(StepKind.NEEDS_REFERENCE, job.last_attempt, now)


def reference_ready(job: Job, now: datetime) -> NextStep:
    """A step of preparing the job's reference is done: call the next model, or prepare further."""
    return _step(StepKind.REFERENCE_READY, job.last_attempt, now)


def _after_a_failure(step: AfterFailure, attempt: Attempt, now: datetime, retry_later_s: int) -> NextStep:
    match step:
        case AfterFailure.NEXT_MODEL:
            return _step(StepKind.NEXT_PROVIDER, attempt, now)
        case AfterFailure.SAME_MODEL:
            return _step(StepKind.RETRY_LATER, attempt, now + timedelta(seconds=_back_off_s(attempt, retry_later_s)))
        case AfterFailure.END:
            return _step(StepKind.FAILED, attempt, now)


def still_generating(attempt: Attempt, wait_s: int) -> NextStep:
    """The provider is still working on the task: poll it after `wait_s` seconds."""
    return NextStep(StepKind.GENERATING, attempt.number, bounded(wait_s), _instant(_not_yet_at(attempt)))


def asked_again(attempt: Attempt, wait_s: int) -> NextStep:
    """A poll brought no information: poll again after `wait_s` seconds, which the patience bounds."""
    return NextStep(StepKind.GENERATING, attempt.number, wait_s, _instant(_not_yet_at(attempt)))


def still_storing(attempt: Attempt, wait_s: int, now: datetime) -> NextStep:
    """Songs are neither stored nor given up: fetch them again after `wait_s` seconds, which the patience bounds."""
    return replace(_step(StepKind.STORING, attempt, now), wait_seconds=wait_s)


def still_announced(attempt: Attempt) -> NextStep | None:
    """The provider posts when the task changes: poll then, or after the timeout. None if no callback is expected."""
    callback = attempt.announced_by
    if callback is None:
        return None
    return replace(_step(StepKind.AWAITING_CALLBACK, attempt, _not_yet_at(attempt)), wait_seconds=callback.timeout_s)


def _not_yet_at(attempt: Attempt) -> datetime:
    return attempt.not_yet_at or attempt.started_at


def waiting_for_admission(job: Job, until: datetime) -> NextStep:
    """The provider's queue does not admit this job yet; the wait ends at `order_by` at the latest."""
    return _step(StepKind.WAIT_SLOT, job.last_attempt, min(until, job.order_by))


def given_up(attempt: Attempt | None, now: datetime) -> NextStep:
    """The song is given up; settling the job records why."""
    return _step(StepKind.FAILED, attempt, now)


def _back_off_s(attempt: Attempt, retry_later_s: int) -> int:
    asked = attempt.failure.retry_after_s if attempt.failure else None
    return bounded(asked if asked is not None else retry_later_s * 2 ** (attempt.number - 1))
