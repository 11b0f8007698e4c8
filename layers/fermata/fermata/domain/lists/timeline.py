"""What happened to a job and when, in its tenant's words, from what its record and its deliveries say anyway."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from fermata.domain.jobs.attempt import Attempt, AttemptState
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.status import Charged, JobStatus
from fermata.domain.providers.failures import Failure, ProviderCharged
from fermata.domain.web.formats import rfc3339
from fermata.domain.webhooks.delivery import WebhookAttempt


class What(StrEnum):
    """What happened at one moment. The last four are ends, one of which a job has at most."""

    SUBMITTED = "submitted"
    TURN = "turn"
    ORDERED = "ordered"
    NOT_ORDERED = "not_ordered"
    FOUND = "found"
    POLLED = "polled"
    RETRYING = "retrying"
    MADE = "made"
    ATTEMPT_FAILED = "attempt_failed"
    STORED = "stored"
    WEBHOOK = "webhook"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"


@dataclass(frozen=True)
class TimelineEntry:
    """One moment of a job, and a sentence about it."""

    at: datetime
    what: What
    detail: str


def timeline_of(job: Job, deliveries: Iterable[WebhookAttempt]) -> list[TimelineEntry]:
    """Every moment of a job that is on record, oldest first. Of polls only the last one without news is."""
    entries = [_submitted(job), *_of_attempts(job), *_stored(job), *_end(job), *map(_webhook, deliveries)]
    return sorted(entries, key=lambda entry: entry.at)


def _submitted(job: Job) -> TimelineEntry:
    held = f"The order for {job.ordered_model} was stored, and {job.hold_credits} credits are held for it."
    return TimelineEntry(job.created_at, What.SUBMITTED, held)


def _of_attempts(job: Job) -> Iterator[TimelineEntry]:
    since = job.created_at
    for attempt in job.attempts:
        yield from _of_attempt(job, attempt, since)
        since = attempt.finished_at or since


def _of_attempt(job: Job, attempt: Attempt, since: datetime) -> Iterator[TimelineEntry]:
    number, provider = attempt.number, attempt.provider
    yield from _beginning(job, attempt, since)
    if attempt.not_yet_at is not None and attempt.not_yet_at != attempt.finished_at:
        making = f"Attempt {number}: {provider} had accepted the order and was still making it."
        yield TimelineEntry(attempt.not_yet_at, What.POLLED, making)
    if attempt.retries.since is not None and attempt.retries.last is not None:
        again = f"Attempt {number}: a step that costs nothing failed and is repeated: {_why(attempt.retries.last)}"
        yield TimelineEntry(attempt.retries.since, What.RETRYING, again)
    if attempt.finished_at is None or _made_no_call(attempt):
        return
    if attempt.state is AttemptState.READY:
        took_s = (attempt.finished_at - attempt.started_at).total_seconds()
        yield TimelineEntry(
            attempt.finished_at, What.MADE, f"Attempt {number}: {provider} was done after {took_s:.1f} s."
        )
    elif attempt.failure is not None:
        charged = f"Whether the provider charged: {attempt.provider_charged}."
        failed = f"Attempt {number} failed: {_why(attempt.failure)} {charged}"
        yield TimelineEntry(attempt.finished_at, What.ATTEMPT_FAILED, failed)


def _beginning(job: Job, attempt: Attempt, since: datetime) -> Iterator[TimelineEntry]:
    at, provider, number = attempt.started_at, attempt.provider, attempt.number
    model = job.candidates[attempt.candidate].model
    if attempt.bought_at is not None:
        found = f"Attempt {number}: the song of {model} that an earlier job had bought is delivered without an order."
        yield TimelineEntry(at, What.FOUND, found)
    elif _made_no_call(attempt):
        why = f" {_why(attempt.failure)}" if attempt.failure else ""
        yield TimelineEntry(at, What.NOT_ORDERED, f"Attempt {number}: nothing was ordered from {provider}.{why}")
    else:
        waited_s = max((at - since).total_seconds(), 0)
        yield TimelineEntry(at, What.TURN, f"The job had its turn at {provider} after {waited_s:.1f} s.")
        yield TimelineEntry(at, What.ORDERED, f"Attempt {number}: {model} was ordered from {provider}.")


def _made_no_call(attempt: Attempt) -> bool:
    """Whether an attempt ended as it began, because its provider could not be asked."""
    ended_at_once = attempt.state is AttemptState.FAILED and attempt.finished_at == attempt.started_at
    return ended_at_once and attempt.provider_charged is ProviderCharged.NO


def _stored(job: Job) -> Iterator[TimelineEntry]:
    if job.first_stored_at is not None and job.tracks:
        yield TimelineEntry(job.first_stored_at, What.STORED, "The first file was measured and stored.")


def _end(job: Job) -> Iterator[TimelineEntry]:
    if job.finished_at is None:
        return
    returned = f"{job.hold_credits} credits were returned."
    if job.charged is Charged.YES:
        files = "1 file was" if len(job.tracks) == 1 else f"{len(job.tracks)} files were"
        detail = f"{files} delivered for {job.spent_credits} credits."
    elif job.status is JobStatus.CANCELED:
        detail = f"The job was canceled before anything was bought; {returned}"
    else:
        detail = f"{_why(job.failure)} {returned}" if job.failure else returned.capitalize()
    yield TimelineEntry(job.finished_at, What(job.status.value), detail)


def _webhook(attempt: WebhookAttempt) -> TimelineEntry:
    answer = attempt.error if attempt.status_code is None else str(attempt.status_code)
    again = f" The next try is at {rfc3339(attempt.next_try_at)}." if attempt.next_try_at else ""
    detail = f"The end was posted to {attempt.origin}: {attempt.outcome} ({answer}).{again}"
    return TimelineEntry(attempt.at, What.WEBHOOK, detail)


def _why(failure: Failure) -> str:
    """A failure as its tenant may read it, as one sentence."""
    message = failure.for_tenant().message
    return message[:1].upper() + message[1:].rstrip(".") + "."
