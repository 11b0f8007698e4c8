"""Job records, the indexes over them, and the state machines that move them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from fermata.domain.audio.sound import TrackSound
    from fermata.domain.finish.events import JobEvent
    from fermata.domain.finish.overdue import Execution
    from fermata.domain.finish.recoverable_list import Place
    from fermata.domain.jobs.job import Job
    from fermata.domain.jobs.status import JobStatus
    from fermata.domain.lists.page import PageOfIds, PageRequest
    from fermata.domain.money.movement import LedgerEntry
    from fermata.domain.money.wallet import Wallet
    from fermata.domain.orders.idempotency import Receipt


class JobStore(Protocol):
    """Job records, and the credits that they move. Writes are conditional on the version that was read."""

    def create(self, job: Job, receipt: Receipt | None = None) -> Wallet:
        """Store a new job, hold its price in the tenant's wallet, count it there and keep the receipt, in one
        transaction. Returns the wallet afterwards, perhaps without concurrent movements of other jobs.

        Raises `StaleRecordError` where the id is taken, `IdempotencyKeyTakenError` where another live receipt has the
        key, a `LimitReachedError` where the plan allows no more, and `OutOfCreditError`.
        """

    def load(self, job_id: str) -> Job | None:
        """The job with its attempts, read consistently, or None."""

    def load_existing(self, job_id: str) -> Job:
        """The job of a running execution, read as `load` reads it; raises `NotFoundError` if it does not exist."""

    def status(self, job_id: str) -> JobStatus | None:
        """The job's status, perhaps a moment old, by the cheapest read; None without a job. Raises `TransientError`."""

    def claim(self, job: Job, budget_micro_usd: int) -> None:
        """Save a job with a new attempt and book its cost, in one transaction, unless a pause or the day's budget
        (0: no budget) blocks its provider. A pause that begins while this runs may come too late.

        Raises `StaleRecordError` if another run wrote first, otherwise `ProviderHeldError`.
        """

    def load_all(self, job_ids: Sequence[str]) -> list[Job]:
        """The existing jobs among these ids, in the order of the ids, read consistently. Raises `TransientError` rather
        than return a part; only a job with an unreadable record is left out, and logged for the operator.
        """

    def save(self, job: Job) -> None:
        """Replace the previous version and book its costs, in one transaction; raises `StaleRecordError` if another run
        wrote first. It cannot end a job: only `settle` can.
        """

    def settle(self, job: Job) -> None:
        """Replace the previous version by the job's end, settle its hold and count its usage, in one transaction;
        raises `StaleRecordError` if another run wrote first.
        """

    def replay(self, job: Job) -> None:
        """Replace the previous version and all attempts of an open job after its table was restored; raises
        `StaleRecordError` if another run wrote first.
        """

    def reconcile(self, job: Job, notes: Sequence[LedgerEntry]) -> None:
        """Replace the previous version by one whose attempts have their bills, and add notes to the tenant's ledger, in
        one transaction; raises `StaleRecordError` if another run wrote the job or such a note first.
        """

    def add_sounds(self, job_id: str, sounds: tuple[TrackSound, ...]) -> None:
        """Store how loud a finished job's tracks are beside its record, which stays as it is; they may be stored again.
        Raises `NotFoundError` where the job is unknown or deleted, `TransientError`.
        """

    def forget(self, job: Job) -> None:
        """Replace every row of the previous version by the tombstone, in one transaction; the tombstone expires after
        `TOMBSTONE_KEPT_FOR`. Raises `StaleRecordError` if another run wrote first.
        """

    def find_receipt(self, tenant_id: str, key_sha256: str) -> Receipt | None:
        """The receipt of an idempotency key, read consistently and perhaps expired, or None."""


class JobMachine(Protocol):
    """The state machine that runs jobs."""

    def start(self, job_id: str, name: str | None = None) -> None:
        """Start a job's execution under a name, by default its id; a second start of the same name changes nothing.
        Raises `TransientError`.
        """

    def execution(self, name: str) -> Execution:
        """The state of the execution of this name; raises `TransientError`."""


class DueJobs(Protocol):
    """The jobs that need a check: every open one, and ended ones without a notification."""

    def find(self, now: datetime) -> Iterator[str]:
        """Ids of jobs whose `check_at` has passed, read lazily; jobs that may be stuck come first and are interleaved
        with the more numerous other kinds. A moment old: load each before you act. Raises `TransientError`, also
        between ids.
        """

    def open_jobs(self, after: str | None = None) -> Iterator[tuple[str, str]]:
        """The id of every open job, read lazily, each with its place in this list; those after the place `after`, or
        all. A few that have ended are among them, and one that moves meanwhile may come twice, never not at all. Raises
        `InvalidRequestError` for what is no place, and `TransientError`, also between ids.
        """

    def put_off(self, job: Job, until: datetime, absent_since: datetime | None) -> None:
        """Check the job again at `until`, unless another run has written it since it was read. Other writers are not
        disturbed. Raises `TransientError`.
        """

    def put_off_unread(self, job_id: str, until: datetime, now: datetime) -> None:
        """Check a job with an unusable record again at `until`, if it is still due now. Raises `TransientError`."""


class RescueMachine(Protocol):
    """The state machine that rescues songs of ended jobs."""

    def start(self, job_id: str, number: int) -> None:
        """Start a run by its number; a second start of the same run changes nothing. Raises `TransientError`."""


class RescueSlots(Protocol):
    """How many rescues run at once; every method raises `TransientError`."""

    def take(self, holder: str, until: datetime, now: datetime) -> int | None:
        """Reserve a slot for a run until a moment and return its number, or None if all are taken. Afterwards, or after
        `give_back`, any run may take it.
        """

    def give_back(self, slot: int, holder: str) -> None:
        """Free a slot, unless another run has it by now."""


class RecoverableJobs(Protocol):
    """The jobs that can be redelivered, by provider, earliest end first. A moment old: load each job."""

    def find(self, provider: str, limit: int, after: Place | None) -> list[Place]:
        """The next places of a provider's list, at most `limit`; fewer mean the end of the list. Raises
        `TransientError`.
        """


class TenantJobs(Protocol):
    """The jobs of each tenant by the time of their submission."""

    def find(self, page: PageRequest) -> PageOfIds:
        """The ids of one page. A moment old: load the jobs and check that they still belong to the list. Raises
        `TransientError`.
        """


class JobEvents(Protocol):
    """The event bus on which the ends of jobs are published."""

    def publish(self, *events: JobEvent) -> None:
        """Publish one job's end as at most ten events; raises `TransientError` if not all were accepted."""


class MachineWaits(Protocol):
    """The state machine's waits for a post from outside, by their task tokens."""

    def end(self, task_token: str) -> bool:
        """End a wait; False if it is over already. Raises `TransientError`."""
