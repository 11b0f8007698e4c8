"""A job and its attempts as values, and every change they may go through. Pure: time, ids and claims come in as
arguments.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Final

from pydantic import Field, NonNegativeInt, PositiveInt

from fermata.domain.jobs.attempt import Attempt, AttemptState, AwaitedCallback
from fermata.domain.jobs.rescue_record import Rescue
from fermata.domain.jobs.shares import ordered_numbers, share_of
from fermata.domain.jobs.songs import Audio, MissingTrack, Record, Track
from fermata.domain.jobs.status import TRANSITIONS, Charged, JobStatus
from fermata.domain.orders.candidates import Candidate, hold_for
from fermata.domain.orders.order_request import SongRequest
from fermata.domain.orders.references import PreparedReference, ProviderIds, refused_by
from fermata.domain.providers.calls import Refused
from fermata.domain.providers.failures import Failure, FailureClass, ProviderCharged
from fermata.domain.providers.fallback import NextStep, OnUnknown, step_after
from fermata.domain.providers.spending import Booking, booking

MAX_ATTEMPTS: Final = 4

TOMBSTONE_KEPT_FOR: Final = timedelta(days=14)
"""How long a deleted job is remembered: as long as Step Functions lets an ended execution be started again."""

ERASED_WITHIN: Final = timedelta(seconds=60)
"""How long the run that deletes a job may take for its files before somebody else deletes what is left."""

PUBLISHED_WITHIN: Final = timedelta(seconds=60)
"""How long the run that settled a job may take to publish its end before somebody else does."""


class Job(Record):
    """A caller's order. `version` grows with every write and is the condition of the next one.

    `check_at` is when somebody looks whether the job still moves; None once nothing is left to do. `absent_since` is
    when its execution was first not found. `publish_pending` says that nobody has been told of the end yet.
    `deleted_at` makes it a tombstone, which callers do not see; `erasing_until` is there as long as files of it may be
    left, and says when somebody else than the run that deletes them looks.
    `candidates` are the requested model and its fallbacks with their prices, never empty and never changed.
    `reference` is the recording that the song refers to, once it is measured. A `refusal` is why nobody is
    asked (any more): the recording cannot be used, or the operator holds the last provider back for too long.
    `tracks` are the stored songs and `missing` those that could not be had, both by number and without overlap;
    `first_stored_at` is when the first song was stored, noted once the job moves on from there.
    `recovered_from` is the job whose song this one delivers, without an order of its own. `pays_unknown` is whether its
    customer pays for attempts of unknown outcome, too, where a fallback delivers after them; `paid_unknown` are the
    numbers of those that it paid for, whatever the provider's bill says of them later.
    `rescue` is there once it has ended without songs that were paid for and may still be had.
    `spent_before_deletion` is what a deleted job had spent, which its tracks do not tell any more.
    `to_book` is what the write of this very version books in a provider's budget; it is not part of the record.
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
    pays_unknown: bool = False
    paid_unknown: tuple[PositiveInt, ...] = ()
    rescue: Rescue | None = None
    version: PositiveInt = Field(default=1)
    to_book: Booking | None = Field(default=None, exclude=True)

    @property
    def last_attempt(self) -> Attempt | None:
        """The newest attempt, or None while nothing was ordered."""
        return self.attempts[-1] if self.attempts else None

    def newly_in_doubt(self, before: "Job") -> tuple[Attempt, ...]:
        """The attempts that have come to be in doubt since an earlier version of this job."""
        known = {attempt.number for attempt in before.attempts if attempt.is_in_doubt}
        return tuple(each for each in self.attempts if each.is_in_doubt and each.number not in known)

    def song_of(self, sha256: str, number: int, attempt: Attempt) -> int | None:
        """The number of another song of the same order that has this file; None where there is none."""
        there = {**attempt.delivered, **{track.number: track.sha256 for track in self.tracks}}
        return next((other for other, known in there.items() if known == sha256 and other != number), None)

    @property
    def turn(self) -> int:
        """Position in `candidates` of the model that is being asked, or is to be asked next."""
        last = self.last_attempt
        if last is None:
            return 0
        moves_on = self.status is JobStatus.QUEUED and self._step_after(last) is NextStep.NEXT_MODEL
        return last.candidate + moves_on

    @property
    def candidate(self) -> Candidate:
        """The model that is being asked, or is to be asked next."""
        return self.candidates[self.turn]

    @property
    def unordered_turn(self) -> tuple[str, int] | None:
        """The provider that the next attempt is for, or was for when the job ended, and that attempt's number. None
        where no attempt follows the last one.
        """
        last = self.last_attempt
        if last is None:
            return self.candidates[0].provider, 1
        step = self._step_after(last)
        if step is NextStep.END or last.number >= MAX_ATTEMPTS:
            return None
        return self.candidates[last.candidate + (step is NextStep.NEXT_MODEL)].provider, last.number + 1

    @property
    def has_another_provider(self) -> bool:
        """Whether the chain goes on, after the model whose turn it is, with a model of another provider."""
        return any(each.provider != self.candidate.provider for each in self.candidates[self.turn + 1 :])

    @property
    def price_credits(self) -> int:
        """The delivered model's price; until then the highest that the job may come to."""
        return self.candidate.price_credits if self.charged is Charged.YES else self.hold_credits

    @property
    def spent_credits(self) -> int:
        """What the customer paid, in credits: for the delivered songs, and where its plan says so for attempts of
        unknown outcome before them; 0 unless the job was delivered.
        """
        if self.charged is not Charged.YES:
            return 0
        if self.deleted_at is not None:
            # A tombstone from before shares has no such figure: a delivered job spent its whole price then.
            return self.price_credits if self.spent_before_deletion is None else self.spent_before_deletion
        unknown = (each for each in self.attempts if each.number in self.paid_unknown)
        return self.song_credits + sum(self.candidates[each.candidate].price_credits for each in unknown)

    @property
    def song_credits(self) -> int:
        """The share of the delivered model's price that the delivered songs come to, rounded down."""
        return share_of(self.price_credits, len(self.tracks), self.candidate.songs)

    @property
    def at_risk(self) -> int:
        """How many songs may be bought for this order that nobody pays for, where its customer's own terms let some be:
        one by `finish_by`, and one of each model where `on_unknown` goes on to the next.
        """
        if self.request.on_unknown is OnUnknown.FALLBACK and len(self.candidates) > 1:
            return min(len(self.candidates), MAX_ATTEMPTS)
        return int(self.request.finish_by is not None)

    @property
    def lost(self) -> tuple[Attempt, ...]:
        """The attempts of an ended job that a provider was or may have been paid for, and the customer did not pay."""
        if not self.status.is_terminal:
            return ()
        mine = self.attempts[:-1] if self.charged is Charged.YES else self.attempts
        return tuple(each for each in mine if each.may_be_billed and each.number not in self.paid_unknown)

    @property
    def is_ended_by_caller(self) -> bool:
        """Whether it ended before anything was bought, and by its caller's own doing: a cancel, a `finish_by` that left
        no time, or a reference that cannot be used.
        """
        by_caller = self.status in (JobStatus.CANCELED, JobStatus.EXPIRED)
        unusable = self.status is JobStatus.FAILED and self.refusal is not None
        return (by_caller or unusable) and not self.lost

    @property
    def ordered_numbers(self) -> tuple[int, ...]:
        """The positions of the songs that are paid for, among those that the provider makes."""
        return ordered_numbers(self.candidate.songs, self.last_attempt.wanted if self.last_attempt else ())

    @property
    def hold_credits(self) -> int:
        """What is held from submission to the end: the most that the job may come to."""
        return hold_for(self.candidates, pays_unknown=self.pays_unknown)

    @property
    def charged(self) -> Charged:
        """What the customer's credits did. There is no job without a hold."""
        if not self.status.is_terminal:
            return Charged.HELD
        return Charged.YES if self.status is JobStatus.SUCCEEDED else Charged.REFUNDED

    @property
    def ids(self) -> ProviderIds | None:
        """The names under which the model whose turn it is knows the reference, if its provider was given the file."""
        rule = self.candidate.reference
        if rule is None or rule.handed_over == "link" or self.reference is None:
            return None
        return self.reference.ids_with(self.candidate.provider)

    @property
    def awaits_copy(self) -> bool:
        """Whether the reference has still to be measured, checked for the model whose turn it is, or copied because its
        provider fetches it by a link.
        """
        rule = self.candidate.reference
        if rule is None:
            return False
        if self.reference is None or refused_by(rule, self.reference) is not None:
            return True
        return rule.handed_over == "link" and not self.reference.is_copy_of(self.id)

    @property
    def awaits_reference(self) -> bool:
        """Whether the reference has still to be stored, checked or handed over for the model whose turn it is."""
        rule = self.candidate.reference
        return self.awaits_copy or (rule is not None and rule.handed_over == "ids" and self.ids is None)

    @property
    def order_by(self) -> datetime:
        """Until when the model whose turn it is may be asked for the song."""
        return self._order_by(self.candidate)

    def may_claim(self, now: datetime) -> bool:
        """Whether a new attempt may be claimed: still queued, attempts left, not past `order_by`, reference usable."""
        open_for_more = self.status is JobStatus.QUEUED and len(self.attempts) < MAX_ATTEMPTS
        return open_for_more and now < self.order_by and self.refusal is None

    def next_attempt(
        self,
        key_alias: str,
        claim_id: str,
        started_at: datetime,
        claim_until: datetime,
        callback: AwaitedCallback | None = None,
    ) -> Attempt:
        """The attempt that follows those on record, for the model whose turn it is."""
        return Attempt(
            number=len(self.attempts) + 1,
            candidate=self.turn,
            provider=self.candidate.provider,
            dialect=self.candidate.dialect,
            model=self.candidate.upstream_model,
            key_alias=key_alias,
            claim_id=claim_id,
            claim_until=claim_until,
            started_at=started_at,
            cost_micro_usd=self.candidate.cost_micro_usd,
            callback=callback,
        )

    def claimed(self, attempt: Attempt, now: datetime) -> "Job":
        """This job with a new attempt about to be sent, whose cost is booked."""
        booked = booking(attempt.provider, attempt.started_at, attempt.cost_micro_usd)
        return self._moved(JobStatus.SUBMITTING, now, attempts=(*self.attempts, attempt), to_book=booked)

    def with_outcome(self, attempt: Attempt, now: datetime) -> "Job":
        """This job after its last attempt learned something; the job's status follows the attempt's state. The cost of
        one that failed surely unpaid is given back to the budget.
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
        """This job after a free step of its last attempt that brought nothing, and perhaps a song that is given up with
        it. Callers see no difference, so `updated_at` stays.
        """
        missing = self.missing if given_up is None else (*self.missing, given_up)
        attempts = (*self.attempts[:-1], attempt)
        return self._moved(self.status, self.updated_at, attempts=attempts, missing=missing)

    def known_not_yet(self, number: int, at: datetime | None) -> "Job":
        """This very version of the job with what its state machine remembers of an attempt that still goes on: when the
        provider last said that the song is not ready. It is stored by the next write that there is anyway.
        """
        last = self.last_attempt
        if at is None or last is None or last.number != number or last.state is not AttemptState.GENERATING:
            return self
        return self.model_copy(update={"attempts": (*self.attempts[:-1], last.not_yet(at))})

    def with_late_answer(self, number: int, now: datetime, brought: Attempt | None = None) -> "Job":
        """This job with an attempt marked late, and what its answer `brought`; the status does not change."""
        told = brought if self.deleted_at is None else None
        attempts = tuple(each.marked_late(told) if each.number == number else each for each in self.attempts)
        return self._moved(self.status, now, attempts=attempts)

    def with_bills(
        self, charged: Mapping[int, ProviderCharged], now: datetime, refunded_micro_usd: Mapping[int, int] | None = None
    ) -> "Job":
        """This job once the provider's bill tells, by their numbers, whether some attempts were charged and what came
        back of that. Nothing else changes: neither how the job ended nor what its customer paid.
        """
        back = refunded_micro_usd or {}
        attempts = tuple(
            each.reconciled(charged[each.number], back.get(each.number, 0), now) if each.number in charged else each
            for each in self.attempts
        )
        return self._moved(self.status, self.updated_at, attempts=attempts)

    def with_reference(self, reference: PreparedReference, now: datetime) -> "Job":
        """This job with its reference measured or copied, or handed over to one more provider."""
        return self._moved(self.status, now, reference=reference)

    def with_refusal(self, refusal: Failure, now: datetime) -> "Job":
        """This job with the reason why its reference cannot be used; it is settled with it."""
        return self._moved(self.status, now, refusal=refusal)

    def with_attempt_without_order(self, attempt: Attempt, now: datetime) -> "Job":
        """This job after an attempt that failed before anything was ordered, begun and ended in one write: its provider
        did not take the reference, or was not asked.
        """
        failed = self.claimed(attempt, now).with_outcome(attempt, now)
        return failed.model_copy(update={"version": self.version + 1})

    def with_tracks(
        self, tracks: tuple[Track, ...], now: datetime, missing: tuple[MissingTrack, ...] | None = None
    ) -> "Job":
        """This job with its files stored, as far as they are, and the songs that cannot be had; None leaves those that
        are noted. A song that is stored is not missing.
        """
        noted = self.missing if missing is None else missing
        stored = {track.number for track in tracks}
        return self._moved(
            JobStatus.STORING,
            now,
            tracks=tuple(sorted(tracks, key=_number)),
            missing=tuple(sorted((each for each in noted if each.number not in stored), key=_number)),
        )

    def settled(self, failure: Failure | None, now: datetime) -> "Job":
        """This job at its end: succeeded where there is no failure; then every song that was ordered or made and is not
        there is noted as missing. An attempt that nobody heard from is closed as unknown.
        """
        if failure is None and not self.tracks:
            raise AssertionError(f"a {self.status} job cannot become succeeded without a song")
        status = JobStatus.SUCCEEDED if failure is None else JobStatus.FAILED
        attempts = self._closed_attempts(failure, now)
        delivered = failure is None
        changes = {
            "failure": failure,
            "attempts": attempts,
            "missing": self._all_missing() if delivered else self.missing,
            "paid_unknown": self._doubts_to_pay() if delivered else (),
        }
        return self._ended(status, now, now + PUBLISHED_WITHIN, **changes)

    def is_overdue(self, now: datetime) -> bool:
        """Whether the song would come after `finish_by`: that has passed, or nothing can be ordered in time any more. A
        song that was stored in time is in time, and a failure that ended the job before stays its reason.
        """
        finish_by, last = self.request.finish_by, self.last_attempt
        if finish_by is None or self.status.is_terminal:
            return False
        if self.status is JobStatus.QUEUED:
            return now >= self.order_by
        if last is not None and last.state is AttemptState.FAILED:
            return False
        # One song in time is enough, whenever the others came or were given up.
        return ((self.first_stored_at or self.updated_at) if self.tracks else now) >= finish_by

    def is_past_finish_by(self, now: datetime) -> bool:
        """Whether nothing is waited for any more because the caller's own deadline has passed."""
        return self.request.finish_by is not None and now >= self.request.finish_by

    def expired(self, failure: Failure, now: datetime) -> "Job":
        """This job at its end because its song came too late; an attempt that nobody heard from is closed."""
        attempts = self._closed_attempts(failure, now)
        return self._ended(JobStatus.EXPIRED, now, now + PUBLISHED_WITHIN, failure=failure, attempts=attempts)

    @property
    def may_cancel(self) -> bool:
        """Whether nothing is ordered, or on its way to be: waiting for a first turn or for another one."""
        return self.status is JobStatus.QUEUED

    def canceled(self, now: datetime) -> "Job":
        """This job, taken back before anything was ordered that could still be delivered."""
        # Whoever cancels does not publish, so that it is told as soon as anybody looks.
        return self._ended(JobStatus.CANCELED, now, now)

    def published(self) -> "Job":
        """This job once its end was told; nothing is left to do but perhaps the rescue of its songs, or the rest of its
        deletion.
        """
        changes = {
            "publish_pending": False,
            "check_at": _next_look(self.rescue, self.erasing_until),
            "absent_since": None,
        }
        return self._moved(self.status, self.updated_at, **changes)

    def with_rescue(
        self,
        rescue: Rescue,
        kept: Mapping[int, tuple[int, ...]] | None = None,
        links: Mapping[int, Audio] | None = None,
    ) -> "Job":
        """This ended job after a step of the rescue of its songs, with the numbers of those that it newly `kept` and
        the `links` that it learned, by attempt. Callers see no difference, so `updated_at` stays.
        """
        news, found = kept or {}, links or {}
        attempts = tuple(
            each.with_kept(news.get(each.number, ())).with_audio(found.get(each.number, each.audio))
            for each in self.attempts
        )
        check_at = self.check_at if self.publish_pending else _next_look(rescue, self.erasing_until)
        return self._moved(self.status, self.updated_at, rescue=rescue, attempts=attempts, check_at=check_at)

    def forgotten(self, now: datetime) -> "Job":
        """The tombstone of this job: its end, its ids and who charged what, so that nothing is bought for it again. Its
        files are still to be deleted.
        """
        rescue = self.rescue.forgotten(now) if self.rescue is not None else None
        erasing_until = now + ERASED_WITHIN
        return self.model_copy(
            update={
                "rescue": rescue,
                "check_at": self.check_at if self.publish_pending else _next_look(rescue, erasing_until),
                "request": SongRequest(model=self.request.model),
                "attempts": tuple(attempt.forgotten() for attempt in self.attempts),
                "tracks": (),
                "missing": (),
                "spent_before_deletion": self.spent_credits,
                "reference": None,
                "refusal": None,
                "failure": self.failure.model_copy(update={"message": "deleted"}) if self.failure else None,
                "deleted_at": now,
                "erasing_until": erasing_until,
                "version": self.version + 1,
            }
        )

    def erased(self) -> "Job":
        """This tombstone once none of its files is left."""
        check_at = self.check_at if self.publish_pending else _next_look(self.rescue, None)
        return self._moved(self.status, self.updated_at, erasing_until=None, check_at=check_at)

    def next_step(self, now: datetime) -> NextStep:
        """What follows the last attempt's failure; `END` where nothing failed or no attempt is left."""
        last = self.last_attempt
        if last is None or self.status is not JobStatus.QUEUED or not self._may_follow(last, now):
            return NextStep.END
        return self._step_after(last)

    def _may_follow(self, attempt: Attempt, now: datetime) -> bool:
        # A song that was once there is paid, whatever the provider says about it later.
        was_made = bool(self.tracks) or attempt.link_renewals > 0
        step = self._step_after(attempt)
        if attempt.number >= MAX_ATTEMPTS or was_made or self.refusal is not None or step is NextStep.END:
            return False
        return now < self._order_by(self.candidates[attempt.candidate + (step is NextStep.NEXT_MODEL)])

    def _order_by(self, candidate: Candidate) -> datetime:
        """Until when a model may be asked: as long as the order may wait, and its song is likely to be in time."""
        finish_by = self.request.finish_by
        if finish_by is None:
            return self.start_by
        return min(self.start_by, finish_by - timedelta(seconds=candidate.p80_s))

    def _step_after(self, attempt: Attempt) -> NextStep:
        if attempt.failure is None:
            return NextStep.END
        model_left = attempt.candidate + 1 < len(self.candidates)
        return step_after(attempt.failure, self.request.on_unknown, model_left=model_left)

    def _doubts_to_pay(self) -> tuple[int, ...]:
        return tuple(each.number for each in self.attempts[:-1] if each.is_in_doubt) if self.pays_unknown else ()

    def _all_missing(self) -> tuple[MissingTrack, ...]:
        known = {track.number for track in self.tracks} | {each.number for each in self.missing}
        last = self.last_attempt
        made = last.audio.songs if last is not None and last.audio is not None else 0
        expected = (last.wanted if last is not None else ()) or range(1, max(self.candidate.songs, made) + 1)
        unnoted = [number for number in expected if number not in known]
        more = (MissingTrack(number=number, reason=_why_not_stored(last, number)) for number in unnoted)
        return tuple(sorted((*self.missing, *more), key=_number))

    def _closed_attempts(self, failure: Failure | None, now: datetime) -> tuple[Attempt, ...]:
        last = self.last_attempt
        if last is None or failure is None or last.state in (AttemptState.READY, AttemptState.FAILED):
            return self.attempts
        return (*self.attempts[:-1], last.after(Refused(failure), now))

    def _ended(self, status: JobStatus, now: datetime, check_at: datetime, **changes: object) -> "Job":
        return self._moved(status, now, finished_at=now, publish_pending=True, check_at=check_at, **changes)

    def _moved(self, status: JobStatus, now: datetime, **changes: object) -> "Job":
        if status is not self.status and status not in TRANSITIONS[self.status]:
            raise AssertionError(f"a {self.status} job cannot become {status}")
        first_stored_at = self.first_stored_at or (self.updated_at if self.tracks else None)
        about = {"status": status, "updated_at": now, "first_stored_at": first_stored_at, "version": self.version + 1}
        return self.model_copy(update={"to_book": None, **changes, **about})


def _next_look(rescue: Rescue | None, erasing_until: datetime | None) -> datetime | None:
    """When somebody looks after an ended job, once its end was told; None where nothing is left to do."""
    moments = (rescue.look_at if rescue is not None else None, erasing_until)
    return min((moment for moment in moments if moment is not None), default=None)


def _number(song: Track | MissingTrack) -> int:
    return song.number


def _why_not_stored(attempt: Attempt | None, number: int) -> Failure:
    """Why a song of a delivered job is not there, where whoever tried to store it has not noted it."""
    audio = attempt.audio if attempt is not None else None
    trouble = _trouble_of(attempt, number)
    if audio is not None and audio.songs < number:
        were = "was" if audio.songs == 1 else "were"
        found = FailureClass.INCOMPLETE, f"only {audio.songs} of the ordered songs {were} made", "fewer_songs"
    elif audio is not None and number in audio.without_link:
        found = FailureClass.INCOMPLETE, "the song was finished without a link to it", "without_link"
    elif attempt is not None and (known := attempt.failure or trouble) is not None:
        return known
    else:
        found = FailureClass.TRANSIENT, "the song was made but could not be stored", "not_stored"
    failure_class, message, code = found
    charged = attempt.provider_charged if attempt is not None else ProviderCharged.UNKNOWN
    return Failure(failure_class=failure_class, provider_charged=charged, message=message, code=code)


def _trouble_of(attempt: Attempt | None, number: int) -> Failure | None:
    """What stands in the way of a song at present: its own trouble, else that of its attempt."""
    if attempt is None or attempt.retries.since is None:
        return None
    song = attempt.retries.songs.get(number)
    return song.last if song is not None else attempt.retries.last


def not_started(start_by: datetime) -> Failure:
    """The failure of a job that was never ordered in time."""
    return Failure(
        failure_class=FailureClass.TRANSIENT,
        provider_charged=ProviderCharged.NO,
        message=f"the song was not ordered before {start_by:%Y-%m-%dT%H:%M:%SZ}; nothing was paid",
        code="not_started",
    )
