"""What the use cases need from outside, as small protocols. Each has an adapter for AWS or HTTP; tests bring in-memory
twins.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import IO, Protocol

from pydantic import JsonValue

from fermata.domain.catalogue.models import Estimate
from fermata.domain.finish.overdue import Execution
from fermata.domain.finish.recoverable_list import Place
from fermata.domain.jobs.events import JobEvent
from fermata.domain.jobs.job import Job, JobStatus, Track
from fermata.domain.jobs.latency import SongTime
from fermata.domain.jobs.page import PageOfIds, PageRequest
from fermata.domain.money.usage import Usage, UsagePage
from fermata.domain.money.wallet import LedgerEntry, Movement, Plan, Wallet
from fermata.domain.orders.idempotency import Receipt
from fermata.domain.providers.callbacks import Callback
from fermata.domain.providers.calls import UploadCall, UpstreamCall
from fermata.domain.providers.queue import Lease, Limits
from fermata.domain.providers.spending import Brakes
from fermata.domain.providers.state import GivenBack, ProviderState, StartAt
from fermata.domain.tenants.api_keys import ApiKey
from fermata.domain.tenants.plan_limits import DEFAULT_LIMITS, CallKind, PlanLimits
from fermata.domain.tenants.tenant import Tenant
from fermata.domain.triggers.inbox import InboxFile
from fermata.domain.triggers.refusals import RefusedInARow
from fermata.domain.triggers.senders import Triggers
from fermata.domain.webhooks.delivery import Reply, WebhookAttempt
from fermata.domain.webhooks.message import WebhookEndpoint
from fermata.domain.webhooks.secret import WebhookSecrets


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


class Purchases(Protocol):
    """The attempts that a provider may bill, found by provider. A moment old: load each job before you act."""

    def in_doubt(self, provider: str) -> list[str]:
        """Ids of all jobs with attempts of which nobody knows whether they were charged; raises `TransientError`."""

    def undoubted(self, provider: str, since: datetime, until: datetime, most: int) -> list[str]:
        """Ids of at most so many jobs with attempts, begun in a time, that were charged or are still open; raises
        `TransientError`.
        """


class WalletStore(Protocol):
    """The tenants' credits outside of jobs."""

    def open(self, wallet: Wallet) -> None:
        """Store a new tenant's wallet; one that is there stays as it is."""

    def find(self, tenant_id: str) -> Wallet | None:
        """The wallet, read consistently, or None."""

    def ledger(self, tenant_id: str) -> Iterable[LedgerEntry]:
        """Every entry of a tenant's ledger in the order of `entry_id`, read consistently, in memory that does not grow
        with the ledger. What moves meanwhile may be seen in part. Raises `TransientError`, also amid the entries.
        """

    def grant(self, grant: Movement) -> None:
        """Add granted credits and their ledger entry in one transaction. An entry that is there already is the same
        grant and changes nothing.
        """

    def set_plan(
        self, tenant_id: str, plan: Plan, cap_credits: int | None, limits: PlanLimits = DEFAULT_LIMITS
    ) -> bool:
        """Put a wallet on another plan with these limits; False where it is to be prepaid and its balance is
        negative.
        """


class UsageStore(Protocol):
    """What tenants used. `JobStore.settle` counts it."""

    def find(self, page: UsagePage) -> tuple[list[Usage], str | None]:
        """The entries of one page by day and model, oldest first, read consistently, and the place that the next page
        goes on from, None on the last one; raises `TransientError`.
        """


@dataclass(frozen=True)
class CallCount:
    """How often a tenant has called in a time, and how often it may."""

    used: int
    quota: int


class CallCounts(Protocol):
    """How often tenants call, counted by all together. Both raise `TransientError`, after which it may be counted."""

    def add(self, tenant_id: str, kind: CallKind, minute: str, calls: int) -> CallCount:
        """Count calls of a kind, and give back all of the minute."""

    def add_reference(self, tenant_id: str, day: date) -> CallCount:
        """Count one upload on a day in UTC, provided that the plan leaves one; `used` is more than `quota` where it was
        not counted.
        """


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

    def load(self, providers: Collection[str], day: date) -> Mapping[str, Brakes]:
        """The brakes of several providers on a day, by provider; raises `TransientError`."""

    def pause(self, name: str, now: datetime) -> bool:
        """Let no order go to a provider, or to any under `EVERY_PROVIDER`; False where it was paused before. No claim
        is made once this returns. Raises `TransientError`.
        """

    def resume(self, name: str) -> bool:
        """Take back the pause of this name; False where there was none. Raises `TransientError`."""


class Metrics(Protocol):
    """Numbers that an operator watches, by provider unless they are about none."""

    def count(self, name: str, provider: str | None) -> None:
        """One more of an event."""

    def milliseconds(self, name: str, provider: str, value: int) -> None:
        """One measured time in ms."""

    def usd(self, name: str, provider: str, micro_usd: int) -> None:
        """An amount of money, given in millionths of a USD and told in USD."""

    def percent(self, name: str, provider: str, value: int) -> None:
        """How much of something is used."""

    def credits(self, name: str, amount: int) -> None:
        """An amount of customers' credits, which belong to no provider."""


class TenantStore(Protocol):
    """Tenants and the API keys that identify them, whose secrets are never stored. Every method raises
    `TransientError`.
    """

    def create_tenant(self, tenant: Tenant) -> bool:
        """Store a tenant; False where the id is taken."""

    def tenant_ids(self) -> Iterator[str]:
        """The id of every tenant, in memory that does not grow with their number."""

    def find_tenant(self, tenant_id: str) -> Tenant | None:
        """The tenant, or None."""

    def add_key(self, key: ApiKey) -> None:
        """Store a new key under its id; raises `StaleRecordError` where that is taken."""

    def find_key(self, key_id: str) -> ApiKey | None:
        """The key with this id, read consistently, or None."""

    def keys_of(self, tenant_id: str) -> list[ApiKey]:
        """Every key of a tenant, oldest first."""

    def rotate_key(self, old: ApiKey, new: ApiKey) -> None:
        """Store a new key and what the old one is now; raises `StaleRecordError` where the old one was rotated or
        revoked meanwhile, or the new id is taken.
        """

    def revoke_key(self, key_id: str, now: datetime) -> bool:
        """Let a key open nothing from now on; False where it is revoked already or not there."""

    def note_use(self, key_id: str, now: datetime) -> None:
        """Note that a key was used, at most once in `USE_NOTED_EVERY` whoever notes it."""


class TriggerStore(Protocol):
    """Which events and files become jobs, and whose; every method raises `TransientError`."""

    def of_tenant(self, tenant_id: str) -> Triggers:
        """What is on for a tenant; everything is off where nothing was ever written, or for an unknown tenant."""

    def tenant_of(self, source: str) -> str | None:
        """The tenant whose this source of events is, or None."""

    def save(self, before: Triggers, after: Triggers) -> None:
        """Replace the version before, and take and give back the sources that differ: all of it, or nothing. Raises
        `StaleRecordError` where somebody else wrote first, else `SourceTakenError`.
        """


class Spool(Protocol):
    """An object of the inbox that is being written."""

    def write(self, data: bytes, /) -> object:
        """Write more of it."""


class InboxStore(Protocol):
    """Files that tenants put into the inbox, and what is written about them. Every method raises `TransientError`."""

    def open(self, file: InboxFile) -> Iterator[bytes]:
        """The file's bytes in pieces; raises `NotFoundError` where this version was deleted, also while it is read."""

    def read(self, file: InboxFile, start: int, length: int) -> bytes:
        """So many of the file's bytes from `start` on; raises `NotFoundError` where this version was deleted."""

    def put_at(self, file: InboxFile) -> datetime:
        """When the tenant put this version in, which never changes; raises `NotFoundError` where it was deleted."""

    def find(self, key: str) -> bytes | None:
        """An object that Fermata wrote, whole, or None."""

    def put(self, key: str, document: Mapping[str, JsonValue]) -> None:
        """Write one JSON document, over whatever was there."""

    def spool(self, key: str) -> AbstractContextManager[Spool]:
        """An object to write piece by piece, in memory that does not grow with it. It is there once the context ends;
        nothing is where that raises, or nothing was written.
        """

    def names(self, prefix: str) -> Iterator[str]:
        """The names of all objects that begin with a prefix."""


class OpenBatches(Protocol):
    """The files of many requests that are being taken, by tenant and run, and what each was refused in a row. Every
    method raises `TransientError`.
    """

    def take(self, tenant_id: str, run: str, until: datetime, now: datetime) -> bool:
        """Whether the run has one of its tenant's few places until a moment; one that has it already keeps it. Any run
        may take it afterwards, as after `give_back`.
        """

    def give_back(self, tenant_id: str, run: str) -> None:
        """Free the run's place, if it has one, and forget what it was refused."""

    def refused_in_a_row(self, tenant_id: str, run: str) -> RefusedInARow:
        """What the run's lines were refused since one became a job."""

    def note_refusal(self, tenant_id: str, run: str, now: datetime, *, comes_again: bool) -> None:
        """Count one refusal of a line; `comes_again` where the plan had no room for it yet."""

    def note_job(self, tenant_id: str, run: str) -> None:
        """Begin to count anew: a line became a job."""


class BatchMachine(Protocol):
    """The state machine that runs batches."""

    def start(self, name: str, given: Mapping[str, JsonValue]) -> None:
        """Start the execution of this name; a second start changes nothing. Raises `TransientError`."""


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


class WaitingPlaces(Protocol):
    """The places of requests that are held until a job ends, for all tenants together; every method raises
    `TransientError`.
    """

    def take(self, among: Sequence[int], holder: str, until: datetime, now: datetime) -> int | None:
        """One of these places, which this request has until a moment, or None where all are taken. Afterwards anybody
        may take it, as after `give_back`.
        """

    def give_back(self, place: int, holder: str) -> None:
        """Free a place, unless another request has it by now."""


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


class WebhookStore(Protocol):
    """The tenants' webhook endpoints and secrets; every method raises `TransientError`."""

    def find(self, tenant_id: str) -> WebhookEndpoint | None:
        """The tenant's endpoint, read consistently, or None for a tenant without a secret."""

    def secrets(self, tenant_id: str) -> WebhookSecrets:
        """The tenant's secrets, read consistently; raises `ConfigurationError` where there are none."""

    def point(self, endpoint: WebhookEndpoint, secret: str) -> bool:
        """Put an endpoint in place of the tenant's, if any; True where the secret is now the tenant's, False where it
        keeps the one that it has.
        """

    def switch_off(self, tenant_id: str) -> None:
        """Forget the address of a tenant's endpoint; its secret stays."""

    def disable(self, tenant_id: str, url: str, now: datetime) -> None:
        """Send nothing to the tenant's endpoint any more, provided that this is still its address."""

    def rotate(self, tenant_id: str, secret: str, previous_until: datetime) -> bool:
        """Sign with a new secret, and until a moment with the one before it, too; False where there was none before.
        Doing it again with the same secret changes nothing.
        """


class WebhookDeliveries(Protocol):
    """What became of the tries to deliver webhooks; every method raises `TransientError`."""

    def of(self, job_id: str) -> tuple[WebhookAttempt, ...]:
        """The tries of a job's webhook, read consistently, oldest delivery first."""

    def add(self, job_id: str, attempt: WebhookAttempt) -> WebhookAttempt:
        """Keep a try, and give back what stands: this one, or what was kept of the same try before."""

    def next_replay(self, job_id: str, most_posts: int, now: datetime) -> int | None:
        """A number from 1 on that nobody else gets, or None where they, or the posts, are used up."""

    def count_post(self, job_id: str, most_posts: int, now: datetime) -> bool:
        """Count a post that is about to be made; False where it would be one too many, and is not counted."""

    def forget(self, job_id: str) -> None:
        """Delete everything about a job's webhook."""


class WebhookSender(Protocol):
    """The way to addresses that tenants name; every address is checked before a connection is made."""

    def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Post once, follow no redirect and say what came back; nothing that a receiver does raises."""


class WebhookMachine(Protocol):
    """The state machine that delivers webhooks."""

    def start(self, name: str, job_id: str, replay: int) -> None:
        """Start a delivery under its name; a second start changes nothing. Raises `TransientError`."""


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


class MachineWaits(Protocol):
    """The state machine's waits for a post from outside, by their task tokens."""

    def end(self, task_token: str) -> bool:
        """End a wait; False where it is over already. Raises `TransientError`."""


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


class AnswerStore(Protocol):
    """The providers' raw answers, kept before anybody reads them, and beside them whatever else was received for an
    attempt: `cut` is the part that arrived of an answer, `body.<n>` an answer to a poll and `file.<n>` the file of a
    song that could not be used, or that was fetched later. All of it is kept 30 days.
    """

    def keep(self, job_id: str, attempt: int, answer: StreamedAnswer) -> None:
        """Stream an answer into the store. Once this returns the answer is durable; of one that is cut, what arrived is
        kept as `cut`, and its `AnswerLostError` passes through.
        """

    def open(self, job_id: str, attempt: int) -> StreamedAnswer | None:
        """A complete kept answer, or None."""

    def keep_file(self, job_id: str, attempt: int, name: str, file: IO[bytes]) -> None:
        """Keep what can be read of a file, over what was kept under this name before; raises `TransientError`."""

    def open_file(self, job_id: str, attempt: int, name: str) -> Iterator[bytes] | None:
        """What was kept under this name, or None; raises `TransientError`, also while it is read."""

    def forget(self, job_id: str) -> None:
        """Delete every answer of a job, and what is left of answers that were cut; raises `TransientError`."""


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


class AudioLinks(Protocol):
    """Providers' links to songs; every address is checked before a connection is made."""

    def fetch(self, provider: str, url: str) -> Iterator[bytes]:
        """The file's bytes. Raises `LinkTroubleError` (for now, after the bytes that came), `UnsafeLinkError`, or
        `AudioTooLargeError`.
        """


class ReferenceLinks(Protocol):
    """Callers' links to recordings; every address is checked before a connection is made."""

    def fetch(self, url: str) -> Iterator[bytes]:
        """The file's bytes. Raises `LinkExpiredError`, `UnsafeLinkError`, `BadAudioError` (far too large) or
        `TransientError`.
        """


@dataclass(frozen=True)
class AudioFacts:
    """What a file really is, measured: ms, Hz, bits per second, bytes."""

    content_type: str
    extension: str
    bytes: int
    duration_ms: int
    sample_rate_hz: int
    channels: int
    bitrate_bps: int


class AudioMeter(Protocol):
    """Measures audio files."""

    def measure(self, path: Path) -> AudioFacts:
        """The facts of a file; raises `BadAudioError` where it is no audio."""


class TrackStore(Protocol):
    """The finished songs."""

    def put(self, object_key: str, path: Path, content_type: str) -> None:
        """Store a file under its key; the same file may be stored again."""

    def forget(self, job_id: str) -> None:
        """Delete every song of a job; raises `TransientError`."""

    def link(self, track: Track, disposition: str, ttl_s: int) -> str:
        """A link that works from now for `ttl_s` seconds and downloads the track with this `Content-Disposition`."""


@dataclass(frozen=True)
class UploadForm:
    """A form that a caller posts one file with: `fields` first, in any order, then the file as the field `file`."""

    url: str
    fields: Mapping[str, str]


class ReferenceStore(Protocol):
    """Reference recordings: what callers uploaded, and the jobs' own copies."""

    def upload_form(self, object_key: str, content_type: str, size_bytes: int, ttl_s: int) -> UploadForm:
        """A form that takes exactly `size_bytes` bytes of this media type for `ttl_s` seconds."""

    def size(self, object_key: str) -> int | None:
        """The file's size in bytes, or None where there is none; raises `TransientError`."""

    def open(self, object_key: str) -> Iterator[bytes] | None:
        """The file's bytes, or None where there is none; raises `TransientError`, also while they are read."""

    def put(self, object_key: str, path: Path, content_type: str) -> None:
        """Store a file under its key; the same file may be stored again."""

    def forget(self, begins_with: str) -> None:
        """Delete every file whose key begins so, which may be none; raises `TransientError`."""

    def link(self, object_key: str, ttl_s: int) -> str:
        """A link that works from now for `ttl_s` seconds."""
