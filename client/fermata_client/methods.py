"""What both clients can do: each method is one flow, which `Fermata` performs and `AsyncFermata` awaits."""

import os

from fermata_client.core import download, endpoint, orders, reads, uploads
from fermata_client.core.context import Clock, Context, checked_key, checked_url
from fermata_client.core.download import TrackState
from fermata_client.core.operation import Listing, Operation, Reading
from fermata_client.core.orders import JobState
from fermata_client.core.outcomes import error_of_job
from fermata_client.core.progress import Update
from fermata_client.core.retries import Retries
from fermata_client.models.account import Key, LedgerEntry, UsageEntry, UsageLogEntry
from fermata_client.models.catalogue import Model, Voice
from fermata_client.models.job import Job, TrackInfo


class ClientMethods:
    """What is asked of an account."""

    quote = Operation(orders.quote)
    account = Operation(reads.account)
    models = Listing(reads.models, Model)
    voices = Listing(reads.voices, Voice)
    jobs = Listing(reads.jobs, Job)
    usage = Listing(reads.usage, UsageEntry)
    usage_log = Listing(reads.usage_log, UsageLogEntry)
    usage_log_csv = Listing(reads.usage_log_csv, str)
    ledger = Listing(reads.ledger, LedgerEntry)
    ledger_csv = Listing(reads.ledger_csv, str)
    upload_reference = Operation(uploads.upload_reference)

    subject: Context

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self.subject.base_url!r})"


class KeyMethods:
    """What is done with the account's keys; all of it needs the scope `account:manage`."""

    list = Listing(reads.keys, Key)
    create = Operation(reads.create_key)
    rotate = Operation(reads.rotate_key)
    revoke = Operation(reads.revoke_key)


class WebhookMethods:
    """What is done with the account's webhook; all of it needs the scope `account:manage`."""

    get = Operation(endpoint.shown)
    set = Operation(endpoint.put)
    remove = Operation(endpoint.remove)
    rotate = Operation(endpoint.rotate)
    test = Operation(endpoint.test)


class HandleMethods:
    """What is done with a job."""

    status = Operation(orders.status)
    events = Listing(orders.events, Update)
    wait = Operation(orders.wait)
    cancel = Operation(orders.cancel)
    delete = Operation(orders.delete)
    attempts = Operation(orders.attempts)

    subject: JobState

    @property
    def id(self) -> str:
        """The job's id, with which it is found again."""
        return self.subject.job_id

    @property
    def idempotency_key(self) -> str | None:
        """The key of the order; None for a job that was found by its id."""
        return self.subject.idempotency_key

    @property
    def job(self) -> Job | None:
        """The job as it was last seen; None where nobody looked yet."""
        return self.subject.job

    def result(self) -> Job:
        """The job as it was last seen, where it succeeded; raises its `JobFailedError`, or `LookupError` before."""
        job = self.subject.job
        if job is None or not job.is_finished:
            raise LookupError(f"{self.id} has not ended, or nobody looked; wait for it")
        if job.status != "succeeded":
            raise error_of_job(job)
        return job

    def __repr__(self) -> str:
        status = self.subject.job.status if self.subject.job else "not looked at"
        return f"{type(self).__name__}({self.id!r}, {status})"


class TrackMethods:
    """What is done with a track."""

    save = Operation(download.save)
    read = Operation(download.read_all)
    iterate = Listing(download.iterate, bytes)
    url = Reading(download.url)

    subject: TrackState

    @property
    def info(self) -> TrackInfo:
        """What was measured from the file, as it was last seen; its own link may be over."""
        return self.subject.info

    @property
    def file_name(self) -> str:
        """The name that `save` gives it in a folder."""
        return download.file_name(self.subject)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.file_name!r})"


def tracks_of(state: JobState) -> list[TrackState]:
    """The tracks of a job as it was last seen."""
    return [TrackState(state, info) for info in (state.job.tracks if state.job else [])]


def context_of(api_key: str | None, base_url: str | None, retries: Retries | None, clock: Clock | None) -> Context:
    """Where and who, from arguments or else from the environment; raises `SettingsError`."""
    key = checked_key(api_key or os.environ.get("FERMATA_API_KEY"))
    url = checked_url(base_url or os.environ.get("FERMATA_BASE_URL"))
    return Context(url, key, retries or Retries(), clock or Clock())
