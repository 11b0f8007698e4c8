"""Job records in DynamoDB: `JOB#<id>` holds the hot row `JOB`, what was ordered in `REQUEST`, and `ATTEMPT#<n>`."""

import random
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import BotoCoreError, ClientError

from fermata.domain.jobs import Attempt, Job
from fermata.errors import StaleRecordError, TransientError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_NEVER_CHANGES: Final = {"request", "candidates"}
_NOT_IN_THE_HOT_ROW: Final = {*_NEVER_CHANGES, "attempts"}
_CONFLICT_TRIES: Final = 6
_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize

Item = Mapping[str, Any]


class DynamoJobStore:
    """`JobStore` over one table. A conflict with another transaction is repeated here, because the SDK does not."""

    def __init__(self, client: "DynamoDBClient", table: str, pause: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._table = table
        self._pause = pause

    def create(self, job: Job) -> None:
        """Store a new job and what was asked for; raises `StaleRecordError` where the id is taken."""
        row = self._put(job.id, "JOB", _hot_row(job), "attribute_not_exists(pk)", {})
        request = self._put(job.id, "REQUEST", job.model_dump(mode="json", include=_NEVER_CHANGES))
        self._write([row, request])

    def save(self, job: Job) -> None:
        """Replace the version before this one, with it the attempts that can have changed; raises `StaleRecordError`
        where somebody else wrote first.
        """
        condition = {":before": _serialize(job.version - 1)}
        writes = [self._put(job.id, "JOB", _hot_row(job), "version = :before", condition)]
        changed = [attempt for attempt in job.attempts if attempt.late or attempt is job.attempts[-1]]
        self._write(writes + [self._put_attempt(job.id, attempt) for attempt in changed])

    def load(self, job_id: str) -> Job | None:
        """The job with its request and attempts, or None."""
        try:
            answer = self._client.query(
                TableName=self._table,
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues={":pk": _serialize(f"JOB#{job_id}")},
                ConsistentRead=True,
            )
        except (ClientError, BotoCoreError) as error:
            raise TransientError(f"the job table could not be read: {_code(error)}") from error
        return _job([_plain(item) for item in answer["Items"]])

    def _put_attempt(self, job_id: str, attempt: Attempt) -> dict[str, Any]:
        return self._put(job_id, f"ATTEMPT#{attempt.number:04d}", attempt.model_dump(mode="json"))

    def _put(
        self, job_id: str, sort_key: str, item: Item, condition: str | None = None, values: Item | None = None
    ) -> dict[str, Any]:
        keyed = {"pk": f"JOB#{job_id}", "sk": sort_key, **item}
        put: dict[str, Any] = {
            "TableName": self._table,
            "Item": {name: _serialize(value) for name, value in keyed.items()},
        }
        if condition:
            put["ConditionExpression"] = condition
        if values:
            put["ExpressionAttributeValues"] = values
        return {"Put": put}

    def _write(self, writes: list[Any]) -> None:
        for attempt in range(_CONFLICT_TRIES):
            try:
                self._client.transact_write_items(TransactItems=writes)
                return
            except ClientError as error:
                reasons = {reason.get("Code") for reason in error.response.get("CancellationReasons", [])}
                if "ConditionalCheckFailed" in reasons:
                    raise StaleRecordError("the job's record changed since it was read; read it again") from error
                if "TransactionConflict" not in reasons:
                    raise TransientError(f"the job table could not be written: {_code(error)}") from error
            except BotoCoreError as error:
                raise TransientError(f"the job table could not be written: {_code(error)}") from error
            # Jitter only spreads competing writers; it decides nothing.
            self._pause(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311 - not a secret
        raise TransientError("the job table could not be written: other transactions kept conflicting")


def _hot_row(job: Job) -> dict[str, Any]:
    return job.model_dump(mode="json", exclude=_NOT_IN_THE_HOT_ROW)


def _plain(item: Item) -> dict[str, Any]:
    return {name: _deserialize(value) for name, value in item.items()}


def _job(items: list[dict[str, Any]]) -> Job | None:
    by_key = {item["sk"]: item for item in items}
    if "JOB" not in by_key:
        return None
    attempts = [by_key[key] for key in sorted(by_key) if key.startswith("ATTEMPT#")]
    ordered = {name: by_key["REQUEST"][name] for name in _NEVER_CHANGES}
    ordered["request"] = _whole_numbers(ordered["request"])
    return Job.model_validate({**by_key["JOB"], **ordered, "attempts": attempts})


def _whole_numbers(request: dict[str, Any]) -> dict[str, Any]:
    # DynamoDB hands back Decimals, and the request model accepts nothing but integers.
    audio = {
        name: int(value) if name != "format" and value is not None else value
        for name, value in request["audio"].items()
    }
    return {**request, "audio": audio}


def _code(error: ClientError | BotoCoreError) -> str:
    return error.response["Error"].get("Code", "unknown") if isinstance(error, ClientError) else type(error).__name__
