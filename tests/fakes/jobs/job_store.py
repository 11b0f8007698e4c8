"""A fake of the job store."""

from collections.abc import Callable, Sequence
from datetime import datetime

from fermata.domain.audio.sound import TrackSound
from fermata.domain.finish.restored import is_unreplayed
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.status import JobStatus
from fermata.domain.money.movement import LedgerEntry, Movement, hold_on, settlement_of
from fermata.domain.money.reports.usage_log import line_of
from fermata.domain.money.usage import usage_of
from fermata.domain.money.wallet import Wallet
from fermata.domain.orders.idempotency import Receipt
from fermata.domain.providers.spending import NEW_ORDERS, day_of
from fermata.errors import (
    DrainingError,
    IdempotencyKeyTakenError,
    NotFoundError,
    ProviderHeldError,
    StaleRecordError,
    TransientError,
)
from tests.fakes.money.usage_store import InMemoryUsageStore
from tests.fakes.money.wallet_store import FUNDED_WALLETS, InMemoryWalletStore
from tests.fakes.providers.brake_store import InMemoryBrakeStore


class InMemoryJobStore:
    """Keeps jobs as text, so that no caller can change a stored one by keeping a reference to it.

    `before_next_save` runs once, before a write is tried: what another run does in between. `after_next_save` runs
    once, after a write was applied and before its caller hears of it: the loss of the answer. `before_look` runs before
    each look at a status alone.
    """

    def __init__(self, wallets: InMemoryWalletStore | None = None) -> None:
        self.restored_at: datetime | None = None
        self.wallets = wallets or InMemoryWalletStore(*FUNDED_WALLETS)
        self.brakes = InMemoryBrakeStore()
        self.usage = InMemoryUsageStore()
        self.rows: dict[str, str] = {}
        self.sounds: dict[str, tuple[TrackSound, ...]] = {}
        self._receipts: dict[tuple[str, str], str] = {}
        self.after_next_save: Callable[[], object] | None = None
        self.before_next_save: Callable[[], object] | None = None
        self.before_next_sounds: Callable[[], object] | None = None
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
        hold = hold_on(job)
        if hold.buys and self.brakes.paused_since(NEW_ORDERS):
            raise DrainingError
        wallet = self.wallets.move(hold)
        self.rows[job.id] = job.model_dump_json()
        if receipt:
            self._receipts[receipt.tenant_id, receipt.key_sha256] = receipt.model_dump_json()
        return wallet

    def load(self, job_id: str) -> Job | None:
        row = self.rows.get(job_id)
        if row is None:
            return None
        return Job.model_validate_json(row).model_copy(update={"sounds": self.sounds.get(job_id, ())})

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

    def replay(self, job: Job) -> None:
        self._replace(job, None)

    def reconcile(self, job: Job, notes: Sequence[LedgerEntry]) -> None:
        self._replace(job, None, lambda: self.wallets.add_notes(job.tenant_id, notes))
        self.usage.change(job, "cost_micro_usd", "unknown_micro_usd", "booked_micro_usd")

    def add_sounds(self, job_id: str, sounds: tuple[TrackSound, ...]) -> None:
        before, self.before_next_sounds = self.before_next_sounds, None
        if before is not None:
            before()
        job = self.load(job_id)
        if job is None or job.deleted_at is not None:
            raise NotFoundError(f"no record of job {job_id}")
        self.sounds[job_id] = tuple(TrackSound.model_validate_json(each.model_dump_json()) for each in sounds)

    def forget(self, job: Job) -> None:
        self._replace(job, None)
        self.sounds.pop(job.id, None)
        self.usage.change(job, "metadata")

    def find_receipt(self, tenant_id: str, key_sha256: str) -> Receipt | None:
        row = self._receipts.get((tenant_id, key_sha256))
        return None if row is None else Receipt.model_validate_json(row)

    def _replace(self, job: Job, settlement: Movement | None, last_check: Callable[[], object] = lambda: None) -> None:
        before, self.before_next_save = self.before_next_save, None
        if before is not None:
            before()
        stored = self.load(job.id)
        was_open = stored is None or not stored.status.is_terminal
        if self.restored_at is not None and was_open and is_unreplayed(job, self.restored_at):
            raise TransientError(f"{job.id} waits for fermata-admin recover")
        ends = job.status.is_terminal and stored is not None and stored.status is not job.status
        if stored is None or stored.version != job.version - 1 or (ends and settlement is None):
            raise StaleRecordError(f"somebody else wrote {job.id}")
        last_check()
        self.brakes.book(job.to_book)
        if settlement:
            self.wallets.move(settlement)
            self.usage.count(usage_of(job))
            self.usage.write(line_of(job))
        self.rows[job.id] = job.model_dump_json()
        self.saves += 1
        after, self.after_next_save = self.after_next_save, None
        if after is not None:
            after()
