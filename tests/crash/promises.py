"""What holds after every order, whoever was killed on its way."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fermata.domain.jobs.job import Job
from fermata.domain.jobs.status import JobStatus
from fermata.domain.jobs.terms import MAX_ATTEMPTS
from fermata.domain.money.key_counter import KeyCounter
from fermata.domain.money.movement import EntryKind, LedgerEntry
from fermata.domain.money.wallet import Wallet
from fermata.domain.providers.failures import ProviderCharged


@dataclass(frozen=True)
class Evidence:
    """What is left when nobody works on the order any more. `bills` are the paid requests that reached each provider,
    `events` what the world was told; `staged` says whether an attempt's answer is kept, `stored` reads a song.
    """

    jobs: Sequence[Job]
    wallet: Wallet
    ledger: Sequence[LedgerEntry]
    bills: Mapping[str, Sequence[Mapping[str, Any]]]
    events: Sequence[Mapping[str, Any]]
    staged: Callable[[str, int], bool]
    stored: Callable[[str], bytes | None]
    songs: int
    """How many songs the order makes."""
    key_counter: KeyCounter | None = None
    """What the capped key of the order counted; None where nothing was stored."""
    rescued: Sequence[bytes] | None = None
    """The songs that were kept after the end of the job, where its song came too late for it."""
    deleted: bool = False
    """Whether the job was to be deleted once it ended; `left` are the objects of each job that are still there."""
    left: Callable[[str], Sequence[str]] = lambda _: ()
    dead_links: Sequence[str] = ()
    """The links that a reader was shown right after the deletion and whose files were gone."""
    copies: Callable[[str], Sequence[str]] = lambda _: ()
    """The copies of a reference that a job still has."""
    listens: bool = False
    """Whether its end is to be told by webhook; `deliveries` are those that were begun, `received` the ids of posts."""
    deliveries: Sequence[str] = ()
    received: Sequence[str] = ()


def broken(evidence: Evidence) -> list[str]:
    """The promises that do not hold, each with what was found."""
    if len(evidence.jobs) > 1:
        return [f"one order made {len(evidence.jobs)} jobs"]
    problems = list(_wallet(evidence))
    if not evidence.jobs:
        asked = sum(len(bill) for bill in evidence.bills.values())
        return [*problems, *([f"{asked} paid requests without a job"] if asked else [])]
    (job,) = evidence.jobs
    ends = (_ended, _paid_answers) if evidence.rescued is None else (_rescued,)
    ends = (_deleted,) if evidence.deleted else ends
    for promise in (
        *ends,
        _asked_at_most_once_per_attempt,
        _looked_after,
        _no_copies,
        _told_once,
        _delivered_once,
        _books,
        _key,
    ):
        problems += promise(job, evidence)
    return problems


def books_of(job: Job, evidence: Evidence) -> Iterator[str]:
    """What does not hold of the credits of a job, its key, and what the reaper still has to do."""
    yield from _wallet(evidence)
    for promise in (_looked_after, _books, _key):
        yield from promise(job, evidence)


def _ended(job: Job, _: Evidence) -> Iterator[str]:
    if not job.status.is_terminal:
        yield f"the job is still {job.status}"
    elif job.status is not JobStatus.SUCCEEDED and not _may_be_paid(job):
        yield f"the job {job.status} although it could still be ordered: {job.failure}"


def _rescued(job: Job, evidence: Evidence) -> Iterator[str]:
    """The job ended without its song, which was paid for, and the song is kept once and whole."""
    if job.status is not JobStatus.FAILED or job.spent_credits:
        yield f"expected a job that failed refunded, found {job.status} and {job.spent_credits} credits"
    if job.failure is None or job.failure.provider_charged is not ProviderCharged.YES:
        yield f"expected a failure that was charged for, found {job.failure}"
    kept = evidence.rescued or ()
    if len(kept) != evidence.songs or not all(kept):
        yield f"expected {evidence.songs} songs to be kept, found {[len(each) for each in kept]} bytes"


def _deleted(job: Job, evidence: Evidence) -> Iterator[str]:
    """The job is there whole, or nothing of it is and nobody is shown it."""
    yield from (f"a reader was shown {link}, which was gone" for link in evidence.dead_links)
    if job.deleted_at is None:
        yield from _delivered(job, evidence)
    elif left := evidence.left(job.id):
        yield f"of the deleted job {', '.join(left)} are left"


def _looked_after(job: Job, _: Evidence) -> Iterator[str]:
    if job.publish_pending or job.check_at is not None:
        yield "nobody was told of the end, and nobody will be looking"


def _no_copies(job: Job, evidence: Evidence) -> Iterator[str]:
    if copies := evidence.copies(job.id):
        yield f"copies of its reference are left: {', '.join(copies)}"


def _may_be_paid(job: Job) -> bool:
    return job.failure is not None and job.failure.provider_charged is ProviderCharged.UNKNOWN


def _asked_at_most_once_per_attempt(job: Job, evidence: Evidence) -> Iterator[str]:
    for provider, bill in evidence.bills.items():
        attempts = sum(attempt.provider == provider for attempt in job.attempts)
        if len(bill) > attempts:
            yield f"{provider} was asked {len(bill)} times in {attempts} attempts"
    if len(job.attempts) > MAX_ATTEMPTS:
        yield f"{len(job.attempts)} attempts"


def _paid_answers(job: Job, evidence: Evidence) -> Iterator[str]:
    """A song that was paid for and whose answer was kept is delivered; one that was cut earlier is never called
    unpaid.
    """
    charged = {provider: [item for item in bill if item["charged"]] for provider, bill in evidence.bills.items()}
    for provider, items in charged.items():
        for attempt in [each for each in job.attempts if each.provider == provider][-len(items) :] if items else []:
            kept = evidence.staged(job.id, attempt.number)
            if kept and job.status is not JobStatus.SUCCEEDED:
                yield f"attempt {attempt.number} was paid and kept, and the job {job.status}: {job.failure}"
            if attempt.provider_charged is ProviderCharged.NO:
                yield f"attempt {attempt.number} was charged and says no"
            if not kept and job.failure and not _may_be_paid(job):
                yield f"attempt {attempt.number} was paid and cut, and the job says {job.failure.provider_charged}"
    paid = sum(map(len, charged.values()))
    if job.status is JobStatus.SUCCEEDED:
        yield from _delivered(job, evidence)
        if not paid:
            yield "the job succeeded and nobody charged"
    if paid > 1:
        yield f"{paid} songs were paid for"


def _delivered(job: Job, evidence: Evidence) -> Iterator[str]:
    if len(job.tracks) != evidence.songs:
        yield f"expected {evidence.songs} songs, found {len(job.tracks)}"
    for track in job.tracks:
        content = evidence.stored(track.object_key)
        if content is None or hashlib.sha256(content).hexdigest() != track.sha256:
            yield f"song {track.number} is not what the record says"


def _told_once(job: Job, evidence: Evidence) -> Iterator[str]:
    told = {event["event_id"] for event in evidence.events}
    if told != {f"{job.id}.{job.status}", f"{job.id}.usage"}:
        yield f"expected the events {job.id}.{job.status} and .usage, found {sorted(told) or 'none'}"


def _delivered_once(job: Job, evidence: Evidence) -> Iterator[str]:
    """One delivery of the end, and a receiver who can tell a second post from another event."""
    expected = [f"{job.id}.{job.status}"] if evidence.listens else []
    if list(evidence.deliveries) != expected:
        yield f"expected the deliveries {expected}, found {list(evidence.deliveries)}"
    if set(evidence.received) != {f"{job.id}_{job.status}" for _ in expected}:
        yield f"the receiver got {sorted(set(evidence.received)) or 'nothing'} of {expected}"


def _wallet(evidence: Evidence) -> Iterator[str]:
    wallet = evidence.wallet
    if wallet.granted != wallet.balance + wallet.held + wallet.spent or wallet.held:
        yield f"the wallet does not add up: {wallet.model_dump_json()}"
    total = {kind: sum(entry.credits for entry in evidence.ledger if entry.kind is kind) for kind in EntryKind}
    left = total[EntryKind.HOLD] - total[EntryKind.SETTLE] - total[EntryKind.REFUND]
    if wallet.spent != total[EntryKind.SETTLE] or left:
        yield f"the ledger does not explain the wallet: {total}"


def _key(job: Job, evidence: Evidence) -> Iterator[str]:
    counter = evidence.key_counter
    if counter is None or (counter.held, counter.spent_in_month) != (0, job.spent_credits):
        yield f"the key counted {counter}, expected {job.spent_credits} spent and nothing held"


def _books(job: Job, evidence: Evidence) -> Iterator[str]:
    if evidence.wallet.spent != job.spent_credits:
        yield f"the job {job.status} and {evidence.wallet.spent} credits were spent, expected {job.spent_credits}"
