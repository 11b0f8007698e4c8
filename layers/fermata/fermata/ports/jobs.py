"""Job records, the indexes over them, and the state machines that move them."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol

from fermata.domain.finish.overdue import Execution
from fermata.domain.finish.recoverable_list import Place
from fermata.domain.jobs.events import JobEvent
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.page import PageOfIds, PageRequest
from fermata.domain.jobs.status import JobStatus
from fermata.domain.money.wallet import LedgerEntry, Wallet
from fermata.domain.orders.idempotency import Receipt


class JobStore(Protocol):
    """Job records, and the credits that they move. Writes are conditional on the version that was read."""

    def create(self, job: Job, receipt: Receipt | None = None) -> Wallet:
        """Store a new job, hold its price in the tenant's wallet, count it there and keep the receipt: all in one
        transaction, or nothing. Gives back the wallet as it is then, but for what others moved at the same moment.

        Raises `StaleRecordError` where the id is taken, `IdempotencyKeyTakenError` where another live receipt has the
        key, a `LimitReachedError` where the plan allows no more, and `OutOfCreditError`.
        """

    def load(self, job_id: str) -> Job | None:
        """The job with its attempts, read consistently, or None."""

    def load_existing(self, job_id: str) -> Job:
        """The job of a running execution, read as `load` reads it; raises `NotFoundError` where there is none."""

    def status(self, job_id: str) -> JobStatus | None:
        """Where a job stands, or stood a moment ago, for the price of the smallest read; None where there is no job.
        Raises `TransientError`.
        """

    def claim(self, job: Job, budget_micro_usd: int) -> None:
        """Save a job with a new attempt and book its cost, provided that the operator holds its provider back neither
        by a pause nor by a budget for the day (0: none): all in one transaction, or nothing.

        Raises `StaleRecordError` where somebody else wrote first, else `ProviderHeldError`.
        """

    def load_all(self, job_ids: Sequence[str]) -> list[Job]:
        """The jobs among these ids that are there, in the order of the ids, read consistently; raises `TransientError`
        rather than leave one out. Only one whose record cannot be read is left out, and logged for the operator.
        """

    def save(self, job: Job) -> None:
        """Replace the version before this one, and book what it books, in one transaction; raises `StaleRecordError`
        where somebody else wrote first. It cannot end a job: only `settle` can.
        """

    def settle(self, job: Job) -> None:
        """Replace the version before this one by the job's end, settle its hold and count its usage, in one
        transaction; raises `StaleRecordError` where somebody else wrote first.
        """

    def reconcile(self, job: Job, notes: Sequence[LedgerEntry]) -> None:
        """Replace the version before this one by one whose attempts have their bills, and add notes to the tenant's
        ledger, in one transaction; raises `StaleRecordError` where somebody else wrote first, or wrote such a note.
        """

    def forget(self, job: Job) -> None:
        """Replace the version before this one by its tombstone, everywhere, in one transaction; it goes by itself after
        `TOMBSTONE_KEPT_FOR`. Raises `StaleRecordError` where somebody else wrote first.
        """

    def find_receipt(self, tenant_id: str, key_sha256: str) -> Receipt | None:
        """What is kept of an idempotency key, read consistently; it may have run out."""


class JobMachine(Protocol):
    """The state machine that runs jobs."""

    def start(self, job_id: str) -> None:
        """Start the execution of this name; a second start of the same job changes nothing. Raises `TransientError`."""

    def execution(self, job_id: str) -> Execution:
        """How the execution of this name stands; raises `TransientError`."""


class DueJobs(Protocol):
    """The jobs that somebody has to look after: every open one, and those whose end nobody was told of."""

    def find(self, now: datetime) -> Iterator[str]:
        """Ids of jobs whose `check_at` has passed, read as they are taken: those that may be stuck come before, and
        between, the many of other kinds. A moment old: load each before you act. Raises `TransientError`, also amid
        the ids.
        """

    def put_off(self, job: Job, until: datetime, absent_since: datetime | None) -> None:
        """Look at the job again at `until`, unless somebody has written it since it was read. Other writers are not
        disturbed. Raises `TransientError`.
        """

    def put_off_unread(self, job_id: str, until: datetime, now: datetime) -> None:
        """Look at a job whose record could not be worked with again at `until`, where it is still due now. Raises
        `TransientError`.
        """


class RescueMachine(Protocol):
    """The state machine that rescues songs of ended jobs."""

    def start(self, job_id: str, number: int) -> None:
        """Start a run by its number; a second start of the same run changes nothing. Raises `TransientError`."""


class RescueSlots(Protocol):
    """How many rescues run at once; every method raises `TransientError`."""

    def take(self, holder: str, until: datetime, now: datetime) -> int | None:
        """The number of the slot that this run has until a moment, or None where all are taken. Afterwards anybody may
        take it, as after `give_back`.
        """

    def give_back(self, slot: int, holder: str) -> None:
        """Free a slot, unless another run has it by now."""


class RecoverableJobs(Protocol):
    """What waits to be redelivered, by provider, those that ended first in front. A moment old: load each job."""

    def find(self, provider: str, limit: int, after: Place | None) -> list[Place]:
        """The next places of a provider's list, at most `limit`; fewer mean that it ends there. Raises
        `TransientError`.
        """


class TenantJobs(Protocol):
    """The jobs of each tenant by the time of their submission."""

    def find(self, page: PageRequest) -> PageOfIds:
        """The ids of one page. A moment old: load the jobs and look whether they still belong to the list. Raises
        `TransientError`.
        """


class JobEvents(Protocol):
    """Where the ends of jobs are told."""

    def publish(self, *events: JobEvent) -> None:
        """Tell of one end, by at most ten events; raises `TransientError` where not all were taken."""


class MachineWaits(Protocol):
    """The state machine's waits for a post from outside, by their task tokens."""

    def end(self, task_token: str) -> bool:
        """End a wait; False where it is over already. Raises `TransientError`."""
