"""The one world that use cases live in: the real wiring over fakes, a clock that stands still, and settled chance."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import gettempdir
from types import TracebackType
from typing import ClassVar, Final, Self

import pytest

from fermata.adapters.key_checks import key_check
from fermata.adapters.providers import load_provider, load_reference_taker, load_voice_lister
from fermata.domain.audio.marks import Marking
from fermata.domain.catalogue.models import Catalogue, read_catalogue
from fermata.domain.catalogue.operator_settings import OperatorSettings
from fermata.domain.jobs.job import Job
from fermata.domain.orders.job_id import RANDOM_BYTES
from fermata.domain.providers.calls import Provider, ReferenceTaker
from fermata.domain.tenants.api_keys import KEY_RANDOM_BYTES
from fermata.ports.audio import AudioMarker
from fermata.ports.jobs import DueJobs
from fermata.ports.live import Background, Work
from fermata.ports.providers import KeyCheck
from fermata.wiring import outward, runtime, stores
from tests.fakes.audio.answer_store import InMemoryAnswerStore
from tests.fakes.audio.links import FakeAudioLinks, FakeReferenceLinks
from tests.fakes.audio.marker import NoMarker
from tests.fakes.audio.meter import FixedAudioMeter
from tests.fakes.audio.original_store import InMemoryOriginalStore
from tests.fakes.audio.reference_store import InMemoryReferenceStore
from tests.fakes.audio.sound import FixedSoundMeter, InMemorySoundFiles
from tests.fakes.audio.track_store import InMemoryTrackStore
from tests.fakes.clock import SettableClock
from tests.fakes.jobs.due_jobs import InMemoryDueJobs
from tests.fakes.jobs.job_events import RecordingJobEvents
from tests.fakes.jobs.job_store import InMemoryJobStore
from tests.fakes.jobs.machine_waits import RecordingMachineWaits
from tests.fakes.jobs.machines import RecordingJobMachine, RecordingRescueMachine
from tests.fakes.jobs.recoverable_jobs import InMemoryRecoverableJobs
from tests.fakes.jobs.rescue_slots import InMemoryRescueSlots
from tests.fakes.jobs.tenant_jobs import InMemoryTenantJobs
from tests.fakes.live.background import FixedSecret, LateBackground
from tests.fakes.live.live_pieces import InMemoryLivePieces
from tests.fakes.live.live_streams import InMemoryLiveStreams
from tests.fakes.metrics import RecordingMetrics
from tests.fakes.money.ledger_store import InMemoryLedgerStore
from tests.fakes.money.purchases import InMemoryPurchases
from tests.fakes.money.wallet_store import InMemoryKeyCounters, InMemoryWalletStore
from tests.fakes.operator.restored_table import InMemoryRestoredTable
from tests.fakes.operator.settings_store import InMemorySettingsStore
from tests.fakes.operator.stack_answers import RecordingStackAnswers
from tests.fakes.providers.api_url import FixedApiUrl
from tests.fakes.providers.brake_store import InMemoryBrakeStore
from tests.fakes.providers.callback_store import InMemoryCallbackStore
from tests.fakes.providers.estimates import InMemoryEstimates
from tests.fakes.providers.provider_keys import FixedProviderKeys
from tests.fakes.providers.provider_states import InMemoryProviderStates
from tests.fakes.providers.upstream import FakeUpstream
from tests.fakes.providers.voice_store import InMemoryVoiceStore
from tests.fakes.settings import AT_ONCE, WORLD_SETTINGS
from tests.fakes.tenants.reference_ids import InMemoryReferenceIds
from tests.fakes.tenants.tenant_store import InMemoryTenantStore
from tests.fakes.tenants.waiting_places import InMemoryWaitingPlaces
from tests.fakes.triggers.batch_machine import RecordingBatchMachine
from tests.fakes.triggers.inbox_store import InMemoryInboxStore
from tests.fakes.triggers.open_batches import InMemoryOpenBatches
from tests.fakes.triggers.trigger_store import InMemoryTriggerStore
from tests.fakes.webhooks.deliveries import InMemoryWebhookDeliveries
from tests.fakes.webhooks.machine import RecordingWebhookMachine
from tests.fakes.webhooks.sender import ScriptedWebhookSender
from tests.fakes.webhooks.webhook_store import InMemoryWebhookStore
from tests.fakes.wiring import Fakes, forget_ports, put_in

CALLBACK_RANDOMNESS: Final = bytes(range(32))
_ASKED_AT_EACH_CALL: Final = frozenset({"clock", "remaining_s", "chance", "callback_randomness", "names_given"})
"""What no port remembers."""
_shipped_catalogue: Final = cache(read_catalogue)


@dataclass
class World:
    """Every fake once, in place of what the wiring makes, from when a world is made until it is left: at the end of a
    `with`, or of the test. There is one at a time; another one raises.

    `settings` are the environment variables that differ from `WORLD_SETTINGS`, `operator` what the operator set of
    providers and models. Ports are the wiring's own, for example
    `fermata.wiring.generation.poll_ports()`.
    """

    active: ClassVar["World | None"] = None

    settings: Mapping[str, str] = field(default_factory=dict)
    operator: OperatorSettings = AT_ONCE
    clock: SettableClock = field(default_factory=SettableClock)
    jobs: InMemoryJobStore = field(default_factory=InMemoryJobStore)
    estimates: InMemoryEstimates = field(default_factory=InMemoryEstimates)
    tenants: InMemoryTenantStore = field(default_factory=InMemoryTenantStore)
    triggers: InMemoryTriggerStore = field(default_factory=InMemoryTriggerStore)
    inbox: InMemoryInboxStore = field(default_factory=InMemoryInboxStore)
    batches: RecordingBatchMachine = field(default_factory=RecordingBatchMachine)
    open_batches: InMemoryOpenBatches = field(default_factory=InMemoryOpenBatches)
    answers: InMemoryAnswerStore = field(default_factory=InMemoryAnswerStore)
    upstream: FakeUpstream = field(default_factory=FakeUpstream)
    keys: FixedProviderKeys = field(default_factory=FixedProviderKeys)
    links: FakeAudioLinks = field(default_factory=FakeAudioLinks)
    tracks: InMemoryTrackStore = field(default_factory=InMemoryTrackStore)
    originals: InMemoryOriginalStore = field(default_factory=InMemoryOriginalStore)
    sound_files: InMemorySoundFiles = field(init=False)
    sound_meter: FixedSoundMeter = field(default_factory=FixedSoundMeter)
    meter: FixedAudioMeter = field(default_factory=FixedAudioMeter)
    marker: AudioMarker = field(default_factory=NoMarker)
    references: InMemoryReferenceStore = field(default_factory=InMemoryReferenceStore)
    reference_ids: InMemoryReferenceIds = field(default_factory=InMemoryReferenceIds)
    reference_links: FakeReferenceLinks = field(default_factory=FakeReferenceLinks)
    providers: Callable[[str], Provider] = load_provider
    takers: Callable[[str], ReferenceTaker] = load_reference_taker
    provider_states: InMemoryProviderStates = field(default_factory=InMemoryProviderStates)
    voices: InMemoryVoiceStore = field(default_factory=InMemoryVoiceStore)
    metrics: RecordingMetrics = field(default_factory=RecordingMetrics)
    machine: RecordingJobMachine = field(default_factory=RecordingJobMachine)
    callbacks: InMemoryCallbackStore = field(default_factory=InMemoryCallbackStore)
    waits: RecordingMachineWaits = field(default_factory=RecordingMachineWaits)
    api_url: FixedApiUrl = field(default_factory=FixedApiUrl)
    events: RecordingJobEvents = field(default_factory=RecordingJobEvents)
    webhooks: InMemoryWebhookStore = field(default_factory=InMemoryWebhookStore)
    deliveries: InMemoryWebhookDeliveries = field(default_factory=InMemoryWebhookDeliveries)
    sender: ScriptedWebhookSender = field(default_factory=ScriptedWebhookSender)
    webhook_machine: RecordingWebhookMachine = field(default_factory=RecordingWebhookMachine)
    settings_store: InMemorySettingsStore = field(default_factory=InMemorySettingsStore)
    restored_table: InMemoryRestoredTable = field(default_factory=InMemoryRestoredTable)
    stack_answers: RecordingStackAnswers = field(default_factory=RecordingStackAnswers)
    lost: list[tuple[str, Exception]] = field(default_factory=list)
    catalogue: Catalogue = field(default_factory=_shipped_catalogue)
    rescue_slots: InMemoryRescueSlots = field(default_factory=InMemoryRescueSlots)
    rescue_machine: RecordingRescueMachine = field(default_factory=RecordingRescueMachine)
    waiting_places: InMemoryWaitingPlaces = field(default_factory=InMemoryWaitingPlaces)
    live_streams: InMemoryLiveStreams = field(default_factory=InMemoryLiveStreams)
    live_pieces: InMemoryLivePieces = field(default_factory=InMemoryLivePieces)
    live_secret: FixedSecret = field(default_factory=FixedSecret)
    background: Background = field(default_factory=LateBackground)
    remaining_s: float = 900
    chance: float = 0.0
    callback_randomness: bytes = CALLBACK_RANDOMNESS
    scratch: Path = Path(gettempdir())
    names_given: int = 0
    _patch: pytest.MonkeyPatch = field(init=False)
    _stack: ExitStack = field(init=False, default_factory=ExitStack)

    def __post_init__(self) -> None:
        if World.active is not None:
            raise RuntimeError("another world is in place of the wiring; leave that one first")
        self.sound_files = InMemorySoundFiles(self.tracks)
        self.tracks.staged = self.answers.files
        self.tracks.staged_songs = self.answers.songs
        settings = {**WORLD_SETTINGS, **_known(self.settings)}
        self._patch = self._stack.enter_context(put_in(self._fakes(), settings))
        World.active = self

    def leave(self) -> None:
        """Give the wiring back; nothing where that was done."""
        if World.active is self:
            World.active = None
            self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.leave()

    def __setattr__(self, name: str, value: object) -> None:
        """Take another fake in place of one; under a name that is none of the world's no use case would look."""
        if not hasattr(type(self), name) and name not in type(self).__dataclass_fields__:
            raise AttributeError(f"the world has nothing called {name}")
        super().__setattr__(name, value)
        if World.active is self and name not in _ASKED_AT_EACH_CALL:
            forget_ports()

    def set(self, **settings: str) -> None:
        """Give environment variables other values; ports that the wiring builds from now on see them."""
        for name, value in _known(settings).items():
            self._patch.setenv(name, value)
        forget_ports()

    def _fakes(self) -> Fakes:
        return {stores: self._stores(), outward: self._outward(), runtime: self._runtime()}

    def _stores(self) -> Mapping[str, Callable[..., object]]:
        return {
            "job_store": lambda: self.jobs,
            "due_jobs": self.due_jobs,
            "tenant_jobs": lambda: InMemoryTenantJobs(self.jobs),
            "recoverable_jobs": lambda: InMemoryRecoverableJobs(self.jobs),
            "rescue_slots": lambda _most: self.rescue_slots,
            "purchases": lambda: InMemoryPurchases(self.jobs),
            "estimates": lambda: self.estimates,
            "tenant_store": lambda: self.tenants,
            "provider_states": lambda: self.provider_states,
            "brake_store": lambda: self.brakes,
            "voice_store": lambda: self.voices,
            "wallet_store": lambda: self.wallets,
            "ledger_store": lambda: InMemoryLedgerStore(self.wallets),
            "key_counters": lambda: InMemoryKeyCounters(self.wallets),
            "trigger_store": lambda: self.triggers,
            "webhook_store": lambda: self.webhooks,
            "webhook_deliveries": lambda: self.deliveries,
            "usage_store": lambda: self.jobs.usage,
            "call_counts": lambda: self.wallets.calls,
            "waiting_places": lambda: self.waiting_places,
            "inbox_store": lambda: self.inbox,
            "open_batches": lambda: self.open_batches,
            "answer_store": lambda _bucket: self.answers,
            "track_store": lambda _bucket: self.tracks,
            "original_store": lambda _bucket: self.originals,
            "sound_files": lambda _bucket: self.sound_files,
            "reference_store": lambda _bucket: self.references,
            "callback_store": lambda: self.callbacks,
            "live_streams": lambda: self.live_streams,
            "live_pieces": lambda _bucket: self.live_pieces,
            "reference_ids": lambda: self.reference_ids,
            "settings_store": lambda: self.settings_store,
            "restored_table": lambda: self.restored_table,
            "catalogue": lambda: self.operator.applied_to(self.catalogue),
        }

    def _outward(self) -> Mapping[str, Callable[..., object]]:
        return {
            "upstream": lambda _settings, _read_gap_s: self.upstream,
            "provider": self._provider,
            "reference_taker": self._reference_taker,
            "voice_lister": load_voice_lister,
            "provider_keys": lambda: self.keys,
            "fresh_provider_keys": lambda _secret_arn: self.keys,
            "key_check": self._key_check,
            "live_secret": lambda _arn: self.live_secret,
            "audio_links": lambda _settings: self.links,
            "reference_links": lambda _origins, _timeout_s: self.reference_links,
            "audio_meter": lambda: self.meter,
            "audio_marker": lambda marking, _: None if marking is Marking.OFF else self.marker,
            "sound_meter": lambda: self.sound_meter,
            "api_url": lambda _parameter: self.api_url,
            "job_events": lambda: self.events,
            "job_machine": lambda _arn: self.machine,
            "machine_waits": lambda: self.waits,
            "rescue_machine": lambda _arn: self.rescue_machine,
            "batch_machine": lambda _arn: self.batches,
            "webhook_machine": lambda _arn: self.webhook_machine,
            "webhook_sender": lambda _settings: self.sender,
            "stack_answers": lambda: self.stack_answers,
        }

    def _runtime(self) -> Mapping[str, Callable[..., object]]:
        """Pauses move the clock, and no name is given twice."""
        return {
            "now": self._now,
            "pause": self._pause,
            "chance": lambda: self.chance,
            "claim_id": lambda: f"{self._next_name():032x}",
            "job_randomness": lambda: self._next_name().to_bytes(RANDOM_BYTES),
            "key_randomness": lambda: self._next_name().to_bytes(KEY_RANDOM_BYTES, "little"),
            "callback_randomness": lambda: self.callback_randomness,
            "in_background": self._in_background,
            "scratch": lambda: self.scratch,
            "metrics": lambda: self.metrics,
            "catalogue": lambda: self.catalogue,
        }

    # Each is looked up when it is called, because a test may take another one meanwhile.

    def _provider(self, dialect: str) -> Provider:
        return self.providers(dialect)

    def _reference_taker(self, dialect: str) -> ReferenceTaker:
        return self.takers(dialect)

    def _key_check(self, provider_id: str) -> KeyCheck | None:
        return key_check(provider_id)

    def _now(self) -> datetime:
        return self.clock()

    def _in_background(self, work: Callable[[], None]) -> Work:
        return self.background(work)

    def _pause(self, seconds: float) -> None:
        self.clock.pass_seconds(seconds)

    def _next_name(self) -> int:
        self.names_given += 1
        return self.names_given

    @property
    def wallets(self) -> InMemoryWalletStore:
        return self.jobs.wallets

    @property
    def brakes(self) -> InMemoryBrakeStore:
        return self.jobs.brakes

    def due_jobs(self) -> DueJobs:
        return InMemoryDueJobs(self.jobs)

    def remaining_ms(self) -> int:
        """The invocation's own clock: what is left of its time."""
        return int(self.remaining_s * 1000)

    def lose(self, job_id: str, error: Exception) -> None:
        """Note a job that the reaper could not look after."""
        self.lost.append((job_id, error))

    def stored(self, job_id: str) -> Job:
        job = self.jobs.load(job_id)
        if job is None:
            raise AssertionError(f"no record of {job_id}")
        return job


def _known(settings: Mapping[str, str]) -> Mapping[str, str]:
    strangers = sorted(settings.keys() - WORLD_SETTINGS.keys())
    if strangers:
        raise AttributeError(f"no function has a setting called {', '.join(strangers)}")
    return settings


def leave_active_world() -> None:
    """Leave the world that a test left standing."""
    if World.active is not None:
        World.active.leave()
