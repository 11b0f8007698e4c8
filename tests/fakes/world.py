"""The one world that use cases live in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from tempfile import gettempdir
from typing import Final

from fermata.adapters.providers import load_provider, load_reference_taker
from fermata.domain.catalogue.models import Catalogue, read_catalogue
from fermata.domain.finish.overdue import Patience
from fermata.domain.finish.rescue import RescuePolicy
from fermata.domain.jobs.job import Job
from fermata.domain.money.wallet_audit import Drift
from fermata.domain.providers.calls import Provider, ReferenceTaker
from fermata.domain.providers.circuit import CircuitRules
from fermata.domain.providers.patience import PatiencePolicy
from fermata.domain.providers.queue import Limits
from fermata.domain.tenants.plan_limits import (
    CALL_KINDS,
    TRIGGER_CALLS,
    WEBHOOK_REPEATS,
    CallKind,
)
from fermata.ports.jobs import DueJobs
from fermata.use_cases.accounts.audit_wallets import AuditPorts
from fermata.use_cases.accounts.count_calls import CallMeter, FreeCalls
from fermata.use_cases.generation.finish.reap_jobs import ReapPorts
from fermata.use_cases.generation.finish.rescue_round import RescuePorts
from fermata.use_cases.generation.finish.resume_generation import ResumePorts
from fermata.use_cases.generation.finish.settle_job import SettlePorts
from fermata.use_cases.generation.finish.store_audio import StorePorts
from fermata.use_cases.generation.follow.await_callback import CallbackPorts
from fermata.use_cases.generation.follow.poll_generation import PollPorts
from fermata.use_cases.generation.purchase.open_callback import OpenCallbackPorts
from fermata.use_cases.generation.purchase.prepare_reference import PreparePorts
from fermata.use_cases.generation.purchase.provider_queue import TurnPorts
from fermata.use_cases.generation.purchase.spending_controls import BrakePorts
from fermata.use_cases.generation.purchase.start_generation import StartPorts
from fermata.use_cases.operator.list_recoverable import RecoverablePorts
from fermata.use_cases.operator.manage_tenants import ManagePorts
from fermata.use_cases.operator.manage_webhooks import ManageWebhookPorts
from fermata.use_cases.operator.reconcile import ReconcilePorts
from fermata.use_cases.operator.redeliver import RedeliverPorts
from fermata.use_cases.orders.create_reference import CreateReferencePorts
from fermata.use_cases.orders.delete_job import DeletePorts
from fermata.use_cases.orders.list_jobs import ListPorts
from fermata.use_cases.orders.read_jobs import ReadPorts
from fermata.use_cases.orders.submit_job import SubmitPorts
from fermata.use_cases.orders.wait_for_end import WaitPorts
from fermata.use_cases.triggers.ingest_event import EventPorts
from fermata.use_cases.triggers.ingest_file import FilePorts
from fermata.use_cases.triggers.start_batch import BatchPorts
from fermata.use_cases.triggers.submit_line import LinePorts
from fermata.use_cases.webhooks.deliver_webhook import DeliverPorts
from fermata.use_cases.webhooks.replay_webhook import ReplayPorts
from fermata.use_cases.webhooks.start_delivery import TellPorts
from tests.fakes.audio.answer_store import InMemoryAnswerStore
from tests.fakes.audio.links import FakeAudioLinks, FakeReferenceLinks
from tests.fakes.audio.meter import FixedAudioMeter
from tests.fakes.audio.reference_store import InMemoryReferenceStore
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
from tests.fakes.metrics import RecordingMetrics
from tests.fakes.money.purchases import InMemoryPurchases
from tests.fakes.money.wallet_store import InMemoryWalletStore
from tests.fakes.providers.api_url import FixedApiUrl
from tests.fakes.providers.brake_store import InMemoryBrakeStore
from tests.fakes.providers.callback_store import InMemoryCallbackStore
from tests.fakes.providers.estimates import InMemoryEstimates
from tests.fakes.providers.provider_keys import FixedProviderKeys
from tests.fakes.providers.provider_states import InMemoryProviderStates
from tests.fakes.providers.upstream import FakeUpstream
from tests.fakes.settings import TRUSTED_ORIGINS
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

CALLBACK_RANDOMNESS: Final = bytes(range(32))


@dataclass
class World:
    """Every fake once, and the ports of each use case over them."""

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
    meter: FixedAudioMeter = field(default_factory=FixedAudioMeter)
    references: InMemoryReferenceStore = field(default_factory=InMemoryReferenceStore)
    reference_links: FakeReferenceLinks = field(default_factory=FakeReferenceLinks)
    providers: Callable[[str], Provider] = load_provider
    takers: Callable[[str], ReferenceTaker] = load_reference_taker
    provider_states: InMemoryProviderStates = field(default_factory=InMemoryProviderStates)
    metrics: RecordingMetrics = field(default_factory=RecordingMetrics)
    limits: Limits = field(default_factory=lambda: Limits(gap_ms=0, concurrent=50))
    circuit_rules: CircuitRules = field(default_factory=lambda: CircuitRules(5, 60_000, 30_000, 600_000))
    machine: RecordingJobMachine = field(default_factory=RecordingJobMachine)
    callbacks: InMemoryCallbackStore = field(default_factory=InMemoryCallbackStore)
    waits: RecordingMachineWaits = field(default_factory=RecordingMachineWaits)
    api_url: FixedApiUrl = field(default_factory=FixedApiUrl)
    events: RecordingJobEvents = field(default_factory=RecordingJobEvents)
    webhooks: InMemoryWebhookStore = field(default_factory=InMemoryWebhookStore)
    deliveries: InMemoryWebhookDeliveries = field(default_factory=InMemoryWebhookDeliveries)
    sender: ScriptedWebhookSender = field(default_factory=ScriptedWebhookSender)
    webhook_machine: RecordingWebhookMachine = field(default_factory=RecordingWebhookMachine)
    lost: list[tuple[str, Exception]] = field(default_factory=list)
    catalogue: Catalogue = field(default_factory=read_catalogue)
    default_fallbacks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    budgets: dict[str, int] = field(default_factory=dict)
    rescue_slots: InMemoryRescueSlots = field(default_factory=InMemoryRescueSlots)
    rescue_machine: RecordingRescueMachine = field(default_factory=RecordingRescueMachine)
    rescue_policy: RescuePolicy = field(default_factory=lambda: RescuePolicy(86_400, 1800))
    rescue_runs: int = 0
    waiting_places: InMemoryWaitingPlaces = field(default_factory=InMemoryWaitingPlaces)
    waiting_environments: int = 10
    waits_begun: int = 0
    remaining_s: float = 900
    patience: PatiencePolicy = field(default_factory=lambda: PatiencePolicy(patience_s=3600, longest_pause_s=300))
    callback_randomness: bytes = CALLBACK_RANDOMNESS
    scratch: Path = Path(gettempdir())

    def __setattr__(self, name: str, value: object) -> None:
        """Take another fake in place of one; under a name that is none of the world's no use case would look."""
        if not hasattr(type(self), name) and name not in type(self).__dataclass_fields__:
            raise AttributeError(f"the world has nothing called {name}")
        super().__setattr__(name, value)

    def resume_ports(self) -> ResumePorts:
        return ResumePorts(self.jobs, self.answers, self.providers, self.catalogue, self.estimates, self.metrics, 10)

    def start_ports(self) -> StartPorts:
        return StartPorts(
            resume=self.resume_ports(),
            turns=self.turn_ports(),
            brakes=BrakePorts(self.brakes, self.budget, self.metrics, look_again_s=10),
            wallets=self.wallets,
            upstream=self.upstream,
            keys=self.keys,
            references=self.references,
            clock=self.clock,
            remaining_s=lambda: self.remaining_s,
            post_reserve_s=45,
            claim_margin_s=60,
            callback=OpenCallbackPorts(self.callbacks, self.api_url, lambda: self.callback_randomness, timeout_s=120),
            reference_link_s=3600,
        )

    def callback_ports(self) -> CallbackPorts:
        return CallbackPorts(self.jobs, self.callbacks, self.waits)

    def turn_ports(self) -> TurnPorts:
        """Pauses move the clock; there is no chance in tests."""
        return TurnPorts(
            states=self.provider_states,
            limits=lambda _: self.limits,
            rules=self.circuit_rules,
            metrics=self.metrics,
            clock=self.clock,
            pause=self.clock.pass_seconds,
            chance=lambda: 0.5,
        )

    def poll_ports(self, generation_timeout_s: int = 3600) -> PollPorts:
        return PollPorts(
            jobs=self.jobs,
            upstream=self.upstream,
            keys=self.keys,
            providers=self.providers,
            answers=lambda: self.answers,
            catalogue=self.catalogue,
            estimates=self.estimates,
            metrics=self.metrics,
            clock=self.clock,
            scratch=self.scratch,
            patience=self.patience,
            generation_timeout_s=generation_timeout_s,
        )

    def prepare_ports(self) -> PreparePorts:
        return PreparePorts(
            jobs=self.jobs,
            references=self.references,
            links=self.reference_links,
            meter=self.meter,
            upstream=self.upstream,
            keys=self.keys,
            takers=self.takers,
            catalogue=self.catalogue,
            estimates=self.estimates,
            clock=self.clock,
            scratch=self.scratch,
            retry_later_s=10,
        )

    def create_reference_ports(self) -> CreateReferencePorts:
        return CreateReferencePorts(self.references, self.catalogue, upload_ttl_s=3600, counts=self.wallets.calls)

    def store_ports(self) -> StorePorts:
        return StorePorts(
            jobs=self.jobs,
            answers=self.answers,
            links=self.links,
            tracks=self.tracks,
            meter=self.meter,
            clock=self.clock,
            remaining_s=lambda: self.remaining_s,
            scratch=self.scratch,
            patience=self.patience,
            retention_days=365,
        )

    @cached_property
    def _meters(self) -> dict[CallKind, CallMeter]:
        return {kind: CallMeter(kind, self.wallets.calls) for kind in CALL_KINDS}

    def call_meter(self, kind: CallKind) -> CallMeter:
        """The counter of one execution environment for all functions."""
        return self._meters[kind]

    def free_calls(self, kind: CallKind) -> FreeCalls:
        return FreeCalls(self.call_meter(kind), self.clock)

    @property
    def wallets(self) -> InMemoryWalletStore:
        return self.jobs.wallets

    @property
    def brakes(self) -> InMemoryBrakeStore:
        return self.jobs.brakes

    def budget(self, provider: str) -> int:
        return self.budgets.get(provider, 0)

    def manage_ports(self) -> ManagePorts:
        reconcile = ReconcilePorts(self.jobs, InMemoryPurchases(self.jobs))
        redeliver = self.redeliver_ports()
        webhooks = ManageWebhookPorts(self.webhooks, TRUSTED_ORIGINS)
        return ManagePorts(
            tenants=self.tenants,
            wallets=self.wallets,
            provider_states=self.provider_states,
            brakes=self.brakes,
            triggers=self.triggers,
            reconcile=reconcile,
            redeliver=redeliver,
            recoverable=RecoverablePorts(self.jobs, InMemoryRecoverableJobs(self.jobs)),
            webhooks=webhooks,
        )

    def redeliver_ports(self) -> RedeliverPorts:
        return RedeliverPorts(self.jobs, self.answers, self.providers, self.machine, first_check_s=60)

    def delete_ports(self) -> DeletePorts:
        return DeletePorts(self.jobs, self.answers, self.tracks, self.references, self.deliveries)

    def tell_ports(self) -> TellPorts:
        return TellPorts(self.webhooks, self.webhook_machine)

    def deliver_ports(self) -> DeliverPorts:
        """There is no chance in tests: no pause is longer than the schedule's."""
        return DeliverPorts(
            jobs=self.jobs,
            webhooks=self.webhooks,
            deliveries=self.deliveries,
            sender=self.sender,
            wallets=self.wallets,
            repeats=self.call_meter(WEBHOOK_REPEATS),
            chance=lambda: 0.0,
        )

    def replay_ports(self) -> ReplayPorts:
        return ReplayPorts(self.jobs, self.webhooks, self.deliveries, self.webhook_machine, self.wallets)

    def settle_ports(self) -> SettlePorts:
        return SettlePorts(
            jobs=self.jobs,
            events=self.events,
            estimates=self.estimates,
            providers=self.provider_states,
            metrics=self.metrics,
            telling=self.tell_ports(),
            references=self.references,
        )

    def due_jobs(self) -> DueJobs:
        return InMemoryDueJobs(self.jobs)

    def reap_ports(self) -> ReapPorts:
        return ReapPorts(
            settle=self.settle_ports(),
            due=self.due_jobs(),
            machine=self.machine,
            patience=Patience(idle_s=1200, absent_gap_s=300),
            rescues=self.rescue_machine,
            rescue=self.rescue_policy,
            delete=self.delete_ports(),
            lost=lambda job_id, error: self.lost.append((job_id, error)),
            clock=self.clock,
        )

    def rescue_ports(self) -> RescuePorts:
        """Each run that asks for its ports is another one."""
        self.rescue_runs += 1
        holder = f"rescue-{self.rescue_runs}"
        return RescuePorts(
            jobs=self.jobs,
            due=self.due_jobs(),
            slots=self.rescue_slots,
            upstream=self.upstream,
            keys=self.keys,
            providers=self.providers,
            answers=lambda: self.answers,
            links=self.links,
            meter=self.meter,
            metrics=self.metrics,
            clock=self.clock,
            remaining_s=lambda: self.remaining_s,
            holder=lambda: holder,
            scratch=self.scratch,
            policy=self.rescue_policy,
        )

    def audit_ports(self, drifted: Callable[[str, Drift], object], skipped: Callable[[str, str], object]) -> AuditPorts:
        return AuditPorts(self.tenants, self.wallets, self.metrics, drifted, skipped)

    def submit_ports(self) -> SubmitPorts:
        return SubmitPorts(
            jobs=self.jobs,
            machine=self.machine,
            catalogue=self.catalogue,
            estimates=self.estimates,
            start_by_s=3600,
            default_fallbacks=self.default_fallbacks,
            references=self.references,
            trusted_origins=TRUSTED_ORIGINS,
            first_check_s=60,
            longest_finish_by_s=86_400,
            webhooks=self.webhooks,
            wallets=self.wallets,
        )

    def event_ports(self) -> EventPorts:
        return EventPorts(self.submit_ports, self.triggers, self.events, self.free_calls(TRIGGER_CALLS))

    def file_ports(self) -> FilePorts:
        batch = BatchPorts(self.inbox, self.batches, self.open_batches, concurrency=20, tolerated_failure_percent=10)
        calls = self.free_calls(TRIGGER_CALLS)
        return FilePorts(self.submit_ports, self.triggers, self.tenants, self.inbox, self.events, batch, calls)

    def line_ports(self) -> LinePorts:
        return LinePorts(
            self.submit_ports(), self.triggers, self.inbox, self.free_calls(TRIGGER_CALLS), self.open_batches
        )

    def read_ports(self) -> ReadPorts:
        return ReadPorts(
            jobs=self.jobs,
            tracks=self.tracks,
            catalogue=self.catalogue,
            estimates=self.estimates,
            provider_states=self.provider_states,
            brakes=self.brakes,
            budget=self.budget,
            link_ttl_s=900,
        )

    def wait_ports(self) -> WaitPorts:
        """Pauses move the clock."""
        self.waits_begun += 1
        name = f"wait-{self.waits_begun}"
        return WaitPorts(
            show=self.read_ports(),
            wallets=self.wallets,
            places=self.waiting_places,
            all_places=self.waiting_environments,
            holder=lambda: name,
            clock=self.clock,
            pause=self.clock.pass_seconds,
        )

    def list_ports(self) -> ListPorts:
        return ListPorts(self.read_ports(), InMemoryTenantJobs(self.jobs))

    def stored(self, job_id: str) -> Job:
        job = self.jobs.load(job_id)
        if job is None:
            raise AssertionError(f"no record of {job_id}")
        return job
