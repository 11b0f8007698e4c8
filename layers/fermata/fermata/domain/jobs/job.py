"""The job as a value, and every change that it may go through. Pure: time, ids and claims are arguments."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Final

from pydantic import Field, NonNegativeInt, PositiveInt

from fermata.domain.jobs.attempt import Attempt, AttemptState
from fermata.domain.jobs.missing import all_missing, in_order
from fermata.domain.jobs.rescue_record import Rescue, next_look
from fermata.domain.jobs.shares import share_of
from fermata.domain.jobs.songs import Audio, MissingTrack, Record, Track
from fermata.domain.jobs.status import TRANSITIONS, Charged, JobStatus
from fermata.domain.jobs.terms import MAX_ATTEMPTS, AfterFailure, Terms
from fermata.domain.orders.candidates import Candidate, hold_for
from fermata.domain.orders.order_request import SongRequest
from fermata.domain.orders.references import PreparedReference, ProviderIds, needs_copy
from fermata.domain.providers.failures import Failure, ProviderCharged
from fermata.domain.providers.spending import Booking, booking

PUBLISHED_WITHIN: Final = timedelta(seconds=60)
"""How long the run that settles a job may take to publish its end, before the reaper does."""


class Job(Record):
    """A caller's order. `version` grows with every write and is the condition of the next one.

    `check_at` is when the reaper checks the job's progress; None once nothing is left to do. `absent_since` is when its
    execution was first found absent. `publish_pending` is true until the job's end is published.
    `deleted_at` makes it a tombstone, which callers do not see; `erasing_until` is set while files of it may be left,
    and is when the reaper takes over from the run that deletes them.
    `candidates` are the requested model and its fallbacks with their prices, never empty and never changed.
    `reference` is the measured reference recording of the song. `refusal` is why no provider is called (any more): the
    recording cannot be used, or the operator blocks the last provider for too long.
    `tracks` are the stored songs and `missing` the unavailable ones, both by number and without overlap;
    `first_stored_at` is when the first song was stored, set by the next change of the job.
    `api_key_id` is the key that ordered over HTTP.
    `recovered_from` is the job whose song this one delivers, without an order of its own. `pays_unknown` is whether the
    customer also pays for attempts of unknown outcome if a later fallback delivers; `paid_unknown` are the numbers of
    the attempts paid for so, whatever the provider's bill says later.
    `rescue` is set once the job has ended without paid songs that may still be available.
    `spent_before_deletion` are the credits that a deleted job had spent; its tracks are gone.
    `to_book` is the amount that this version's write books in a provider's budget; it is not part of the record.
    """

    id: str
    tenant_id: str
    request: SongRequest
    candidates: Annotated[tuple[Candidate, ...], Field(min_length=1)]
    status: JobStatus
    created_at: datetime
    updated_at: datetime
    start_by: datetime
    finished_at: datetime | None = None
    attempts: tuple[Attempt, ...] = ()
    tracks: tuple[Track, ...] = ()
    first_stored_at: datetime | None = None
    missing: tuple[MissingTrack, ...] = ()
    failure: Failure | None = None
    reference: PreparedReference | None = None
    refusal: Failure | None = None
    check_at: datetime | None = None
    absent_since: datetime | None = None
    publish_pending: bool = False
    deleted_at: datetime | None = None
    erasing_until: datetime | None = None
    spent_before_deletion: NonNegativeInt | None = None
    recovered_from: str | None = None
    api_key_id: str | None = None
    pays_unknown: bool = False
    paid_unknown: tuple[PositiveInt, ...] = ()
    rescue: Rescue | None = None
    version: PositiveInt = Field(default=1)
    to_book: Booking | None = Field(default=None, exclude=True)

    @property
    def last_attempt(self) -> Attempt | None:
        """The newest attempt, or None before the first order."""
        return self.attempts[-1] if self.attempts else None

    @property
    def terms(self) -> Terms:
        """The terms that decide which model is next, and its deadline."""
        return Terms(self.candidates, self.request.on_unknown, self.start_by, self.request.finish_by)

    @property
    def turn(self) -> int:
        """Position in `candidates` of the current model: the one called now, or next."""
        last = self.last_attempt
        if last is None:
            return 0
        return self.terms.turn_after(last) if self.status is JobStatus.QUEUED else last.candidate

    @property
    def candidate(self) -> Candidate:
        """The current model: the one called now, or next."""
        return self.candidates[self.turn]

    @property
    def has_another_provider(self) -> bool:
        """Whether a model of another provider follows the current one in the chain."""
        return any(each.provider != self.candidate.provider for each in self.candidates[self.turn + 1 :])

    @property
    def price_credits(self) -> int:
        """The delivering model's price; before delivery, the most that the job may cost."""
        return self.candidate.price_credits if self.charged is Charged.YES else self.hold_credits

    @property
    def spent_credits(self) -> int:
        """The credits that the customer paid: for the delivered songs, and by some plans also for earlier attempts of
        unknown outcome; 0 unless the job was delivered.
        """
        if self.charged is not Charged.YES:
            return 0
        if self.deleted_at is not None:
            # Tombstones older than shares lack this figure: a delivered job spent its whole price then.
            return self.price_credits if self.spent_before_deletion is None else self.spent_before_deletion
        unknown = (each for each in self.attempts if each.number in self.paid_unknown)
        return self.song_credits + sum(self.candidates[each.candidate].price_credits for each in unknown)

    @property
    def song_credits(self) -> int:
        """The delivered songs' share of the delivering model's price, rounded down."""
        return share_of(self.price_credits, len(self.tracks), self.candidate.songs)

    @property
    def at_risk(self) -> int:
        """How many songs may be bought for this order without payment, by the customer's own terms."""
        return self.terms.at_risk

    @property
    def hold_credits(self) -> int:
        """The credits held from submission to the end: the most that the job may cost."""
        return hold_for(self.candidates, pays_unknown=self.pays_unknown)

    @property
    def charged(self) -> Charged:
        """The state of the customer's credits. Every job has a hold."""
        if not self.status.is_terminal:
            return Charged.HELD
        return Charged.YES if self.status is JobStatus.SUCCEEDED else Charged.REFUNDED

    @property
    def ids(self) -> ProviderIds | None:
        """The current provider's ids of the uploaded reference; None if it takes a link or has no upload yet."""
        rule = self.candidate.reference
        if rule is None or rule.handed_over == "link" or self.reference is None:
            return None
        return self.reference.ids_with(self.candidate.provider)

    @property
    def awaits_copy(self) -> bool:
        """Whether the reference has still to be measured, checked for the current model, or copied for a provider that
        fetches it by a link.
        """
        return needs_copy(self.candidate.reference, self.reference, self.id)

    @property
    def awaits_reference(self) -> bool:
        """Whether the reference has still to be stored, checked or uploaded for the current model."""
        rule = self.candidate.reference
        return self.awaits_copy or (rule is not None and rule.handed_over == "ids" and self.ids is None)

    @property
    def order_by(self) -> datetime:
        """The deadline for ordering the song from the current model."""
        return self.terms.order_by(self.turn)

    def may_claim(self, now: datetime) -> bool:
        """Whether a new attempt may be claimed: still queued, attempts left, not past `order_by`, reference usable."""
        open_for_more = self.status is JobStatus.QUEUED and len(self.attempts) < MAX_ATTEMPTS
        return open_for_more and now < self.order_by and self.refusal is None

    def next_step(self, now: datetime) -> AfterFailure:
        """The step after the last attempt's failure; `END` without a failure, or if no attempt is left."""
        last = self.last_attempt
        if last is None or self.status is not JobStatus.QUEUED or not self._may_follow(last, now):
            return AfterFailure.END
        return self.terms.step_after(last)

    def _may_follow(self, attempt: Attempt, now: datetime) -> bool:
        # A song that once existed is paid, whatever the provider reports about it later.
        was_made = bool(self.tracks) or attempt.link_renewals > 0
        return not was_made and self.refusal is None and self.terms.may_follow(attempt, now)

    def is_past_finish_by(self, now: datetime) -> bool:
        """Whether the caller's own deadline has passed."""
        return self.request.finish_by is not None and now >= self.request.finish_by

    @property
    def may_cancel(self) -> bool:
        """Whether no order is placed or in flight: the job waits for its first or another attempt."""
        return self.status is JobStatus.QUEUED

    def claimed(self, attempt: Attempt, now: datetime) -> "Job":
        """This job with a new attempt before its POST, its cost booked."""
        booked = booking(attempt.provider, attempt.started_at, attempt.cost_micro_usd)
        return self._moved(JobStatus.SUBMITTING, now, attempts=(*self.attempts, attempt), to_book=booked)

    def with_outcome(self, attempt: Attempt, now: datetime) -> "Job":
        """This job with its last attempt changed; the job's status follows the attempt's state. If the attempt fails
        certainly unpaid, its cost returns to the budget.
        """
        following = {
            AttemptState.GENERATING: JobStatus.GENERATING,
            AttemptState.READY: JobStatus.STORING,
            AttemptState.FAILED: JobStatus.QUEUED if self._may_follow(attempt, now) else self.status,
        }
        fails_now = self.attempts[-1].state is not AttemptState.FAILED and attempt.state is AttemptState.FAILED
        unpaid = fails_now and attempt.provider_charged is ProviderCharged.NO
        given_back = booking(attempt.provider, attempt.started_at, -attempt.cost_micro_usd) if unpaid else None
        attempts = (*self.attempts[:-1], attempt)
        return self._moved(following[attempt.state], now, attempts=attempts, to_book=given_back)

    def with_asking(self, attempt: Attempt, given_up: MissingTrack | None = None) -> "Job":
        """This job after a free retry of its last attempt without a result, and perhaps with a song given up. Callers
        see no difference, so `updated_at` stays.
        """
        missing = self.missing if given_up is None else (*self.missing, given_up)
        attempts = (*self.attempts[:-1], attempt)
        return self._moved(self.status, self.updated_at, attempts=attempts, missing=missing)

    def known_not_yet(self, number: int, at: datetime | None) -> "Job":
        """This version of the job with the instant, kept in the state machine, at which the provider last reported that
        attempt `number` is not ready. The next write of the job stores it.
        """
        last = self.last_attempt
        if at is None or last is None or last.number != number or last.state is not AttemptState.GENERATING:
            return self
        return self.model_copy(update={"attempts": (*self.attempts[:-1], last.not_yet(at))})

    def with_late_answer(self, number: int, now: datetime, brought: Attempt | None = None) -> "Job":
        """This job with an attempt marked late, and the result that its answer `brought`; the status stays."""
        result = brought if self.deleted_at is None else None
        attempts = tuple(each.marked_late(result) if each.number == number else each for each in self.attempts)
        return self._moved(self.status, now, attempts=attempts)

    def with_bills(
        self, charged: Mapping[int, ProviderCharged], now: datetime, refunded_micro_usd: Mapping[int, int] | None = None
    ) -> "Job":
        """This job with the charges and refunds of the provider's bill, by attempt number. The job's end and the
        customer's payment do not change.
        """
        back = refunded_micro_usd or {}
        attempts = tuple(
            each.reconciled(charged[each.number], back.get(each.number, 0), now) if each.number in charged else each
            for each in self.attempts
        )
        return self._moved(self.status, self.updated_at, attempts=attempts)

    def with_reference(self, reference: PreparedReference, now: datetime) -> "Job":
        """This job with its reference measured, copied, or uploaded to one more provider."""
        return self._moved(self.status, now, reference=reference)

    def with_refusal(self, refusal: Failure, now: datetime) -> "Job":
        """This job with the reason why no provider is called; the job is settled with it."""
        return self._moved(self.status, now, refusal=refusal)

    def with_attempt_without_order(self, attempt: Attempt, now: datetime) -> "Job":
        """This job after an attempt that failed before an order, begun and ended in one write: its provider rejected
        the reference, or was not called.
        """
        failed = self.claimed(attempt, now).with_outcome(attempt, now)
        return failed.model_copy(update={"version": self.version + 1})

    def with_tracks(
        self, tracks: tuple[Track, ...], now: datetime, missing: tuple[MissingTrack, ...] | None = None
    ) -> "Job":
        """This job with the files stored so far and the unavailable songs; without `missing`, the recorded ones stay. A
        stored song is never missing.
        """
        noted = self.missing if missing is None else missing
        stored = {track.number for track in tracks}
        return self._moved(
            JobStatus.STORING,
            now,
            tracks=in_order(tracks),
            missing=in_order(each for each in noted if each.number not in stored),
        )

    def settled(self, failure: Failure | None, now: datetime) -> "Job":
        """This job at its end: failed with `failure`, or succeeded without one. On success, every ordered or made song
        that is not stored is recorded as missing; on failure, an open last attempt is closed.
        """
        check_at = now + PUBLISHED_WITHIN
        if failure is not None:
            attempts = self._closed_attempts(failure, now)
            return self._ended(JobStatus.FAILED, now, check_at, failure=failure, attempts=attempts)
        if not self.tracks:
            raise AssertionError(f"a {self.status} job cannot become succeeded without a song")
        missing = all_missing(self.tracks, self.missing, self.last_attempt, self.candidate.songs)
        paid = self._unknown_to_pay()
        return self._ended(JobStatus.SUCCEEDED, now, check_at, missing=missing, paid_unknown=paid)

    def expired(self, failure: Failure, now: datetime) -> "Job":
        """This job at its end because its song came too late; an open last attempt is closed."""
        attempts = self._closed_attempts(failure, now)
        return self._ended(JobStatus.EXPIRED, now, now + PUBLISHED_WITHIN, failure=failure, attempts=attempts)

    def canceled(self, now: datetime) -> "Job":
        """This job, canceled while no order was open."""
        # The canceling request does not publish the end, so the reaper's check is due at once.
        return self._ended(JobStatus.CANCELED, now, now)

    def published(self) -> "Job":
        """This job after its end was published; only a rescue of its songs or the rest of its deletion may be left."""
        check_at = next_look(self.rescue, self.erasing_until)
        return self._moved(self.status, self.updated_at, publish_pending=False, check_at=check_at, absent_since=None)

    def with_rescue(
        self,
        rescue: Rescue,
        kept: Mapping[int, tuple[int, ...]] | None = None,
        links: Mapping[int, Audio] | None = None,
    ) -> "Job":
        """This ended job after a step of its rescue, with the numbers of newly `kept` songs and the new `links`, by
        attempt. Callers see no difference, so `updated_at` stays.
        """
        news, found = kept or {}, links or {}
        attempts = tuple(
            each.with_kept(news.get(each.number, ())).with_audio(found.get(each.number, each.audio))
            for each in self.attempts
        )
        check_at = self.check_at if self.publish_pending else next_look(rescue, self.erasing_until)
        return self._moved(self.status, self.updated_at, rescue=rescue, attempts=attempts, check_at=check_at)

    def _unknown_to_pay(self) -> tuple[int, ...]:
        return (
            tuple(each.number for each in self.attempts[:-1] if each.has_unknown_outcome) if self.pays_unknown else ()
        )

    def _closed_attempts(self, failure: Failure, now: datetime) -> tuple[Attempt, ...]:
        return (*self.attempts[:-1], *(each.closed(failure, now) for each in self.attempts[-1:]))

    def _ended(self, status: JobStatus, now: datetime, check_at: datetime, **changes: object) -> "Job":
        return self._moved(status, now, finished_at=now, publish_pending=True, check_at=check_at, **changes)

    def _moved(self, status: JobStatus, now: datetime, **changes: object) -> "Job":
        if status is not self.status and status not in TRANSITIONS[self.status]:
            raise AssertionError(f"a {self.status} job cannot become {status}")
        first_stored_at = self.first_stored_at or (self.updated_at if self.tracks else None)
        about = {"status": status, "updated_at": now, "first_stored_at": first_stored_at, "version": self.version + 1}
        return self.model_copy(update={"to_book": None, **changes, **about})
