"""Every change that a job may go through. Pure: time, ids and claims are arguments."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from fermata.domain.jobs.attempt import Attempt, AttemptState
from fermata.domain.jobs.missing import all_missing, in_order
from fermata.domain.jobs.record import JobRecord
from fermata.domain.jobs.rescue_record import Rescue, next_look
from fermata.domain.jobs.shares import at_metered_cost
from fermata.domain.jobs.songs import Audio, MissingTrack, Track
from fermata.domain.jobs.status import JobStatus
from fermata.domain.orders.references import PreparedReference
from fermata.domain.providers.failures import Failure, ProviderCharged
from fermata.domain.providers.spending import booking

PUBLISHED_WITHIN: Final = timedelta(seconds=60)
"""How long the run that settles a job may take to publish its end, before the reaper does."""


class Job(JobRecord):
    """A caller's order, as its record says it, with the changes that it may go through."""

    def with_outcome(self, attempt: Attempt, now: datetime) -> "Job":
        """This job with its last attempt changed; the job's status follows the attempt's state. If the attempt fails
        certainly unpaid, its cost returns to the budget. If the provider said what it counted, the difference to the
        booked upper bound does.
        """
        following = {
            AttemptState.GENERATING: JobStatus.GENERATING,
            AttemptState.READY: JobStatus.STORING,
            AttemptState.FAILED: JobStatus.QUEUED if self.has_one_after(attempt, now) else self.status,
        }
        fails_now = self.attempts[-1].state is not AttemptState.FAILED and attempt.state is AttemptState.FAILED
        unpaid = fails_now and attempt.provider_charged is ProviderCharged.NO
        metered = at_metered_cost(attempt, self.candidates)
        correction = -attempt.cost_micro_usd if unpaid else metered.cost_micro_usd - attempt.cost_micro_usd
        booked = booking(attempt.provider, attempt.started_at, correction)
        return self.moved(following[attempt.state], now, attempts=(*self.attempts[:-1], metered), to_book=booked)

    def with_asking(self, attempt: Attempt, given_up: MissingTrack | None = None) -> "Job":
        """This job after a free retry of its last attempt without a result, and perhaps with a song given up. Callers
        see no difference, so `updated_at` stays.
        """
        missing = self.missing if given_up is None else (*self.missing, given_up)
        attempts = (*self.attempts[:-1], attempt)
        return self.moved(self.status, self.updated_at, attempts=attempts, missing=missing)

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
        metered = tuple(at_metered_cost(each, self.candidates) for each in attempts)
        # Only the late attempt's cost can differ.
        corrections = (
            booking(after.provider, after.started_at, after.cost_micro_usd - before.cost_micro_usd)
            for before, after in zip(self.attempts, metered, strict=True)
        )
        booked = next((each for each in corrections if each is not None), None)
        return self.moved(self.status, now, attempts=metered, to_book=booked)

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
        return self.moved(self.status, self.updated_at, attempts=attempts)

    def with_reference(self, reference: PreparedReference, now: datetime) -> "Job":
        """This job with its reference measured, copied, or uploaded to one more provider."""
        return self.moved(self.status, now, reference=reference)

    def with_refusal(self, refusal: Failure, now: datetime) -> "Job":
        """This job with the reason why no provider is called; the job is settled with it."""
        return self.moved(self.status, now, refusal=refusal)

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
        return self.moved(
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

    def canceled(self, now: datetime, *, by_operator: bool = False) -> "Job":
        """This job, canceled while no order was open."""
        # The canceling request does not publish the end, so the reaper's check is due at once.
        return self._ended(JobStatus.CANCELED, now, now, canceled_by_operator=by_operator)

    def published(self) -> "Job":
        """This job after its end was published; only a rescue of its songs or the rest of its deletion may be left."""
        check_at = next_look(self.rescue, self.erasing_until)
        return self.moved(self.status, self.updated_at, publish_pending=False, check_at=check_at, absent_since=None)

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
        return self.moved(self.status, self.updated_at, rescue=rescue, attempts=attempts, check_at=check_at)

    def _unknown_to_pay(self) -> tuple[int, ...]:
        return (
            tuple(each.number for each in self.attempts[:-1] if each.has_unknown_outcome) if self.pays_unknown else ()
        )

    def _closed_attempts(self, failure: Failure, now: datetime) -> tuple[Attempt, ...]:
        return (*self.attempts[:-1], *(each.closed(failure, now) for each in self.attempts[-1:]))

    def _ended(self, status: JobStatus, now: datetime, check_at: datetime, **changes: object) -> "Job":
        return self.moved(status, now, finished_at=now, publish_pending=True, check_at=check_at, **changes)
