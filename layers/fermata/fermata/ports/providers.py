"""What all runs share of each provider, and the ways to it."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import date, datetime
from pathlib import Path
from typing import Protocol

from fermata.domain.catalogue.models import Estimate
from fermata.domain.jobs.latency import SongTime
from fermata.domain.providers.callbacks import Callback
from fermata.domain.providers.calls import UploadCall, UpstreamCall
from fermata.domain.providers.queue import Lease, Limits
from fermata.domain.providers.spending import PauseAndBudget
from fermata.domain.providers.state import GivenBack, ProviderState, StartAt


class Estimates(Protocol):
    """What the last songs of each model took. Statistics: nothing that happens here may fail a job."""

    def of(self, model_id: str, prior: Estimate) -> Estimate:
        """What the next song of a model may take, from songs known some seconds ago; the prior where none is known."""

    def learn(self, model_id: str, song: SongTime) -> None:
        """Count one delivered song of a model. A job is never counted twice; what cannot be written is left out."""


class ProviderStates(Protocol):
    """What all runs share of each provider. Writes are conditional on the version that was read."""

    def load(self, provider: str) -> ProviderState:
        """The provider's record, read consistently; a fresh one of version 0 where nothing was ever written."""

    def load_all(self, providers: Collection[str]) -> Mapping[str, ProviderState]:
        """The records of several providers by id, perhaps a second old."""

    def save(self, state: ProviderState) -> ProviderState:
        """Replace the version before this one, and give back what stands: this, or what somebody else wrote first."""

    def take(self, provider: str, ticket: str, lease: Lease, limits: Limits) -> StartAt | ProviderState:
        """Take one of the record's open slots from `lease.since_ms` on, or soon after it, whoever else writes at the
        same time; the record as it stands where that is not possible.
        """

    def give_back(self, provider: str, slot: GivenBack) -> None:
        """Free a slot at once, whoever else writes at the same time; doing it again changes nothing."""


class BrakeStore(Protocol):
    """What the operator holds providers back with. It decides nothing: a claim looks for itself."""

    def load(self, providers: Collection[str], day: date) -> Mapping[str, PauseAndBudget]:
        """The brakes of several providers on a day, by provider; raises `TransientError`."""

    def pause(self, name: str, now: datetime) -> bool:
        """Let no order go to a provider, or to any under `EVERY_PROVIDER`; False where it was paused before. No claim
        is made once this returns. Raises `TransientError`.
        """

    def resume(self, name: str) -> bool:
        """Take back the pause of this name; False where there was none. Raises `TransientError`."""


class CallbackStore(Protocol):
    """The addresses that providers post to, by the SHA-256 of their tokens. Writes are conditional as those of jobs
    are; every method raises `TransientError`.
    """

    def create(self, callback: Callback) -> None:
        """Store a new callback; raises `StaleRecordError` where its hash is taken."""

    def load(self, sha256: str) -> Callback | None:
        """The callback, read consistently, or None."""

    def save(self, callback: Callback) -> None:
        """Replace the version before this one; raises `StaleRecordError` where somebody else wrote first."""


class ApiUrl(Protocol):
    """Where this API answers, for those who are to call it."""

    def read(self) -> str:
        """The address without a trailing slash; raises `TransientError` where it cannot be found out."""


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

    def chunks(self) -> Iterator[bytes]:
        """The body as it arrives; raises `AnswerLostError` where it does not arrive whole or in time."""


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
        """Send a file once, in memory that does not grow with it; ends and raises as `send` does."""


class ProviderKeys(Protocol):
    """The operator's keys for the providers."""

    def current(self, provider: str) -> tuple[str, str]:
        """Alias and key for a new attempt; raises `ConfigurationError` where there is none."""

    def by_alias(self, provider: str, alias: str) -> str:
        """The key of an earlier attempt; raises `ConfigurationError` where it was taken away."""
