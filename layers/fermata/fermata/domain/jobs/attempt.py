"""One paid call to one provider, and every change it may go through."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from pydantic import NonNegativeInt, PositiveInt

from fermata.domain.jobs.songs import Audio, AudioSource, Record
from fermata.domain.providers.calls import AudioAt, AudioInAnswer, AudioIsAnswer, Refused, StartOutcome, TaskStarted
from fermata.domain.providers.failures import Failure, ProviderCharged
from fermata.domain.providers.patience import FreeRetries


class AttemptState(StrEnum):
    """Where one paid call stands; `claimed` means that nobody knows yet what came of it."""

    CLAIMED = "claimed"
    GENERATING = "generating"
    READY = "ready"
    FAILED = "failed"


class AwaitedCallback(Record):
    """The address that a provider was given for one attempt, by the SHA-256 of its token, and how many seconds to wait
    for a post to it.
    """

    sha256: str
    timeout_s: PositiveInt


class StagedAt(Record):
    """Under which job and attempt a provider's answer is staged."""

    job_id: str
    attempt: PositiveInt


class Attempt(Record):
    """One POST to one provider, for the model at position `candidate` of the job's chain. `dialect` reads its answers.
    `claim_until` is when another run may call a silent claim unknown.

    `cost_micro_usd` is what the provider asks for the song; it counts in its budget of the day of `started_at` unless
    the provider surely did not charge. `audio` is there once the attempt is ready. `late` marks an answer that arrived
    whole after its outcome had been written off as unknown. `poll_route` counts the provider's routes for polling up to
    the one that knew the task. `reconciled_at` is when an operator settled with the provider's bill what was charged,
    and `refunded_micro_usd` how much of that the bill gave back.
    `wanted` are the positions of the songs to store among those that the provider made; all of them where it is empty.
    `staged_at` says of an attempt that was carried over from another job where its answer is; it is billed there.
    `retries` is what was asked again after the purchase, for free. `kept` are the numbers of the songs whose files were
    fetched into staging later. `bought_at` is, of an attempt that was carried over, from when on its result can be had.
    `not_yet_at` is when the provider last said that the song is not ready, or took the order; it equals `finished_at`
    where that answer brought the song. None where nobody saw it.
    `awaits` are the numbers of the songs for which its task is asked for new links, and `new_links` counts the answers
    that gave some. `delivered` are the songs of the same order that other jobs delivered before, by number, as the
    SHA-256 of their files.
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
    retries: FreeRetries = FreeRetries()
    kept: tuple[PositiveInt, ...] = ()
    not_yet_at: datetime | None = None
    bought_at: datetime | None = None
    awaits: tuple[PositiveInt, ...] = ()
    new_links: NonNegativeInt = 0
    delivered: Mapping[int, str] = {}

    def after(self, outcome: StartOutcome, now: datetime) -> "Attempt":
        """This attempt once the provider's answer to its POST, or to a poll, is understood."""
        match outcome:
            case TaskStarted(task_id):
                return self._with(
                    state=AttemptState.GENERATING, upstream_id=task_id, provider_charged=ProviderCharged.YES
                )
            case AudioInAnswer(task_id):
                return self._ready(Audio(source=AudioSource.HEX), now, task_id)
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
        """This attempt at the end of its job: failed, where nobody has heard from it yet."""
        is_over = self.state in (AttemptState.READY, AttemptState.FAILED)
        return self if is_over else self.after(Refused(failure), now)

    def links_with(self, found: AudioAt, awaited: tuple[int, ...]) -> Audio:
        """The links on record together with those of a newer answer, which are looked for to the awaited songs."""
        links = Audio(source=AudioSource.LINKS, links=(found.url, *found.further), without_link=found.missing)
        return links if self.audio is None else self.audio.with_newer(links, awaited)

    @property
    def has_links(self) -> bool:
        """Whether a link to a song that is to be delivered is on record."""
        return self.audio is not None and bool(self.audio.links) and bool(self.song_numbers)

    def with_known_links(self, now: datetime) -> "Attempt":
        """This attempt after its task gave no new link: those on record are fetched again."""
        return self._with(state=AttemptState.READY, finished_at=now)

    def with_audio(self, audio: Audio | None) -> "Attempt":
        """This attempt with what is known of its songs by now."""
        return self._with(audio=audio)

    @property
    def odd_numbers(self) -> tuple[int, ...]:
        """The numbers of the songs of which a whole file that no meter takes was kept while their job was open."""
        # What was kept for an attempt that was carried over lies with the job that fetched it, and is fetched anew.
        songs = self.retries.songs.items() if self.staged_at is None else ()
        return tuple(number for number, song in songs if song.is_odd)

    @property
    def song_numbers(self) -> tuple[int, ...]:
        """The numbers of the songs to deliver that can be had: by a link, from the answer, or from files kept later."""
        found = {*(self.audio.numbers if self.audio else ()), *self.kept}
        return tuple(number for number in sorted(found) if not self.wanted or number in self.wanted)

    def staging_of(self, job_id: str) -> StagedAt:
        """Where everything lies that was received for this attempt of a job."""
        return self.staged_at or StagedAt(job_id=job_id, attempt=self.number)

    @property
    def result_from(self) -> datetime:
        """From when on the provider has the result, as far as Fermata knows: its end, else the order itself."""
        return self.bought_at or self.finished_at or self.started_at

    @property
    def is_in_doubt(self) -> bool:
        """Whether it has ended and nobody knows whether the provider charged for it."""
        doubtful = self.state is AttemptState.FAILED and self.provider_charged is ProviderCharged.UNKNOWN
        return doubtful and self.staged_at is None

    @property
    def may_be_billed(self) -> bool:
        """Whether a bill may list it: it was not surely unpaid, or only because it was refunded."""
        return self.staged_at is None and (
            self.provider_charged is not ProviderCharged.NO or self.refunded_micro_usd > 0
        )

    @property
    def announced_by(self) -> AwaitedCallback | None:
        """The callback that will tell of this attempt's next step, if any will: songs are announced once, new links to
        them never.
        """
        return self.callback if self.link_renewals == 0 else None

    def awaiting_a_new_link(self, numbers: tuple[int, ...] = ()) -> "Attempt":
        """This attempt after links to some songs brought none: its task is asked once more, and the links stay."""
        return self._with(
            state=AttemptState.GENERATING, finished_at=None, link_renewals=self.link_renewals + 1, awaits=numbers
        )

    def with_retries(self, retries: FreeRetries) -> "Attempt":
        """This attempt after one more free step told nothing, or after one told something again."""
        return self._with(retries=retries)

    def not_yet(self, at: datetime) -> "Attempt":
        """This attempt once an answer at that instant had no song, or was the first to have one. The latest counts."""
        return self._with(not_yet_at=at) if at > (self.not_yet_at or self.started_at) else self

    def forgotten(self) -> "Attempt":
        """This attempt without what the song was, or what anybody said about it: ids and billing facts stay."""
        failure = self.failure.model_copy(update={"message": "deleted"}) if self.failure else None
        return self._with(audio=None, failure=failure, retries=FreeRetries(), kept=(), delivered={})

    def known_on(self, poll_route: int) -> "Attempt":
        """This attempt with the route for polling on which its task is known."""
        return self._with(poll_route=poll_route)

    def age_s(self, now: datetime) -> float:
        """Seconds since the order."""
        return (now - self.started_at).total_seconds()

    def reconciled(self, charged: ProviderCharged, refunded_micro_usd: int, now: datetime) -> "Attempt":
        """This attempt with what the provider's bill says about it; its failure stays what was known then."""
        return self._with(provider_charged=charged, refunded_micro_usd=refunded_micro_usd, reconciled_at=now)

    def carried_over(
        self,
        staged_at: StagedAt,
        now: datetime,
        wanted: tuple[int, ...] = (),
        kept: tuple[int, ...] = (),
        delivered: Mapping[int, str] | None = None,
    ) -> "Attempt":
        """This attempt at the beginning of another job: its order stands, its answer is still to be read. `wanted` are
        the positions of the songs to store; without any, the same as before. `kept` are those with a file in staging,
        `delivered` the SHA-256 of those that its job delivered.
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
            audio=self.audio if kept or has_links else None,
            poll_route=self.poll_route,
            staged_at=self.staged_at or staged_at,
            wanted=wanted or self.wanted,
            kept=kept,
            delivered={**self.delivered, **(delivered or {})},
            bought_at=self.result_from,
        )

    def found_kept(self, now: datetime) -> "Attempt":
        """This attempt, ready by the files that were fetched into staging, and by whatever links are on record."""
        return self._with(state=AttemptState.READY, finished_at=now, provider_charged=ProviderCharged.YES)

    def with_kept(self, numbers: tuple[int, ...]) -> "Attempt":
        """This attempt with more songs whose files are in staging."""
        return self._with(kept=tuple(sorted({*self.kept, *numbers})))

    def marked_late(self, brought: "Attempt | None" = None) -> "Attempt":
        """This attempt after its answer arrived whole although it had been written off; `brought` is the same attempt
        with what the answer says.
        """
        news = {} if brought is None else {"upstream_id": brought.upstream_id, "audio": brought.audio}
        return self._with(late=True, **news)

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
