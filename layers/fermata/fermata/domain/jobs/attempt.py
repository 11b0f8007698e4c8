"""One paid call to one provider, and every change it may go through."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import Field, NonNegativeInt, PositiveInt

from fermata.domain.jobs.songs import Audio, AudioSource, Record
from fermata.domain.providers.calls import (
    AudioAt,
    AudioInAnswer,
    AudioInEvents,
    AudioIsAnswer,
    Metered,
    Refused,
    StartOutcome,
    TaskStarted,
)
from fermata.domain.providers.failures import Failure, ProviderCharged
from fermata.domain.providers.patience import FreeRetries
from fermata.domain.providers.tracing import trace_id_behind

NonNegativeDecimal = Annotated[Decimal, Field(ge=0)]


class AttemptState(StrEnum):
    """The state of one paid call; the outcome of a `claimed` one is not known yet."""

    CLAIMED = "claimed"
    GENERATING = "generating"
    READY = "ready"
    FAILED = "failed"


class AwaitedCallback(Record):
    """The callback URL of one attempt, by the SHA-256 of its token, and the seconds to wait for a post to it."""

    sha256: str
    timeout_s: PositiveInt


class StagedAt(Record):
    """The job and attempt under which a provider's answer is staged."""

    job_id: str
    attempt: PositiveInt


class Attempt(Record):
    """One POST to one provider, for the model at position `candidate` of the job's chain. `dialect` reads its answers.
    From `claim_until` on, another run may record the outcome of a claim without an answer as unknown.

    `cost_micro_usd` is the provider's price of the song; it counts in the provider's budget of the day of `started_at`
    unless the provider certainly did not charge. `audio` is set once the attempt is ready. `late` marks an answer that
    arrived whole after its outcome was recorded as unknown. `poll_route` is the index of the provider's polling route
    that knew the task. `reconciled_at` is when an operator matched the attempt with the provider's bill, and
    `refunded_micro_usd` the amount that the bill refunds.
    `wanted` are the positions of the songs to store among those that the provider made; empty means all.
    `staged_at` is where the answer of an attempt carried over from another job is staged; that job is billed.
    `retries` are the free retries after the purchase. `kept` are the numbers of the songs whose files were fetched into
    staging later. `bought_at` is the instant from which the result of a carried-over attempt is available.
    `not_yet_at` is when the provider last reported that the song is not ready, or accepted the order; it equals
    `finished_at` if that answer brought the song, and is None if no run observed it.
    `awaits` are the numbers of the songs for which the task is asked for new links, and `new_links` counts the answers
    that gave some. `delivered` are the songs of the same order that other jobs delivered, by number, as the SHA-256 of
    the provider's files.
    `trace_id` is the provider's trace id of the paid call, or if its answer had none, of the poll that ended the
    attempt. `provider_units` is how many units the provider counted for the order, in its own unit, and
    `provider_micro_usd` the amount that its answer states. `cost_micro_usd` follows them once they are known.
    """

    number: PositiveInt
    provider: str
    dialect: str
    model: str
    key_alias: str
    claim_id: str
    claim_until: datetime
    started_at: datetime
    candidate: NonNegativeInt = 0
    cost_micro_usd: NonNegativeInt = 0
    state: AttemptState = AttemptState.CLAIMED
    finished_at: datetime | None = None
    provider_charged: ProviderCharged = ProviderCharged.UNKNOWN
    failure: Failure | None = None
    upstream_id: str | None = None
    audio: Audio | None = None
    link_renewals: NonNegativeInt = 0
    poll_route: NonNegativeInt = 0
    callback: AwaitedCallback | None = None
    late: bool = False
    wanted: tuple[PositiveInt, ...] = ()
    reconciled_at: datetime | None = None
    refunded_micro_usd: NonNegativeInt = 0
    staged_at: StagedAt | None = None
    retries: FreeRetries = FreeRetries.model_construct()
    kept: tuple[PositiveInt, ...] = ()
    not_yet_at: datetime | None = None
    bought_at: datetime | None = None
    awaits: tuple[PositiveInt, ...] = ()
    new_links: NonNegativeInt = 0
    delivered: Mapping[int, str] = {}
    trace_id: str | None = None
    provider_units: NonNegativeDecimal | None = None
    provider_micro_usd: NonNegativeInt | None = None

    def after(self, outcome: StartOutcome, now: datetime) -> "Attempt":
        """This attempt after the parsed answer to its POST or to a poll."""
        moved = self._moved(outcome, now).traced(trace_id_behind(outcome))
        if isinstance(outcome, AudioAt | AudioInAnswer | AudioInEvents | TaskStarted):
            return moved.counted(outcome.metered)
        return moved

    @property
    def support_id(self) -> str | None:
        """The id by which the provider's support finds the call: the attempt's own, or its failure's."""
        return self.trace_id or (self.failure.trace_id if self.failure else None)

    def traced(self, trace_id: str | None) -> "Attempt":
        """This attempt with the provider's trace id, unless it has one."""
        return self._with(trace_id=self.trace_id or trace_id)

    def counted(self, metered: Metered | None) -> "Attempt":
        """This attempt with what the provider counted, unless it is known already."""
        if metered is None or self.provider_units is not None:
            return self
        return self._with(provider_units=metered.units, provider_micro_usd=metered.micro_usd)

    def at_cost(self, cost_micro_usd: int) -> "Attempt":
        """This attempt with what the provider really took for it."""
        return self._with(cost_micro_usd=cost_micro_usd)

    def _moved(self, outcome: StartOutcome, now: datetime) -> "Attempt":
        match outcome:
            case TaskStarted(task_id):
                return self._with(
                    state=AttemptState.GENERATING, upstream_id=task_id, provider_charged=ProviderCharged.YES
                )
            case AudioInAnswer(task_id):
                return self._ready(Audio(source=AudioSource.HEX, subtitles=outcome.subtitles), now, task_id)
            case AudioInEvents(whole_event):
                return self._ready(Audio(source=AudioSource.EVENTS, whole_event=whole_event), now)
            case AudioIsAnswer():
                return self._ready(Audio(source=AudioSource.BODY), now)
            case AudioAt(task_id=task_id):
                found = self.links_with(outcome, self.awaits or self.wanted)
                return self._ready(found, now, task_id, new_links=self.new_links + (self.audio is not None))
            case Refused(failure):
                believed = failure if self.state is AttemptState.CLAIMED else failure.of_an_accepted_order()
                return self._with(
                    state=AttemptState.FAILED,
                    finished_at=now,
                    failure=believed,
                    provider_charged=believed.provider_charged,
                )

    def closed(self, failure: Failure, now: datetime) -> "Attempt":
        """This attempt at the end of its job: failed with `failure` unless it is ready or failed already."""
        is_over = self.state in (AttemptState.READY, AttemptState.FAILED)
        return self if is_over else self.after(Refused(failure), now)

    def links_with(self, found: AudioAt, awaited: tuple[int, ...]) -> Audio:
        """The recorded links merged with those of a newer answer for the awaited songs."""
        all_links = (found.url, *found.further)
        links = Audio(source=AudioSource.LINKS, links=all_links, without_link=found.missing, subtitles=found.subtitles)
        return links if self.audio is None else self.audio.with_newer(links, awaited)

    @property
    def has_links(self) -> bool:
        """Whether a link to a song that is to be delivered is recorded."""
        return self.audio is not None and bool(self.audio.links) and bool(self.song_numbers)

    def with_known_links(self, now: datetime) -> "Attempt":
        """This attempt after its task gave no new link: the recorded links are fetched again."""
        return self._with(state=AttemptState.READY, finished_at=now)

    def with_audio(self, audio: Audio | None) -> "Attempt":
        """This attempt with this knowledge of its songs."""
        return self._with(audio=audio)

    @property
    def odd_numbers(self) -> tuple[int, ...]:
        """The numbers of the songs with a whole file that no meter accepts, kept while their job was open."""
        # The files of a carried-over attempt are staged under the job that fetched them, and are fetched anew.
        songs = self.retries.songs.items() if self.staged_at is None else ()
        return tuple(number for number, song in songs if song.is_odd)

    @property
    def song_numbers(self) -> tuple[int, ...]:
        """The numbers of the songs to deliver that are available: by a link, in the answer, or as files kept later."""
        found = {*(self.audio.numbers if self.audio else ()), *self.kept}
        return tuple(number for number in sorted(found) if not self.wanted or number in self.wanted)

    def staging_of(self, job_id: str) -> StagedAt:
        """Where everything received for this attempt of a job is staged."""
        return self.staged_at or StagedAt(job_id=job_id, attempt=self.number)

    @property
    def result_from(self) -> datetime:
        """When the provider's result became available, as far as known: the attempt's end, otherwise its order."""
        return self.bought_at or self.finished_at or self.started_at

    @property
    def has_unknown_outcome(self) -> bool:
        """Whether it has ended and it is unknown whether the provider charged for it."""
        doubtful = self.state is AttemptState.FAILED and self.provider_charged is ProviderCharged.UNKNOWN
        return doubtful and self.staged_at is None

    @property
    def may_be_billed(self) -> bool:
        """Whether a bill may list it: it may have been charged, or was refunded."""
        return self.staged_at is None and (
            self.provider_charged is not ProviderCharged.NO or self.refunded_micro_usd > 0
        )

    @property
    def announced_by(self) -> AwaitedCallback | None:
        """The callback that announces this attempt's next step, or None: providers announce songs once, new links
        never.
        """
        return self.callback if self.link_renewals == 0 else None

    def awaiting_a_new_link(self, numbers: tuple[int, ...] = ()) -> "Attempt":
        """This attempt after links to these songs failed: its task is asked once more, and the links stay."""
        return self._with(
            state=AttemptState.GENERATING, finished_at=None, link_renewals=self.link_renewals + 1, awaits=numbers
        )

    def with_retries(self, retries: FreeRetries) -> "Attempt":
        """This attempt with these free retries."""
        return self._with(retries=retries)

    def not_yet(self, at: datetime) -> "Attempt":
        """This attempt after an answer at `at` without a song, or the first with one. The latest instant is kept."""
        return self._with(not_yet_at=at) if at > (self.not_yet_at or self.started_at) else self

    def forgotten(self) -> "Attempt":
        """This attempt without its song and messages: ids and billing facts stay."""
        failure = self.failure.model_copy(update={"message": "deleted"}) if self.failure else None
        return self._with(audio=None, failure=failure, retries=FreeRetries(), kept=(), delivered={})

    def known_on(self, poll_route: int) -> "Attempt":
        """This attempt with the polling route that knows its task."""
        return self._with(poll_route=poll_route)

    def age_s(self, now: datetime) -> float:
        """Seconds since the order."""
        return (now - self.started_at).total_seconds()

    def reconciled(self, charged: ProviderCharged, refunded_micro_usd: int, now: datetime) -> "Attempt":
        """This attempt with the charge and refund of the provider's bill; its failure stays as it was recorded."""
        return self._with(provider_charged=charged, refunded_micro_usd=refunded_micro_usd, reconciled_at=now)

    def carried_over(
        self,
        staged_at: StagedAt,
        now: datetime,
        wanted: tuple[int, ...] = (),
        kept: tuple[int, ...] = (),
        delivered: Mapping[int, str] | None = None,
    ) -> "Attempt":
        """This attempt as the first one of another job: ordered already, its answer still to be read. `wanted` are the
        positions of the songs to store; empty means the same as before. `kept` are the songs with a file in staging,
        `delivered` the SHA-256 of the songs that its job delivered, by number.
        """
        has_links = self.audio is not None and self.audio.source is AudioSource.LINKS
        return Attempt(
            number=1,
            provider=self.provider,
            dialect=self.dialect,
            model=self.model,
            key_alias=self.key_alias,
            claim_id=self.claim_id,
            claim_until=self.claim_until,
            started_at=now,
            upstream_id=self.upstream_id,
            trace_id=self.trace_id,
            audio=self.audio if kept or has_links else None,
            poll_route=self.poll_route,
            staged_at=self.staged_at or staged_at,
            wanted=wanted or self.wanted,
            kept=kept,
            delivered={**self.delivered, **(delivered or {})},
            bought_at=self.result_from,
        )

    def found_kept(self, now: datetime) -> "Attempt":
        """This attempt, ready with its staged files and its recorded links."""
        return self._with(state=AttemptState.READY, finished_at=now, provider_charged=ProviderCharged.YES)

    def with_kept(self, numbers: tuple[int, ...]) -> "Attempt":
        """This attempt with more songs whose files are in staging."""
        return self._with(kept=tuple(sorted({*self.kept, *numbers})))

    def marked_late(self, brought: "Attempt | None" = None) -> "Attempt":
        """This attempt after its answer arrived whole once its outcome was recorded as unknown; `brought` is the same
        attempt with the task and audio of that answer.
        """
        if brought is None:
            return self._with(late=True)
        counted = {"provider_units": brought.provider_units, "provider_micro_usd": brought.provider_micro_usd}
        news = {"upstream_id": brought.upstream_id, "audio": brought.audio, **counted}
        return self._with(late=True, **news).traced(brought.trace_id)

    def _ready(self, audio: Audio, now: datetime, task_id: str | None = None, new_links: int = 0) -> "Attempt":
        return self._with(
            state=AttemptState.READY,
            finished_at=now,
            upstream_id=task_id or self.upstream_id,
            audio=audio,
            new_links=new_links,
            provider_charged=ProviderCharged.YES,
        )

    def _with(self, **changes: object) -> "Attempt":
        return self.model_copy(update=changes)
