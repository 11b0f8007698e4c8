"""Job records in DynamoDB: `JOB#<id>` holds the hot row `JOB`, the order in `REQUEST`, and each attempt in
`ATTEMPT#<n>`, the loudness of its tracks in `SOUND`; `IDEMPOTENCY#<tenant>#<hash of the key>` holds a receipt.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from fermata.adapters.aws_errors import aws_errors
from fermata.adapters.dynamodb.items import Item, plain, typed
from fermata.adapters.dynamodb.jobs.due_jobs import index_keys
from fermata.adapters.dynamodb.jobs.recoverable_jobs import listings
from fermata.adapters.dynamodb.jobs.tenant_jobs import listing_keys
from fermata.adapters.dynamodb.money.purchases import purchase_keys
from fermata.adapters.dynamodb.money.usage_store import counted, logged, relogged
from fermata.adapters.dynamodb.money.wallet_store import new_entries, write_with_wallet
from fermata.adapters.dynamodb.providers.brake_store import paused_by, refuse_if_spent
from fermata.adapters.dynamodb.providers.budget_shards import write_booked
from fermata.adapters.dynamodb.reading import FORMAT, read, read_as, read_or
from fermata.adapters.dynamodb.transactions import DynamoTransactions, Write
from fermata.domain.audio.sound import TrackSound
from fermata.domain.finish.restored import is_unreplayed
from fermata.domain.finish.tombstone import TOMBSTONE_KEPT_FOR
from fermata.domain.jobs.attempt import Attempt
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.status import JobStatus
from fermata.domain.jobs.terms import MAX_ATTEMPTS
from fermata.domain.money.movement import LedgerEntry, hold_on, settlement_of
from fermata.domain.money.reports.usage_log import line_of
from fermata.domain.money.wallet import Wallet
from fermata.domain.orders.idempotency import Receipt, seconds
from fermata.errors import (
    IdempotencyKeyTakenError,
    NotFoundError,
    ProviderHeldError,
    StaleRecordError,
    TransientError,
)

_NEVER_CHANGES: Final = {"request", "candidates"}
_NOT_IN_THE_HOT_ROW: Final = {*_NEVER_CHANGES, "attempts", "check_at"}
_SOUND: Final = "SOUND"
_SORT_KEYS: Final = ("JOB", "REQUEST", _SOUND, *(f"ATTEMPT#{number:04d}" for number in range(1, MAX_ATTEMPTS + 1)))
_ROW: Final = "job"
_RECEIPT: Final = "receipt"


class DynamoJobStore:
    """`JobStore` over one table."""

    def __init__(self, transactions: DynamoTransactions, restored_at: datetime | None = None) -> None:
        """`restored_at` is when the table was restored: jobs that were open then change only by a replay."""
        self._transactions = transactions
        self._restored_at = restored_at

    def create(self, job: Job, receipt: Receipt | None = None) -> Wallet:
        """Store a new job with its request, hold its price, count it and keep the receipt, all in one transaction.

        Raises `IdempotencyKeyTakenError` where another order has the key, and as `write_with_wallet` does.
        """
        writes = {
            _ROW: self._put(job.id, "JOB", _hot_row(job), "attribute_not_exists(pk)"),
            "request": self._put(job.id, "REQUEST", job.model_dump(mode="json", include=_NEVER_CHANGES)),
            **{f"attempt {attempt.number}": self._put_attempt(job, attempt) for attempt in job.attempts},
        }
        if receipt is not None:
            writes[_RECEIPT] = self._put_receipt(receipt, job)
        failed, wallet = write_with_wallet(writes, hold_on(job), self._transactions)
        if _RECEIPT in failed:
            raise IdempotencyKeyTakenError("another order with this key was stored first; its answer is the answer")
        _refuse_if_stale(failed)
        return wallet

    def claim(self, job: Job, budget_micro_usd: int) -> None:
        """Save a job with a new attempt and book its cost; raises `ProviderHeldError` where the provider is paused or
        out of budget, `StaleRecordError` where another run wrote first.
        """
        self._refuse_unreplayed(job)
        provider = job.attempts[-1].provider
        writes = self._changes(job, *_next_version(job))
        if (name := paused_by(provider, self._transactions)) is not None:
            stored = self.load(job.id)
            if stored is not None and stored.version == job.version - 1:
                raise ProviderHeldError(provider, name)
        failed = self._book(job, writes, budget_micro_usd)
        if _ROW not in failed:
            refuse_if_spent(failed, provider)
        _refuse_if_stale(failed)

    def save(self, job: Job) -> None:
        """Replace the previous version and the attempts that can have changed; raises `StaleRecordError` where another
        run wrote first.
        """
        condition, values = _next_version(job)
        if not job.status.is_terminal:
            self._refuse_unreplayed(job)
        else:
            condition, values = f"{condition} AND #status = :status", {**values, ":status": job.status.value}
        _refuse_if_stale(self._book(job, self._changes(job, condition, values), None))

    def settle(self, job: Job) -> None:
        """Save an ended job, settle its hold and count its usage; raises `StaleRecordError` where another run wrote
        first.
        """
        self._refuse_unreplayed(job)
        version, values = _next_version(job)
        # A job ends once, whatever version a run took it for: its entries in the ledger have no other guard.
        is_open = f"{version} AND attribute_type( #finished_at , :null )"
        changes, line = self._changes(job, is_open, {**values, ":null": "NULL"}), line_of(job)
        writes = {
            **changes,
            **counted(line, self._transactions),
            **logged(line, self._transactions),
        }
        failed, _ = write_with_wallet(writes, settlement_of(job), self._transactions)
        _refuse_if_stale(failed)

    def replay(self, job: Job) -> None:
        """Replace the previous version and all attempts of an open job; raises `StaleRecordError`."""
        condition, values = _next_version(job)
        is_open = f"{condition} AND attribute_type( #finished_at , :null )"
        attempts = {f"attempt {attempt.number}": self._put_attempt(job, attempt) for attempt in job.attempts}
        writes = {**self._changes(job, is_open, {**values, ":null": "NULL"}), **attempts}
        _refuse_if_stale(self._transactions.write(writes, self._transactions.deadline()))

    def reconcile(self, job: Job, notes: Sequence[LedgerEntry]) -> None:
        """Save a job whose attempts are reconciled with the bill, and add the notes to the ledger; raises as `save`
        does.
        """
        condition, values = _next_version(job)
        writes = self._changes(job, f"{condition} AND #status = :status", {**values, ":status": job.status.value})
        entries = new_entries(job.tenant_id, notes, self._transactions)
        costs = relogged(job, self._transactions, "cost_micro_usd", "unknown_micro_usd", "booked_micro_usd")
        _refuse_if_stale(self._transactions.write({**writes, **entries, **costs}, self._transactions.deadline()))

    def add_sounds(self, job_id: str, sounds: tuple[TrackSound, ...]) -> None:
        """Store how loud the tracks are; raises `NotFoundError` where the job is unknown or a tombstone."""
        item = {"sounds": [sound.model_dump(mode="json") for sound in sounds]}
        writes = {
            # Only a tombstone has a time to live.
            _ROW: self._transactions.check(
                f"JOB#{job_id}", "JOB", "attribute_exists(pk) AND attribute_not_exists( #ttl )"
            ),
            "sound": self._put(job_id, _SOUND, item),
        }
        if self._transactions.write(writes, self._transactions.deadline()):
            raise NotFoundError(f"no record of job {job_id} to keep the loudness of its tracks with; it was deleted")

    def forget(self, job: Job) -> None:
        """Replace every item of a job by its tombstone; raises `StaleRecordError` where another run wrote first."""
        attempts = {f"attempt {attempt.number}": self._put_attempt(job, attempt) for attempt in job.attempts}
        writes = {
            _ROW: self._put(job.id, "JOB", _hot_row(job), *_next_version(job)),
            "request": self._put(
                job.id, "REQUEST", {**job.model_dump(mode="json", include=_NEVER_CHANGES), **_time_to_live(job)}
            ),
            **attempts,
            "sound": self._transactions.delete(f"JOB#{job.id}", _SOUND),
            **listings(job, self._transactions),
            **relogged(job, self._transactions, "metadata"),
        }
        _refuse_if_stale(self._transactions.write(writes, self._transactions.deadline()))

    def load(self, job_id: str) -> Job | None:
        """The job with its request and attempts, read consistently, or None; raises `UnreadableRecordError`."""
        with aws_errors("the job table could not be read"):
            answer = self._transactions.client.query(
                TableName=self._transactions.table,
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues=typed({":pk": f"JOB#{job_id}"}),
                ConsistentRead=True,
            )
        return _job(job_id, [plain(item) for item in answer["Items"]])

    def load_existing(self, job_id: str) -> Job:
        """The job of a running execution; raises `NotFoundError` where there is none."""
        job = self.load(job_id)
        if job is None:
            raise NotFoundError(f"no record of job {job_id}; an execution's name must be a stored job's id")
        return job

    def status(self, job_id: str) -> JobStatus | None:
        """A job's status from its hot row, read eventually consistently; None where there is no job."""
        with aws_errors("the job table could not be read"):
            answer = self._transactions.client.get_item(
                TableName=self._transactions.table,
                Key=typed({"pk": f"JOB#{job_id}", "sk": "JOB"}),
                ProjectionExpression="#status",
                ExpressionAttributeNames={"#status": "status"},
            )
        if "Item" not in answer:
            return None
        return read_as(f"JOB#{job_id}/JOB", plain(answer["Item"]), lambda item: JobStatus(item["status"]))

    def load_all(self, job_ids: Sequence[str]) -> list[Job]:
        """The readable jobs among these ids, in the order of the ids."""
        keys = [(f"JOB#{job_id}", sort_key) for job_id in job_ids for sort_key in _SORT_KEYS]
        items_of: dict[str, list[Item]] = {}
        for item in self._transactions.get_all(keys):
            items_of.setdefault(item["pk"], []).append(item)
        found = [_readable(job_id, items_of.get(f"JOB#{job_id}", [])) for job_id in job_ids]
        return [job for job in found if job is not None]

    def find_receipt(self, tenant_id: str, key_sha256: str) -> Receipt | None:
        """The receipt of an idempotency key, or None."""
        item = self._transactions.get(_receipt_partition(tenant_id, key_sha256), "IDEMPOTENCY")
        return None if item is None else read(item, _receipt)

    def _refuse_unreplayed(self, job: Job) -> None:
        """What happened since the restore is not on record, so no run may take the next step from this record."""
        if self._restored_at is not None and is_unreplayed(job, self._restored_at):
            raise TransientError(f"{job.id} was open when the table was restored; it waits for fermata-admin recover")

    def _changes(self, job: Job, condition: str, values: dict[str, Any]) -> dict[str, Write]:
        changed = [
            each for each in job.attempts if each.late or each.reconciled_at or each.kept or each is job.attempts[-1]
        ]
        attempts = {f"attempt {attempt.number}": self._put_attempt(job, attempt) for attempt in changed}
        row = self._put(job.id, "JOB", _hot_row(job), condition, values)
        listed = listings(job, self._transactions)
        return {_ROW: row, **attempts, **listed}

    def _book(self, job: Job, writes: Mapping[str, Write], budget_micro_usd: int | None) -> Mapping[str, Item]:
        if job.to_book is None:
            return self._transactions.write(writes, self._transactions.deadline())
        return write_booked(job.id, writes, job.to_book, budget_micro_usd, self._transactions)

    def _put_attempt(self, job: Job, attempt: Attempt) -> Write:
        item = {**attempt.model_dump(mode="json"), **purchase_keys(attempt), **_time_to_live(job)}
        return self._put(job.id, f"ATTEMPT#{attempt.number:04d}", item)

    def _put_receipt(self, receipt: Receipt, job: Job) -> Write:
        # DynamoDB may delete by `ttl` days late, so the condition compares the deadline, too.
        item = {**receipt.model_dump(mode="json", exclude={"expires_at"}), "ttl": receipt.expires_at}
        partition = _receipt_partition(receipt.tenant_id, receipt.key_sha256)
        free = "attribute_not_exists(pk) OR #ttl <= :now"
        return self._transactions.put(partition, "IDEMPOTENCY", item, free, {":now": seconds(job.created_at)})

    def _put(
        self,
        job_id: str,
        sort_key: str,
        item: Mapping[str, Any],
        condition: str | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> Write:
        return self._transactions.put(f"JOB#{job_id}", sort_key, item, condition, values)


def _next_version(job: Job) -> tuple[str, dict[str, Any]]:
    return "#version = :before", {":before": job.version - 1}


def _refuse_if_stale(failed: Mapping[str, object]) -> None:
    if failed:
        raise StaleRecordError("the job's record changed since it was read; read it again")


def _receipt_partition(tenant_id: str, key_sha256: str) -> str:
    return f"IDEMPOTENCY#{tenant_id}#{key_sha256}"


def _hot_row(job: Job) -> dict[str, Any]:
    return {
        **job.model_dump(mode="json", exclude=_NOT_IN_THE_HOT_ROW),
        "format": FORMAT,
        **index_keys(job),
        **listing_keys(job),
        **_time_to_live(job),
    }


def _time_to_live(job: Job) -> dict[str, int]:
    """The time to live of the job's items: none, unless it is a tombstone."""
    return {"ttl": seconds(job.deleted_at + TOMBSTONE_KEPT_FOR)} if job.deleted_at else {}


def _readable(job_id: str, items: Sequence[Item]) -> Job | None:
    """The job, or None where it is unreadable, so that one broken record does not hide the others."""
    return read_or(None, lambda: _job(job_id, items))


def _job(job_id: str, items: Sequence[Item]) -> Job | None:
    by_key = {item["sk"]: item for item in items}
    if "JOB" not in by_key:
        return None
    if "REQUEST" not in by_key and by_key["JOB"].get("deleted_at") is not None:
        # DynamoDB deletes the items of an expired tombstone in any order; this one is partly deleted.
        return None
    return read_as(f"JOB#{job_id}", by_key["JOB"], lambda row: _joined(row, by_key))


def _joined(row: Item, by_key: Mapping[str, Item]) -> Job:
    attempts = [by_key[key] for key in sorted(by_key) if key.startswith("ATTEMPT#")]
    ordered = {name: by_key["REQUEST"][name] for name in _NEVER_CHANGES}
    sounds = by_key.get(_SOUND, {}).get("sounds", ())
    return Job.model_validate({**row, **ordered, "attempts": attempts, "sounds": sounds})


def _receipt(item: Item) -> Receipt:
    return Receipt.model_validate({**item, "expires_at": item["ttl"]})
