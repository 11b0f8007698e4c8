"""Shared state of each provider, and access to its API."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from fermata.domain.catalogue.models import Estimate
    from fermata.domain.catalogue.voices import FoundVoices, Voice
    from fermata.domain.jobs.latency import SongTime
    from fermata.domain.providers.callbacks import Callback
    from fermata.domain.providers.calls import UploadCall, UpstreamAnswer, UpstreamCall
    from fermata.domain.providers.queue import Lease, Limits, Reservation
    from fermata.domain.providers.spending import PauseAndBudget
    from fermata.domain.providers.state import GivenBack, ProviderState, StartAt


class Estimates(Protocol):
    """Latencies of each model's last songs. These are statistics: no failure here may fail a job."""

    def of(self, model_id: str, prior: Estimate) -> Estimate:
        """The expected latency of a model's next song, from data some seconds old; the prior without data."""

    def read_ahead(self, model_ids: Collection[str]) -> None:
        """Read what is known of several models at once, so that `of` needs no request for each of them."""

    def learn(self, model_id: str, song: SongTime) -> None:
        """Count one delivered song of a model. A job is never counted twice; a failed write is dropped."""


class ProviderStates(Protocol):
    """Each provider's state, shared by all runs: its circuit, a record with a version, and its slots and queue. Of
    these, the next start is all that two jobs have to write. Every method raises `TransientError`.
    """

    def load(self, provider: str) -> ProviderState:
        """The provider's circuit, read consistently; a new one of version 0 before the first write."""

    def load_all(self, providers: Collection[str]) -> Mapping[str, ProviderState]:
        """The circuits of several providers by id, perhaps a second old."""

    def look(self, provider: str, ticket: str, limits: Limits, now_ms: int) -> ProviderState:
        """The circuit with the queue, and with as many slots as decide whether this ticket may call now; with all slots
        where the ticket is empty. Queue and slots may be a second old.
        """

    def holds(self, provider: str, ticket: str) -> bool:
        """Whether a ticket has a place or a slot."""

    def save(self, state: ProviderState) -> ProviderState:
        """Replace the previous version of the circuit and return the current record: this one, or another run's that
        wrote first.
        """

    def take(self, state: ProviderState, ticket: str, lease: Lease, limits: Limits) -> StartAt | None:
        """Take one of the free slots of `state` from `lease.since_ms` on, or soon after it, and the next start; None if
        others were faster. Never are more slots taken than there are, and starts are a gap apart. A slot that the
        ticket has is kept.
        """

    def wait(self, provider: str, ticket: str, place: Reservation) -> None:
        """Store when a waiting job comes again. It keeps its first reserved start."""

    def turn_away(self, provider: str, return_ms: int) -> None:
        """Note when the last job comes again that found the queue full."""

    def leave(self, provider: str, ticket: str) -> None:
        """Delete a ticket's place, if there is one."""

    def give_back(self, provider: str, slot: GivenBack) -> None:
        """Free a ticket's slot at once, if it has one; idempotent."""


class BrakeStore(Protocol):
    """The operator's pauses and budgets. Their state here is a preview: the claim's transaction checks them itself."""

    def load(self, providers: Collection[str], day: date) -> Mapping[str, PauseAndBudget]:
        """The pauses and budgets of several providers on a day, by provider; raises `TransientError`."""

    def pause(self, name: str, now: datetime) -> bool:
        """Stop orders to a provider, to all under `EVERY_PROVIDER`, or new orders under `NEW_ORDERS`; False if it was
        paused before. No claim that begins afterwards succeeds. Raises `TransientError`.
        """

    def resume(self, name: str) -> bool:
        """End the pause of this name; False if there was none. Raises `TransientError`."""

    def paused_since(self, name: str) -> datetime | None:
        """When the pause of this name began, or None without one; raises `TransientError`."""

    def set_budget(self, provider: str, micro_usd: int | None) -> None:
        """Set a provider's daily budget in place of the deployed one (0: none), or let that one hold again (None);
        raises `TransientError`.
        """


class CallbackStore(Protocol):
    """The addresses that providers post to, by the SHA-256 of their tokens. Writes are conditional as those of jobs
    are; every method raises `TransientError`.
    """

    def create(self, callback: Callback) -> None:
        """Store a new callback; raises `StaleRecordError` if its hash is taken."""

    def load(self, sha256: str) -> Callback | None:
        """The callback, read consistently, or None."""

    def save(self, callback: Callback) -> None:
        """Replace the previous version; raises `StaleRecordError` if another run wrote first."""


class VoiceStore(Protocol):
    """The voices that providers named, by the name of their list. Every method raises `TransientError`."""

    def load(self, voices: str) -> FoundVoices:
        """What a provider named last, perhaps a second old; nothing before."""

    def take_turn(self, voices: str, now: datetime, ask_again_at: datetime) -> bool:
        """Whether the caller is the one to ask the provider; then nobody else is before `ask_again_at`."""

    def save(self, voices: str, found: tuple[Voice, ...], ask_again_at: datetime) -> None:
        """Replace the voices."""


class ApiUrl(Protocol):
    """The public URL of this API, for providers that call back."""

    def read(self) -> str:
        """The URL without a trailing slash; raises `TransientError` if it cannot be read."""


class StreamedAnswer(Protocol):
    """An HTTP answer whose body is still arriving."""

    @property
    def http_status(self) -> int:
        """The status code."""

    @property
    def content_type(self) -> str:
        """The media type as sent, or an empty string."""

    @property
    def retry_after_s(self) -> int | None:
        """Seconds from `Retry-After`, if the provider sent it."""

    @property
    def trace_id(self) -> str | None:
        """The provider's trace id, if its headers had a usable one."""

    def chunks(self) -> Iterator[bytes]:
        """The body as it arrives; raises `AnswerLostError` if it does not arrive whole and in time."""


class Upstream(Protocol):
    """The HTTP side of the providers' APIs."""

    def send(
        self, provider: str, call: UpstreamCall, key: str, within_s: float
    ) -> AbstractContextManager[StreamedAnswer]:
        """Send a call once; everything including the body ends within `within_s` seconds. Raises `NotSentError` or
        `AnswerLostError`.
        """

    def upload(
        self, provider: str, call: UploadCall, file: Path, key: str, within_s: float
    ) -> AbstractContextManager[StreamedAnswer]:
        """Send a file once, in constant memory; ends and raises as `send` does."""


class ProviderKeys(Protocol):
    """The operator's keys for the providers."""

    def current(self, provider: str) -> tuple[str, str]:
        """Alias and key for a new attempt; raises `ConfigurationError` if there is no key."""

    def aliases(self, provider: str) -> tuple[str, ...]:
        """The aliases of all keys of a provider, that of new attempts first; empty if it has none. Raises
        `ConfigurationError` for a key that cannot be sent.
        """

    def by_alias(self, provider: str, alias: str) -> str:
        """The key of an earlier attempt; raises `ConfigurationError` if it was removed."""


@dataclass(frozen=True)
class KeyVerdict:
    """What a free call shows of a key: whether it works, None if the answer does not tell, and the answer in words."""

    works: bool | None
    found: str


class KeyCheck(Protocol):
    """A free call of a provider whose answer shows whether a key works."""

    @property
    def call(self) -> UpstreamCall:
        """The call. It orders nothing and costs nothing."""

    def read(self, answer: UpstreamAnswer) -> KeyVerdict:
        """What an answer to the call shows of the key."""
