"""The record of a job, what follows from it, and its claim. Pure: time and claims are arguments."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, NonNegativeInt, PositiveInt

from fermata.domain.audio.sound import TrackSound
from fermata.domain.jobs.attempt import Attempt
from fermata.domain.jobs.rescue_record import Rescue
from fermata.domain.jobs.shares import delivered_units, price_of_delivered
from fermata.domain.jobs.songs import MissingTrack, Record, Track
from fermata.domain.jobs.status import TRANSITIONS, Charged, JobStatus
from fermata.domain.jobs.terms import MAX_ATTEMPTS, AfterFailure, Terms
from fermata.domain.orders.candidates import Candidate, hold_for
from fermata.domain.orders.job_id import execution_name
from fermata.domain.orders.order_request import SongRequest
from fermata.domain.orders.references import PreparedReference, ProviderIds, needs_copy
from fermata.domain.providers.failures import Failure
from fermata.domain.providers.spending import Booking, booking
from fermata.domain.tenants.key_cap import KeyCap


class JobRecord(Record):
    """A caller's order. `version` grows with every write and is the condition of the next one.

    `check_at` is when the reaper checks the job's progress; None once nothing is left to do. `absent_since` is when its
    execution was first found absent. `publish_pending` is true until the job's end is published.
    `deleted_at` makes it a tombstone, which callers do not see; `erasing_until` is set while files of it may be left,
    and is when the reaper takes over from the run that deletes them.
    `candidates` are the ordered model and its fallbacks with their prices, never empty and never changed.
    `reference` is the measured reference recording of the song. `refusal` is why no provider is called (any more): the
    recording cannot be used, or the operator blocks the last provider for too long.
    `tracks` are the stored songs and `missing` the unavailable ones, both by number and without overlap;
    `first_stored_at` is when the first song was stored, set by the next change of the job.
    `api_key_id` is the key that ordered over HTTP, `key_cap` its monthly cap at that time.
    `restored_at` is when the table was restored to a moment at which this job was open; since then it orders nothing.
    `recovered_from` is the job whose song this one delivers, without an order of its own. `pays_unknown` is whether the
    customer also pays for attempts of unknown outcome if a later fallback delivers; `paid_unknown` are the numbers of
    the attempts paid for so, whatever the provider's bill says later.
    `rescue` is set once the job has ended without paid songs that may still be available.
    `spent_before_deletion` are the credits that a deleted job had spent; its tracks are gone.
    `sounds` is how loud the tracks are, in a record of its own that the job's writes leave alone; empty until they are
    measured.
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
    canceled_by_operator: bool = False
    publish_pending: bool = False
    deleted_at: datetime | None = None
    erasing_until: datetime | None = None
    spent_before_deletion: NonNegativeInt | None = None
    restored_at: datetime | None = None
    recovered_from: str | None = None
    api_key_id: str | None = None
    key_cap: KeyCap | None = None
    pays_unknown: bool = False
    paid_unknown: tuple[PositiveInt, ...] = ()
    rescue: Rescue | None = None
    version: PositiveInt = Field(default=1)
    sounds: tuple[TrackSound, ...] = Field(default=(), exclude=True)
    to_book: Booking | None = Field(default=None, exclude=True)

    @property
    def last_attempt(self) -> Attempt | None:
        """The newest attempt, or None before the first order."""
        return self.attempts[-1] if self.attempts else None

    @property
    def ordered_model(self) -> str:
        """The model that the caller named, or that Fermata chose first."""
        return self.candidates[0].model if self.request.is_auto else self.request.model

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
        """What the delivered songs cost, without attempts of unknown outcome that the customer pays, too."""
        return price_of_delivered(self.candidate, self.tracks)

    @property
    def units(self) -> float | None:
        """The units that were ordered, or once delivered those that count; None if the job was deleted before."""
        if self.charged is not Charged.YES:
            return self.candidate.units
        return None if self.deleted_at else delivered_units(self.candidate, self.tracks)

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
        """The current provider's ids of the reference: those that the caller named, or those of the upload; None if it
        takes a link or has no upload yet.
        """
        rule = self.candidate.reference
        if self.candidate.ids is not None:
            return self.candidate.ids
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
        return open_for_more and now < self.order_by and self.refusal is None and self.restored_at is None

    def next_step(self, now: datetime) -> AfterFailure:
        """The step after the last attempt's failure; `END` without a failure, or if no attempt is left."""
        last = self.last_attempt
        if last is None or self.status is not JobStatus.QUEUED or not self.has_one_after(last, now):
            return AfterFailure.END
        return self.terms.step_after(last)

    def has_one_after(self, attempt: Attempt, now: datetime) -> bool:
        """Whether another attempt may follow this one."""
        # A song that once existed is paid, whatever the provider reports about it later.
        was_made = bool(self.tracks) or attempt.link_renewals > 0
        may_order = self.refusal is None and self.restored_at is None
        return not was_made and may_order and self.terms.may_follow(attempt, now)

    def is_past_finish_by(self, now: datetime) -> bool:
        """Whether the caller's own deadline has passed."""
        return self.request.finish_by is not None and now >= self.request.finish_by

    @property
    def execution_name(self) -> str:
        """The name of its execution: its id, which Step Functions gives once, or one of its own after a restore."""
        return execution_name(self.id, self.restored_at)

    @property
    def may_cancel(self) -> bool:
        """Whether no order is placed or in flight: the job waits for its first or another attempt."""
        return self.status is JobStatus.QUEUED

    def claimed(self, attempt: Attempt, now: datetime) -> Self:
        """This job with a new attempt before its POST, its cost booked."""
        booked = booking(attempt.provider, attempt.started_at, attempt.cost_micro_usd)
        return self.moved(JobStatus.SUBMITTING, now, attempts=(*self.attempts, attempt), to_book=booked)

    def moved(self, status: JobStatus, now: datetime, **changes: object) -> Self:
        """The next version of this job with these changes, in this status; the status must be allowed to follow."""
        if status is not self.status and status not in TRANSITIONS[self.status]:
            raise AssertionError(f"a {self.status} job cannot become {status}")
        first_stored_at = self.first_stored_at or (self.updated_at if self.tracks else None)
        about = {"status": status, "updated_at": now, "first_stored_at": first_stored_at, "version": self.version + 1}
        return self.model_copy(update={"to_book": None, **changes, **about})
