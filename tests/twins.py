"""In-memory twins of every port, with the same promises as the adapters, and the one world that use cases live in."""

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, lru_cache
from pathlib import Path
from tempfile import gettempdir
from typing import IO, Final

from fermata.adapters.providers import load_provider, load_reference_taker
from fermata.domain.catalogue.models import Catalogue, Estimate, read_catalogue
from fermata.domain.finish.overdue import Execution, Patience
from fermata.domain.finish.recoverable_list import Place, listed_at
from fermata.domain.finish.rescue import RescuePolicy, recoverables
from fermata.domain.jobs.attempt import Attempt
from fermata.domain.jobs.events import JobEvent
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.latency import SongTime, SongTimes
from fermata.domain.jobs.page import PageOfIds, PageRequest
from fermata.domain.jobs.songs import Track
from fermata.domain.jobs.status import JobStatus
from fermata.domain.money.usage import Usage, UsagePage, usage_of
from fermata.domain.money.wallet import LedgerEntry, Movement, Plan, Wallet, empty_wallet, hold_on, settlement_of
from fermata.domain.money.wallet_audit import Drift
from fermata.domain.orders.idempotency import Receipt
from fermata.domain.providers.callbacks import Callback
from fermata.domain.providers.calls import Provider, ReferenceTaker, UploadCall, UpstreamCall
from fermata.domain.providers.circuit import CircuitRules
from fermata.domain.providers.patience import PatiencePolicy
from fermata.domain.providers.queue import Lease, Limits
from fermata.domain.providers.spending import EVERY_PROVIDER, Booking, PauseAndBudget, day_of
from fermata.domain.providers.state import AHEAD_MS, GivenBack, ProviderState, StartAt
from fermata.domain.tenants.api_keys import ApiKey
from fermata.domain.tenants.plan_limits import (
    CALL_KINDS,
    DEFAULT_LIMITS,
    TRIGGER_CALLS,
    WEBHOOK_REPEATS,
    CallKind,
    PlanLimits,
)
from fermata.domain.tenants.tenant import Tenant
from fermata.domain.webhooks.delivery import MOST_REPLAYS, Answered, Reply, WebhookAttempt
from fermata.domain.webhooks.message import WebhookEndpoint
from fermata.domain.webhooks.secret import WebhookSecrets
from fermata.errors import (
    AnswerLostError,
    ConfigurationError,
    FermataError,
    IdempotencyKeyTakenError,
    NotFoundError,
    ProviderHeldError,
    StaleRecordError,
)
from fermata.ports.audio import AudioFacts, UploadForm
from fermata.ports.jobs import DueJobs
from fermata.ports.providers import StreamedAnswer
from fermata.ports.tenants import CallCount
from fermata.use_cases.accounts.audit_wallets import AuditPorts
from fermata.use_cases.accounts.count_calls import CallMeter, FreeCalls
from fermata.use_cases.generation.finish.reap_jobs import ReapPorts
from fermata.use_cases.generation.finish.rescue_round import RescuePorts
from fermata.use_cases.generation.finish.resume_generation import ResumePorts
from fermata.use_cases.generation.finish.settle_job import SettlePorts
from fermata.use_cases.generation.finish.store_audio import StorePorts
from fermata.use_cases.generation.follow.await_callback import CallbackPorts
from fermata.use_cases.generation.follow.poll_generation import PollPorts
from fermata.use_cases.generation.purchase.prepare_reference import PreparePorts
from fermata.use_cases.generation.purchase.provider_queue import QueuePorts
from fermata.use_cases.generation.purchase.run import OpenCallbackPorts, StartPorts
from fermata.use_cases.generation.purchase.spending_controls import SpendingPorts
from fermata.use_cases.operator.list_recoverable import RecoverablePorts
from fermata.use_cases.operator.manage_tenants import ManagePorts
from fermata.use_cases.operator.manage_webhooks import ManageWebhookPorts
from fermata.use_cases.operator.reconcile import ReconcilePorts
from fermata.use_cases.operator.redeliver import RedeliverPorts
from fermata.use_cases.operator.validate_settings import SettingsPorts
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
from tests.operator_twins import InMemorySettingsStore, RecordingStackAnswers
from tests.trigger_twins import InMemoryInboxStore, InMemoryOpenBatches, InMemoryTriggerStore, RecordingBatchMachine

NOON: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)
KEY: Final = "sk-canary-of-the-provider-key"
CALLBACK_RANDOMNESS: Final = bytes(range(32))
TRUSTED_ORIGINS: Final = frozenset({"http://127.0.0.1:9000"})
PROVIDERS: Final = ("minimax", "skillboss", "apiinone", "aimlapi")


class SettableClock:
    """A clock that stands still until it is told to move."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def pass_seconds(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class InMemoryCallCounts:
    """Calls by tenant, minute and kind, and uploads by day. `failure` is raised instead of counting."""

    def __init__(self) -> None:
        self.limits: dict[str, PlanLimits] = {}
        self.minutes: dict[str, tuple[str, Counter[str]]] = {}
        self.days: dict[str, tuple[date, int]] = {}
        self.writes = 0
        self.failure: FermataError | None = None

    def add(self, tenant_id: str, kind: CallKind, minute: str, calls: int) -> CallCount:
        if self.failure is not None:
            raise self.failure
        begun, counted = self.minutes.get(tenant_id, ("", Counter()))
        if begun < minute:
            begun, counted = minute, Counter()
        counted[kind.counter] += calls
        self.minutes[tenant_id] = (begun, counted)
        self.writes += 1
        return CallCount(counted[kind.counter], int(getattr(self._limits_of(tenant_id), kind.limit)))

    def add_reference(self, tenant_id: str, day: date) -> CallCount:
        if self.failure is not None:
            raise self.failure
        begun, before = self.days.get(tenant_id, (date.min, 0))
        used, quota = (0 if begun < day else before) + 1, self._limits_of(tenant_id).references_per_day
        self.writes += 1
        if used <= quota:
            self.days[tenant_id] = (max(begun, day), used)
        return CallCount(min(used, quota + 1), quota)

    def _limits_of(self, tenant_id: str) -> PlanLimits:
        return self.limits.get(tenant_id, DEFAULT_LIMITS)


class InMemoryWalletStore:
    """Wallets and their ledgers, oldest entry first."""

    def __init__(self, *wallets: Wallet) -> None:
        self._wallets = {wallet.tenant_id: wallet for wallet in wallets}
        self._ledgers: dict[str, dict[str, LedgerEntry]] = {}
        self.calls = InMemoryCallCounts()

    def open(self, wallet: Wallet) -> None:
        self._wallets.setdefault(wallet.tenant_id, wallet)

    def find(self, tenant_id: str) -> Wallet | None:
        return self._wallets.get(tenant_id)

    def grant(self, grant: Movement) -> None:
        ledger = self._ledgers.get(grant.tenant_id, {})
        if not any(entry.entry_id in ledger for entry in grant.entries):
            self.move(grant)

    def set_plan(
        self, tenant_id: str, plan: Plan, cap_credits: int | None, limits: PlanLimits = DEFAULT_LIMITS
    ) -> bool:
        wallet = self._wallets[tenant_id]
        if plan is Plan.PREPAID and wallet.balance < 0:
            return False
        self._wallets[tenant_id] = wallet.on_plan(plan, cap_credits, limits)
        self.calls.limits[tenant_id] = limits
        return True

    def move(self, movement: Movement) -> Wallet:
        if movement.tenant_id not in self._wallets:
            raise ConfigurationError(f"tenant {movement.tenant_id} has no wallet; create the tenant once more")
        moved = self._wallets[movement.tenant_id].after(movement)
        ledger = self._ledgers.setdefault(movement.tenant_id, {})
        if any(entry.entry_id in ledger for entry in movement.entries):
            raise StaleRecordError("the ledger has such an entry already")
        self._wallets[movement.tenant_id] = moved
        ledger.update({entry.entry_id: entry for entry in movement.entries})
        return moved

    def add_notes(self, tenant_id: str, notes: Sequence[LedgerEntry]) -> None:
        ledger = self._ledgers.setdefault(tenant_id, {})
        if any(note.entry_id in ledger for note in notes):
            raise StaleRecordError("the ledger has such a note already")
        ledger.update({note.entry_id: note for note in notes})

    def ledger(self, tenant_id: str) -> list[LedgerEntry]:
        entries = self._ledgers.get(tenant_id, {})
        return [entries[entry_id] for entry_id in sorted(entries)]


FUNDED_WALLETS: Final = tuple(
    empty_wallet(tenant_id, NOON).model_copy(update={"granted": 1_000_000, "balance": 1_000_000})
    for tenant_id in ("acme", "other")
)
"""Wallets of the tenants that tests order for, good for every order."""


class InMemoryBrakeStore:
    """Pauses by name, and what was spent with a provider on a day."""

    def __init__(self) -> None:
        self._pauses: dict[str, datetime] = {}
        self.spent: dict[tuple[str, date], int] = {}
        self.failure: FermataError | None = None

    def load(self, providers: Collection[str], day: date) -> Mapping[str, PauseAndBudget]:
        if self.failure is not None:
            raise self.failure
        return {provider: self.brakes(provider, day) for provider in providers}

    def brakes(self, provider: str, day: date) -> PauseAndBudget:
        paused_by = tuple(name for name in (provider, EVERY_PROVIDER) if name in self._pauses)
        return PauseAndBudget(provider, day, paused_by, self.spent.get((provider, day), 0))

    def pause(self, name: str, now: datetime) -> bool:
        changed = name not in self._pauses
        self._pauses.setdefault(name, now)
        return changed

    def resume(self, name: str) -> bool:
        changed = name in self._pauses
        self._pauses.pop(name, None)
        return changed

    def book(self, booking: Booking | None) -> None:
        if booking is not None:
            key = (booking.provider, booking.day)
            self.spent[key] = self.spent.get(key, 0) + booking.micro_usd


class InMemoryUsageStore:
    """Usage by tenant, day and model."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], Usage] = {}

    def count(self, usage: Usage) -> None:
        key = (usage.tenant_id, usage.place)
        self._rows[key] = self._rows[key].plus(usage) if key in self._rows else usage

    def find(self, page: UsagePage) -> tuple[list[Usage], str | None]:
        of = page.of
        rows = sorted((place, row) for (tenant_id, place), row in self._rows.items() if tenant_id == of.tenant_id)
        found = [row for place, row in rows if of.first <= row.day <= of.last and (page.after or "") < place]
        taken = found[: page.limit]
        return taken, taken[-1].place if len(found) > page.limit else None


class InMemoryJobStore:
    """Keeps jobs as text, so that nobody can change a stored one by keeping a reference to it.

    `before_next_save` runs once, before a write is tried: what another run does in between. `after_next_save` runs
    once, after a write was applied and before its caller hears of it: the loss of the answer. `before_look` runs before
    each look at a status alone.
    """

    def __init__(self, wallets: InMemoryWalletStore | None = None) -> None:
        self.wallets = wallets or InMemoryWalletStore(*FUNDED_WALLETS)
        self.brakes = InMemoryBrakeStore()
        self.usage = InMemoryUsageStore()
        self.rows: dict[str, str] = {}
        self._receipts: dict[tuple[str, str], str] = {}
        self.after_next_save: Callable[[], object] | None = None
        self.before_next_save: Callable[[], object] | None = None
        self.before_next_create: Callable[[], object] | None = None
        self.before_look: Callable[[], object] | None = None
        self.saves = 0
        self.looks = 0

    def __len__(self) -> int:
        return len(self.rows)

    def create(self, job: Job, receipt: Receipt | None = None) -> Wallet:
        before, self.before_next_create = self.before_next_create, None
        if before is not None:
            before()
        taken = receipt and self.find_receipt(receipt.tenant_id, receipt.key_sha256)
        if taken and taken.is_live(job.created_at):
            raise IdempotencyKeyTakenError("another order with this key was stored first")
        if job.id in self.rows:
            raise StaleRecordError(f"{job.id} is taken")
        wallet = self.wallets.move(hold_on(job))
        self.rows[job.id] = job.model_dump_json()
        if receipt:
            self._receipts[receipt.tenant_id, receipt.key_sha256] = receipt.model_dump_json()
        return wallet

    def load(self, job_id: str) -> Job | None:
        row = self.rows.get(job_id)
        return None if row is None else Job.model_validate_json(row)

    def load_existing(self, job_id: str) -> Job:
        job = self.load(job_id)
        if job is None:
            raise NotFoundError(f"no record of job {job_id}")
        return job

    def status(self, job_id: str) -> JobStatus | None:
        self.looks += 1
        if self.before_look is not None:
            self.before_look()
        job = self.load(job_id)
        return None if job is None else job.status

    def claim(self, job: Job, budget_micro_usd: int) -> None:
        def refuse_if_held() -> None:
            attempt = job.attempts[-1]
            brakes = self.brakes.brakes(attempt.provider, day_of(attempt.started_at))
            if brakes.blocking(job.to_book.micro_usd if job.to_book else 0, budget_micro_usd):
                raise ProviderHeldError(attempt.provider, next(iter(brakes.paused_by), None))

        self._replace(job, None, refuse_if_held)

    def load_all(self, job_ids: Sequence[str]) -> list[Job]:
        return [job for job in map(self.load, job_ids) if job is not None]

    def save(self, job: Job) -> None:
        self._replace(job, None)

    def settle(self, job: Job) -> None:
        self._replace(job, settlement_of(job))

    def reconcile(self, job: Job, notes: Sequence[LedgerEntry]) -> None:
        self._replace(job, None, lambda: self.wallets.add_notes(job.tenant_id, notes))

    def forget(self, job: Job) -> None:
        self._replace(job, None)

    def find_receipt(self, tenant_id: str, key_sha256: str) -> Receipt | None:
        row = self._receipts.get((tenant_id, key_sha256))
        return None if row is None else Receipt.model_validate_json(row)

    def _replace(self, job: Job, settlement: Movement | None, last_check: Callable[[], object] = lambda: None) -> None:
        before, self.before_next_save = self.before_next_save, None
        if before is not None:
            before()
        stored = self.load(job.id)
        ends = job.status.is_terminal and stored is not None and stored.status is not job.status
        if stored is None or stored.version != job.version - 1 or (ends and settlement is None):
            raise StaleRecordError(f"somebody else wrote {job.id}")
        last_check()
        self.brakes.book(job.to_book)
        if settlement:
            self.wallets.move(settlement)
            self.usage.count(usage_of(job))
        self.rows[job.id] = job.model_dump_json()
        self.saves += 1
        after, self.after_next_save = self.after_next_save, None
        if after is not None:
            after()


class InMemoryCallbackStore:
    """Keeps callbacks as text. `before_next_save` runs once, before a write is tried: what another run does in between.
    `failure` is raised instead of writing a new one.
    """

    def __init__(self) -> None:
        self._rows: dict[str, str] = {}
        self.before_next_save: Callable[[], object] | None = None
        self.failure: FermataError | None = None

    def __len__(self) -> int:
        return len(self._rows)

    def create(self, callback: Callback) -> None:
        if self.failure is not None:
            raise self.failure
        if callback.sha256 in self._rows:
            raise StaleRecordError("the hash is taken")
        self._rows[callback.sha256] = callback.model_dump_json()

    def load(self, sha256: str) -> Callback | None:
        row = self._rows.get(sha256)
        return None if row is None else Callback.model_validate_json(row)

    def save(self, callback: Callback) -> None:
        before, self.before_next_save = self.before_next_save, None
        if before is not None:
            before()
        stored = self.load(callback.sha256)
        if stored is None or stored.version != callback.version - 1:
            raise StaleRecordError("somebody else wrote the callback")
        self._rows[callback.sha256] = callback.model_dump_json()


class RecordingMachineWaits:
    """Remembers which waits were ended; each ends once. `failure` is raised instead."""

    def __init__(self) -> None:
        self.ended: list[str] = []
        self.over: set[str] = set()
        self.failure: FermataError | None = None

    def end(self, task_token: str) -> bool:
        if self.failure is not None:
            raise self.failure
        if task_token in self.over:
            return False
        self.ended.append(task_token)
        self.over.add(task_token)
        return True


class FixedApiUrl:
    def __init__(self) -> None:
        self.url = "https://api.example.com"
        self.failure: FermataError | None = None

    def read(self) -> str:
        if self.failure is not None:
            raise self.failure
        return self.url


class InMemoryEstimates:
    """Remembers every song, and knows at once what it was told."""

    def __init__(self, known: Mapping[str, Estimate] | None = None) -> None:
        self.known = dict(known or {})
        self.times = SongTimes()

    def of(self, model_id: str, prior: Estimate) -> Estimate:
        return self.times.estimate(model_id, self.known.get(model_id, prior))

    def learn(self, model_id: str, song: SongTime) -> None:
        self.times = self.times.with_song(model_id, song)


class InMemoryProviderStates:
    """Keeps records as text. `before_next_save` runs once, before a write is tried: what another run does meanwhile."""

    def __init__(self) -> None:
        self._rows: dict[str, str] = {}
        self._given_back: dict[str, set[GivenBack]] = {}
        self._taken: dict[str, dict[str, Lease]] = {}
        self._next_go_ms: dict[str, int] = {}
        self.before_next_save: Callable[[], object] | None = None
        self.loads = 0
        self.saves = 0
        self.failure: FermataError | None = None

    def load(self, provider: str) -> ProviderState:
        self.loads += 1
        if self.failure is not None:
            raise self.failure
        return self._of(provider)

    def _of(self, provider: str) -> ProviderState:
        row = self._rows.get(provider)
        if row is None:
            return ProviderState(provider=provider)
        state = ProviderState.model_validate_json(row)
        taken = self._taken[provider]
        beside = state.with_taken(taken, self._next_go_ms[provider], state.open_slots - len(taken))
        return beside.with_given_back(self._given_back.get(provider, set()))

    def load_all(self, providers: Collection[str]) -> Mapping[str, ProviderState]:
        return {provider: self.load(provider) for provider in providers}

    def save(self, state: ProviderState) -> ProviderState:
        before, self.before_next_save = self.before_next_save, None
        if before is not None:
            before()
        stands = self._of(state.provider)
        if (stands.version, stands.slots_left) != (state.version - 1, state.slots_left):
            return stands
        self._rows[state.provider] = state.model_dump_json()
        self._given_back.get(state.provider, set()).difference_update(state.given_back)
        self._taken[state.provider] = {}
        self._next_go_ms[state.provider] = state.queue.next_go_ms
        self.saves += 1
        return state.written()

    def take(self, provider: str, ticket: str, lease: Lease, limits: Limits) -> StartAt | ProviderState:
        stands = self.load(provider)
        gave_back = GivenBack(ticket, None) in stands.given_back
        if not stands.slots_left or stands.limits != limits or ticket in stands.taken or gave_back:
            return stands
        start_ms = max(lease.since_ms, stands.queue.next_go_ms)
        if start_ms > lease.since_ms + AHEAD_MS:
            return stands
        self._taken[provider][ticket] = lease
        self._next_go_ms[provider] = start_ms + limits.gap_ms
        return StartAt(start_ms)

    def give_back(self, provider: str, slot: GivenBack) -> None:
        if self.failure is not None:
            raise self.failure
        self._given_back.setdefault(provider, set()).add(slot)


class RecordingMetrics:
    """Remembers (name, provider) of every event and time."""

    def __init__(self) -> None:
        self.counted: list[tuple[str, str | None]] = []
        self.measured: list[tuple[str, str, int]] = []
        self.used: list[tuple[str, str, int]] = []
        self.in_credits: list[tuple[str, int]] = []
        self.micro_usd: list[tuple[str, str, int]] = []

    def count(self, name: str, provider: str | None) -> None:
        self.counted.append((name, provider))

    def milliseconds(self, name: str, provider: str, value: int) -> None:
        self.measured.append((name, provider, value))

    def usd(self, name: str, provider: str, micro_usd: int) -> None:
        self.micro_usd.append((name, provider, micro_usd))

    def percent(self, name: str, provider: str, value: int) -> None:
        self.used.append((name, provider, value))

    def credits(self, name: str, amount: int) -> None:
        self.in_credits.append((name, amount))


@lru_cache(maxsize=1024)
def _check_at(row: str) -> datetime | None:
    """Without the rest of the row, which may be broken."""
    at = json.loads(row)["check_at"]
    return None if at is None else datetime.fromisoformat(at)


class InMemoryDueJobs:
    """Finds by looking at every row of a store."""

    def __init__(self, store: InMemoryJobStore) -> None:
        self.store = store

    def find(self, now: datetime) -> Iterator[str]:
        due = {job_id: _check_at(row) for job_id, row in self.store.rows.items()}
        yield from [job_id for job_id, check_at in due.items() if check_at is not None and check_at <= now]

    def put_off(self, job: Job, until: datetime, absent_since: datetime | None) -> None:
        stored = self.store.load(job.id)
        if stored is not None and stored.version == job.version and stored.check_at is not None:
            changes = {"check_at": until, "absent_since": absent_since}
            self.store.rows[job.id] = stored.model_copy(update=changes).model_dump_json()

    def put_off_unread(self, job_id: str, until: datetime, now: datetime) -> None:
        row = self.store.rows.get(job_id)
        check_at = None if row is None else _check_at(row)
        if row is not None and check_at is not None and check_at <= now:
            later = {**json.loads(row), "check_at": until.isoformat()}
            self.store.rows[job_id] = json.dumps(later)


class InMemoryPurchases:
    """Finds by looking at every row of a store."""

    def __init__(self, store: InMemoryJobStore) -> None:
        self.store = store

    def in_doubt(self, provider: str) -> list[str]:
        return self._jobs(provider, lambda attempt: attempt.is_in_doubt)

    def undoubted(self, provider: str, since: datetime, until: datetime, most: int) -> list[str]:
        def is_meant(attempt: Attempt) -> bool:
            certain = attempt.may_be_billed and not attempt.is_in_doubt
            return certain and since <= attempt.started_at <= until

        return self._jobs(provider, is_meant)[:most]

    def _jobs(self, provider: str, is_meant: Callable[[Attempt], bool]) -> list[str]:
        jobs = [Job.model_validate_json(row) for row in self.store.rows.values()]
        attempts = [(each, job.id) for job in jobs for each in job.attempts if each.provider == provider]
        meant = sorted((each.started_at, job_id) for each, job_id in attempts if is_meant(each))
        return list(dict.fromkeys(job_id for _, job_id in meant))


class InMemoryRecoverableJobs:
    """Finds by looking at every row of a store."""

    def __init__(self, store: InMemoryJobStore) -> None:
        self.store = store

    def find(self, provider: str, limit: int, after: Place | None) -> list[Place]:
        jobs = [Job.model_validate_json(row) for row in self.store.rows.values()]
        places = sorted(
            listed_at(job, found.attempt.number)
            for job in jobs
            for found in recoverables(job)
            if job.rescue is not None and found.attempt.provider == provider
        )
        return [place for place in places if after is None or place > after][:limit]


class InMemoryRescueSlots:
    """Who has each slot, and until when."""

    def __init__(self, slots: int = 2) -> None:
        self.slots = slots
        self.taken: dict[int, tuple[str, datetime]] = {}

    def take(self, holder: str, until: datetime, now: datetime) -> int | None:
        free = (i for i in range(self.slots) if i not in self.taken or self.taken[i][1] <= now)
        slot = next(free, None)
        if slot is not None:
            self.taken[slot] = (holder, until)
        return slot

    def give_back(self, slot: int, holder: str) -> None:
        if slot in self.taken and self.taken[slot][0] == holder:
            del self.taken[slot]


class InMemoryWaitingPlaces:
    """Who has each place, and until when. `failure` is raised instead; `writes` counts what was written."""

    def __init__(self) -> None:
        self.taken: dict[int, tuple[str, datetime]] = {}
        self.writes = 0
        self.failure: FermataError | None = None

    def take(self, among: Sequence[int], holder: str, until: datetime, now: datetime) -> int | None:
        if self.failure is not None:
            raise self.failure
        place = next((each for each in among if each not in self.taken or self.taken[each][1] <= now), None)
        if place is not None:
            self.taken[place] = (holder, until)
            self.writes += 1
        return place

    def give_back(self, place: int, holder: str) -> None:
        self.writes += 1
        if self.failure is not None:
            raise self.failure
        if place in self.taken and self.taken[place][0] == holder:
            del self.taken[place]


class RecordingRescueMachine:
    """Remembers the runs that were started, each once. `failure` is raised instead."""

    def __init__(self) -> None:
        self.started: list[tuple[str, int]] = []
        self.failure: FermataError | None = None

    def start(self, job_id: str, number: int) -> None:
        if self.failure is not None:
            raise self.failure
        if (job_id, number) not in self.started:
            self.started.append((job_id, number))


class InMemoryTenantJobs:
    """Finds by looking at every row of a store."""

    def __init__(self, store: InMemoryJobStore) -> None:
        self.store = store

    def find(self, page: PageRequest) -> PageOfIds:
        jobs = self.store.load_all(sorted(self.store.rows, reverse=True))
        ids = [job.id for job in jobs if page.of.has(job) and (page.before is None or job.id < page.before)]
        taken = tuple(ids[: page.limit])
        return PageOfIds(taken, taken[-1] if len(ids) > page.limit else None)


class InMemoryTenantStore:
    """Keeps tenants and keys as text. `note_failure` is raised instead of noting a use; `before_next_rotation` runs
    once, before one is tried: what another operator does in between.
    """

    def __init__(self) -> None:
        self._tenants: dict[str, str] = {}
        self._keys: dict[str, str] = {}
        self.notes = 0
        self.note_failure: FermataError | None = None
        self.before_next_rotation: Callable[[], object] | None = None

    def create_tenant(self, tenant: Tenant) -> bool:
        if tenant.tenant_id in self._tenants:
            return False
        self._tenants[tenant.tenant_id] = tenant.model_dump_json()
        return True

    def tenant_ids(self) -> Iterator[str]:
        return iter(sorted(self._tenants))

    def find_tenant(self, tenant_id: str) -> Tenant | None:
        row = self._tenants.get(tenant_id)
        return None if row is None else Tenant.model_validate_json(row)

    def add_key(self, key: ApiKey) -> None:
        if key.key_id in self._keys:
            raise StaleRecordError(f"the id {key.key_id} is taken")
        self._put_key(key)

    def find_key(self, key_id: str) -> ApiKey | None:
        row = self._keys.get(key_id)
        return None if row is None else ApiKey.model_validate_json(row)

    def keys_of(self, tenant_id: str) -> list[ApiKey]:
        keys = [ApiKey.model_validate_json(row) for row in self._keys.values()]
        mine = [key for key in keys if key.tenant_id == tenant_id]
        return sorted(mine, key=lambda key: (key.created_at, key.key_id))

    def rotate_key(self, old: ApiKey, new: ApiKey) -> None:
        before, self.before_next_rotation = self.before_next_rotation, None
        if before is not None:
            before()
        stored = self.find_key(old.key_id)
        if stored is None or stored.revoked_at or stored.rotated_to or new.key_id in self._keys:
            raise StaleRecordError(f"{old.key_id} was rotated or revoked meanwhile")
        self._put_key(stored.model_copy(update={"rotated_to": old.rotated_to, "expires_at": old.expires_at}))
        self._put_key(new)

    def revoke_key(self, key_id: str, now: datetime) -> bool:
        stored = self.find_key(key_id)
        if stored is None or stored.revoked_at is not None:
            return False
        self._put_key(stored.model_copy(update={"revoked_at": now}))
        return True

    def note_use(self, key_id: str, now: datetime) -> None:
        if self.note_failure is not None:
            raise self.note_failure
        stored = self.find_key(key_id)
        if stored is not None and stored.use_is_news(now):
            self._put_key(stored.model_copy(update={"last_used_at": now}))
            self.notes += 1

    def _put_key(self, key: ApiKey) -> None:
        self._keys[key.key_id] = key.model_dump_json()


@dataclass(frozen=True)
class ScriptedAnswer:
    """An HTTP answer from a script; `ends_with` is raised after the body, as a cut connection does."""

    body: bytes = b""
    http_status: int = 200
    content_type: str = "application/json"
    retry_after_s: int | None = None
    ends_with: FermataError | None = None
    chunk_bytes: int = 1000

    def chunks(self) -> Iterator[bytes]:
        for start in range(0, len(self.body), self.chunk_bytes):
            yield self.body[start : start + self.chunk_bytes]
        if self.ends_with is not None:
            raise self.ends_with


class InMemoryAnswerStore:
    """Keeps an answer only once all of it arrived. `fail_next_keep` is raised after the next one was kept. `files` are
    what else was received, by job, attempt and name.
    """

    def __init__(self) -> None:
        self.kept: dict[tuple[str, int], ScriptedAnswer] = {}
        self.files: dict[tuple[str, int, str], bytes] = {}
        self.fail_next_keep: FermataError | None = None
        self.fail_next_open: FermataError | None = None
        self.fail_next_keep_file: FermataError | None = None

    def keep(self, job_id: str, attempt: int, answer: StreamedAnswer) -> None:
        body = b""
        try:
            for chunk in answer.chunks():
                body += chunk
        except AnswerLostError:
            if body:
                self.files[job_id, attempt, "cut"] = body
            raise
        self.kept[job_id, attempt] = ScriptedAnswer(body, answer.http_status, answer.content_type, answer.retry_after_s)
        failure, self.fail_next_keep = self.fail_next_keep, None
        if failure is not None:
            raise failure

    def open(self, job_id: str, attempt: int) -> StreamedAnswer | None:
        failure, self.fail_next_open = self.fail_next_open, None
        if failure is not None:
            raise failure
        return self.kept.get((job_id, attempt))

    def keep_file(self, job_id: str, attempt: int, name: str, file: IO[bytes]) -> None:
        failure, self.fail_next_keep_file = self.fail_next_keep_file, None
        if failure is not None:
            raise failure
        self.files[job_id, attempt, name] = file.read()
        # As the SDK does.
        file.close()

    def open_file(self, job_id: str, attempt: int, name: str) -> Iterator[bytes] | None:
        kept = self.files.get((job_id, attempt, name))
        return None if kept is None else iter([kept])

    def forget(self, job_id: str) -> None:
        for key in [key for key in self.kept if key[0] == job_id]:
            del self.kept[key]
        for name in [name for name in self.files if name[0] == job_id]:
            del self.files[name]


@dataclass(frozen=True)
class Sent:
    """One call that a provider received."""

    provider: str
    call: UpstreamCall
    key: str
    within_s: float


@dataclass(frozen=True)
class Uploaded:
    """One file that a provider received."""

    provider: str
    call: UploadCall
    content: bytes
    key: str
    within_s: float


class FakeUpstream:
    """Answers from a script, one entry per call, and fails the test that calls more often than it said.

    `while_sending` runs after a request went out and before its answer is handed over.
    """

    def __init__(self, *script: ScriptedAnswer | FermataError) -> None:
        self.script = list(script)
        self.sent: list[Sent] = []
        self.uploaded: list[Uploaded] = []
        self.while_sending: Callable[[], object] | None = None

    @property
    def posts(self) -> int:
        return sum(sent.call.method == "POST" for sent in self.sent)

    @contextmanager
    def send(self, provider: str, call: UpstreamCall, key: str, within_s: float) -> Iterator[ScriptedAnswer]:
        self.sent.append(Sent(provider, call, key, within_s))
        yield self._next_answer(f"{call.method} {call.path}")

    @contextmanager
    def upload(
        self, provider: str, call: UploadCall, file: Path, key: str, within_s: float
    ) -> Iterator[ScriptedAnswer]:
        self.uploaded.append(Uploaded(provider, call, file.read_bytes(), key, within_s))
        yield self._next_answer(f"an upload to {call.path}")

    def _next_answer(self, what: str) -> ScriptedAnswer:
        meanwhile, self.while_sending = self.while_sending, None
        if meanwhile is not None:
            meanwhile()
        if not self.script:
            raise AssertionError(f"the script has no answer to call {len(self.sent) + len(self.uploaded)}: {what}")
        answer = self.script.pop(0)
        if isinstance(answer, FermataError):
            raise answer
        return answer


class FakeAudioLinks:
    """Serves files by their exact link; what is scripted as an error is raised in the middle of the file."""

    def __init__(self, files: Mapping[str, bytes | FermataError] | None = None) -> None:
        self.files = dict(files or {})
        self.fetched: list[tuple[str, str]] = []

    def fetch(self, provider: str, url: str) -> Iterator[bytes]:
        self.fetched.append((provider, url))
        file = self.files[url]
        if isinstance(file, FermataError):
            yield b"the beginning"
            raise file
        yield from (file[start : start + 1000] for start in range(0, len(file), 1000))


class FakeReferenceLinks:
    """Serves recordings by their exact link; what is scripted as an error is raised in the middle of the file."""

    def __init__(self) -> None:
        self.files: dict[str, bytes | FermataError] = {}
        self.fetched: list[str] = []

    def fetch(self, url: str) -> Iterator[bytes]:
        self.fetched.append(url)
        file = self.files[url]
        if isinstance(file, FermataError):
            yield b"the beginning"
            raise file
        yield from (file[start : start + 1000] for start in range(0, len(file), 1000))


class FixedAudioMeter:
    """Finds the same facts in every file except for its size, or an error."""

    def __init__(self, failure: FermataError | None = None) -> None:
        self.failure = failure

    def measure(self, path: Path) -> AudioFacts:
        if self.failure is not None:
            raise self.failure
        return replace(AudioFacts("audio/mpeg", "mp3", 0, 25_364, 44_100, 2, 256_000), bytes=path.stat().st_size)


class InMemoryTrackStore:
    def __init__(self) -> None:
        self.files: dict[str, tuple[bytes, str]] = {}
        self.puts = 0
        self.fail_next_put: FermataError | None = None
        self.fail_next_forget: FermataError | None = None

    def put(self, object_key: str, path: Path, content_type: str) -> None:
        failure, self.fail_next_put = self.fail_next_put, None
        if failure is not None:
            raise failure
        self.files[object_key] = (path.read_bytes(), content_type)
        self.puts += 1

    def forget(self, job_id: str) -> None:
        failure, self.fail_next_forget = self.fail_next_forget, None
        if failure is not None:
            raise failure
        for key in [key for key in self.files if key.startswith(f"tracks/{job_id}/")]:
            del self.files[key]

    def link(self, track: Track, disposition: str, ttl_s: int) -> str:
        return f"https://audio.test/{track.object_key}?as={disposition}&ttl={ttl_s}&X-Amz-Signature=canary"


class InMemoryReferenceStore:
    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.content_types: dict[str, str] = {}
        self.puts = 0
        self.fail_next_put: FermataError | None = None
        self.fail_next_forget: FermataError | None = None

    def upload_form(self, object_key: str, content_type: str, size_bytes: int, ttl_s: int) -> UploadForm:
        fields = {"key": object_key, "Content-Type": content_type, "policy": f"{size_bytes} bytes in {ttl_s} s"}
        return UploadForm("https://uploads.test/", fields)

    def size(self, object_key: str) -> int | None:
        return len(self.files[object_key]) if object_key in self.files else None

    def open(self, object_key: str) -> Iterator[bytes] | None:
        file = self.files.get(object_key)
        return None if file is None else iter([file[:1000], file[1000:]])

    def put(self, object_key: str, path: Path, content_type: str) -> None:
        failure, self.fail_next_put = self.fail_next_put, None
        if failure is not None:
            raise failure
        self.files[object_key] = path.read_bytes()
        self.content_types[object_key] = content_type
        self.puts += 1

    def forget(self, begins_with: str) -> None:
        if self.fail_next_forget is not None:
            failure, self.fail_next_forget = self.fail_next_forget, None
            raise failure
        for key in [key for key in self.files if key.startswith(begins_with)]:
            del self.files[key]

    def link(self, object_key: str, ttl_s: int) -> str:
        return f"https://references.test/{object_key}?ttl={ttl_s}&X-Amz-Signature=canary"


class RecordingJobMachine:
    """Remembers what was started. `while_starting` runs first, then `failure` is raised instead of an answer."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.failure: FermataError | None = None
        self.while_starting: Callable[[str], object] | None = None
        self.ended: set[str] = set()

    def start(self, job_id: str) -> None:
        if self.while_starting is not None:
            self.while_starting(job_id)
        if self.failure is not None:
            raise self.failure
        if job_id not in self.started:
            self.started.append(job_id)

    def execution(self, job_id: str) -> Execution:
        if self.failure is not None:
            raise self.failure
        if job_id in self.ended:
            return Execution.ENDED
        return Execution.RUNNING if job_id in self.started else Execution.ABSENT


class RecordingJobEvents:
    """Remembers what was told, usage apart from all else. `failure` is raised instead; `while_publishing` runs once
    events were taken.
    """

    def __init__(self) -> None:
        self.published: list[JobEvent] = []
        self.usage: list[JobEvent] = []
        self.failure: FermataError | None = None
        self.while_publishing: Callable[[], object] | None = None

    def publish(self, *events: JobEvent) -> None:
        if self.failure is not None:
            raise self.failure
        for event in events:
            (self.usage if event.detail_type == "Usage Recorded" else self.published).append(event)
        meanwhile, self.while_publishing = self.while_publishing, None
        if meanwhile is not None:
            meanwhile()


class InMemoryWebhookStore:
    """Keeps endpoints and secrets as text. `failure` is raised instead of reading an endpoint."""

    def __init__(self) -> None:
        self._endpoints: dict[str, str] = {}
        self._secrets: dict[str, dict[str, str]] = {}
        self.failure: FermataError | None = None

    def find(self, tenant_id: str) -> WebhookEndpoint | None:
        if self.failure is not None:
            raise self.failure
        row = self._endpoints.get(tenant_id)
        return None if row is None else WebhookEndpoint.model_validate_json(row)

    def secrets(self, tenant_id: str) -> WebhookSecrets:
        if tenant_id not in self._secrets:
            raise ConfigurationError(f"tenant {tenant_id} has no secret")
        return WebhookSecrets.model_validate(self._secrets[tenant_id])

    def point(self, endpoint: WebhookEndpoint, secret: str) -> bool:
        self._endpoints[endpoint.tenant_id] = endpoint.model_dump_json()
        return self._secrets.setdefault(endpoint.tenant_id, {"current": secret})["current"] == secret

    def switch_off(self, tenant_id: str) -> None:
        if tenant_id in self._endpoints:
            self._endpoints[tenant_id] = WebhookEndpoint(tenant_id=tenant_id).model_dump_json()

    def disable(self, tenant_id: str, url: str, now: datetime) -> None:
        endpoint = self.find(tenant_id)
        if endpoint is not None and endpoint.url == url:
            self._endpoints[tenant_id] = endpoint.model_copy(update={"disabled_at": now}).model_dump_json()

    def rotate(self, tenant_id: str, secret: str, previous_until: datetime) -> bool:
        before = self._secrets.get(tenant_id)
        if before is None:
            return not self.point(WebhookEndpoint(tenant_id=tenant_id), secret)
        if before["current"] != secret:
            until = previous_until.isoformat()
            self._secrets[tenant_id] = {"current": secret, "previous": before["current"], "previous_until": until}
        return True


class InMemoryWebhookDeliveries:
    """Keeps tries as text. `before_next_add` runs once, before a try is kept: what another run does in between."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, int, int], str] = {}
        self._replays: dict[str, int] = {}
        self.posts: Counter[str] = Counter()
        self.before_next_add: Callable[[], object] | None = None

    def of(self, job_id: str) -> tuple[WebhookAttempt, ...]:
        keys = sorted(key for key in self._rows if key[0] == job_id)
        return tuple(WebhookAttempt.model_validate_json(self._rows[key]) for key in keys)

    def add(self, job_id: str, attempt: WebhookAttempt) -> WebhookAttempt:
        before, self.before_next_add = self.before_next_add, None
        if before is not None:
            before()
        key = (job_id, attempt.replay, attempt.number)
        return WebhookAttempt.model_validate_json(self._rows.setdefault(key, attempt.model_dump_json()))

    def next_replay(self, job_id: str, most_posts: int, now: datetime) -> int | None:
        assert now.tzinfo is not None
        if self._replays.get(job_id, 0) >= MOST_REPLAYS or self.posts[job_id] >= most_posts:
            return None
        self._replays[job_id] = self._replays.get(job_id, 0) + 1
        return self._replays[job_id]

    def forget(self, job_id: str) -> None:
        for key in [key for key in self._rows if key[0] == job_id]:
            del self._rows[key]
        self._replays.pop(job_id, None)
        self.posts.pop(job_id, None)

    def count_post(self, job_id: str, most_posts: int, now: datetime) -> bool:
        assert now.tzinfo is not None
        if self.posts[job_id] >= most_posts:
            return False
        self.posts[job_id] += 1
        return True


@dataclass(frozen=True)
class SentWebhook:
    """A post as a receiver would have seen it."""

    url: str
    headers: Mapping[str, str]
    body: bytes


class ScriptedWebhookSender:
    """Gives the script's replies one after the other, and then 204. `while_sending` runs once, before a reply."""

    def __init__(self, *script: Reply) -> None:
        self.script = list(script)
        self.sent: list[SentWebhook] = []
        self.while_sending: Callable[[], object] | None = None

    def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        self.sent.append(SentWebhook(url, dict(headers), body))
        meanwhile, self.while_sending = self.while_sending, None
        if meanwhile is not None:
            meanwhile()
        return self.script.pop(0) if self.script else Answered(204)


class RecordingWebhookMachine:
    """Remembers the deliveries that were begun, by their names. `failure` is raised instead."""

    def __init__(self) -> None:
        self.started: dict[str, tuple[str, int]] = {}
        self.failure: FermataError | None = None

    def start(self, name: str, job_id: str, replay: int) -> None:
        if self.failure is not None:
            raise self.failure
        self.started.setdefault(name, (job_id, replay))


class FixedProviderKeys:
    def __init__(self, keys: Mapping[str, Mapping[str, str]] | None = None) -> None:
        self.keys = {name: {"default": KEY} for name in PROVIDERS} if keys is None else dict(keys)
        self.on_use: Callable[[], object] | None = None

    def current(self, provider: str) -> tuple[str, str]:
        if self.on_use is not None:
            self.on_use()
        for alias, key in self.keys.get(provider, {}).items():
            return alias, key
        raise ConfigurationError(f"there is no key for {provider}; add one to the secret")

    def by_alias(self, provider: str, alias: str) -> str:
        key = self.keys.get(provider, {}).get(alias)
        if key is None:
            raise ConfigurationError(f"there is no key {alias} for {provider}; keep it until its jobs ended")
        return key


@dataclass
class World:
    """Every twin once, and the ports of each use case over them."""

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
    settings: InMemorySettingsStore = field(default_factory=InMemorySettingsStore)
    stack_answers: RecordingStackAnswers = field(default_factory=RecordingStackAnswers)
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
        """Take another twin in place of one; under a name that is none of the world's no use case would look."""
        if not hasattr(type(self), name) and name not in type(self).__dataclass_fields__:
            raise AttributeError(f"the world has nothing called {name}")
        super().__setattr__(name, value)

    def resume_ports(self) -> ResumePorts:
        return ResumePorts(self.jobs, self.answers, self.providers, self.catalogue, self.estimates, self.metrics, 10)

    def start_ports(self) -> StartPorts:
        return StartPorts(
            resume=self.resume_ports(),
            queue=self.queue_ports(),
            spending=SpendingPorts(self.brakes, self.budget, self.metrics, look_again_s=10),
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

    def settings_ports(self) -> SettingsPorts:
        return SettingsPorts(self.settings, self.catalogue, trusted_origins=frozenset())

    def callback_ports(self) -> CallbackPorts:
        return CallbackPorts(self.jobs, self.callbacks, self.waits)

    def queue_ports(self) -> QueuePorts:
        """Pauses move the clock; there is no chance in tests."""
        return QueuePorts(
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
