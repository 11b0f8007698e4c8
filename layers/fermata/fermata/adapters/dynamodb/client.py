"""The client of DynamoDB: the operations that functions call, with boto3's parameters, answers and errors.

boto3's own reads the description of the whole service before its first call, which takes longer than all else in a
cold start. This one speaks DynamoDB's JSON protocol, whose names are the parameters'. Tests hold it against boto3's.
"""

import base64
import json
import time
import uuid
from binascii import crc32
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from fermata.adapters.dynamodb.retries import LOST, Kind, Retries, kind_of

if TYPE_CHECKING:
    from fermata.adapters.dynamodb.wire import Wire
    from fermata.adapters.wire.answer import Answer as Response

Answer = dict[str, Any]
"""An answer as boto3 returns it; `Error` is there where DynamoDB refused."""
_ONCE: Final = frozenset({"TransactWriteItems"})
"""Operations whose tries all carry one token, so that DynamoDB writes once where an answer is lost."""
_REFUSED: Final = 300


def _operation(name: str) -> Callable[..., Answer]:
    def call(self: "DynamoClient", **parameters: object) -> Answer:
        return self.call(name, **parameters)

    return call


class DynamoClient:
    """One client of DynamoDB; nothing is imported or connected before its first call, and threads may share it.

    Each operation takes boto3's keyword arguments, and raises botocore's `ClientError` where DynamoDB refuses, with
    DynamoDB's code, the item and the reasons in its `response`, and a `BotoCoreError` where no sound answer came.
    Parameters are not checked before DynamoDB checks them.
    """

    def __init__(
        self, make_wire: Callable[[], "Wire"], retries: Retries, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._make_wire = make_wire
        self._retries = retries
        self._pause = pause

    @property
    def attempts(self) -> int:
        """The tries of a call, the first included."""
        return self._retries.attempts

    @cached_property
    def wire(self) -> "Wire":
        """The connections, made at the first call."""
        return self._make_wire()

    def call(self, operation: str, **parameters: object) -> Answer:
        """Call an operation by DynamoDB's own name."""
        if operation in _ONCE:
            parameters = {"ClientRequestToken": str(uuid.uuid4()), **parameters}
        answer = self._tried(operation, json.dumps(parameters, default=_encoded).encode())
        if "Error" in answer:
            from botocore.exceptions import ClientError

            raise ClientError(answer, operation)  # type: ignore[arg-type] # boto3's shape, with more fields
        return answer

    get_item = _operation("GetItem")
    batch_get_item = _operation("BatchGetItem")
    query = _operation("Query")
    put_item = _operation("PutItem")
    update_item = _operation("UpdateItem")
    delete_item = _operation("DeleteItem")
    transact_write_items = _operation("TransactWriteItems")

    def describe_table(self, **parameters: object) -> Answer:
        """Describe a table, with its age as a time."""
        answer = self.call("DescribeTable", **parameters)
        table = answer["Table"]
        table["CreationDateTime"] = datetime.fromtimestamp(table["CreationDateTime"], UTC)
        return answer

    def _tried(self, operation: str, body: bytes) -> Answer:
        invocation, attempt, earlier = str(uuid.uuid4()), 1, None
        while True:
            about = {
                "amz-sdk-invocation-id": invocation,
                "amz-sdk-request": f"attempt={attempt}; max={self._retries.attempts}",
            }
            lost: Exception | None = None
            answer: Answer = {}
            try:
                answer = _read(self.wire.call(operation, body, about), attempt)
                kind = _kind_of(answer)
            except _losses() as error:
                lost, kind = error, LOST
            pause_s = self._retries.pause_s(attempt, kind)
            if pause_s is None:
                break
            self._pause(pause_s)
            attempt, earlier = attempt + 1, kind
        if lost is not None:
            raise lost
        if "Error" not in answer:
            self._retries.succeeded(earlier)
        return answer


def _losses() -> tuple[type[Exception], ...]:
    """The errors of calls that got no sound answer. They are imported where one occurs, since few calls have any."""
    from botocore.exceptions import ConnectionError as NoConnectionError
    from botocore.exceptions import HTTPClientError

    return NoConnectionError, HTTPClientError


def _kind_of(answer: Mapping[str, Any]) -> Kind | None:
    if "Error" not in answer:
        return None
    return kind_of(answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"])


def _encoded(value: object) -> str:
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    raise TypeError(f"DynamoDB takes no value of the type {type(value).__name__}")


def _read(response: "Response", attempt: int) -> Answer:
    """What DynamoDB answered; raises `HTTPClientError` where the answer is damaged or is none of DynamoDB's."""
    content = response.content
    checksum = response.headers.get("x-amz-crc32")
    if checksum is not None and int(checksum) != crc32(content):
        raise _unsound("the answer does not have its checksum")
    try:
        fields = _parsed(content)
    except ValueError as error:
        if response.status_code < _REFUSED:
            raise _unsound("the answer is not JSON") from error
        fields = {}
    answer = fields if response.status_code < _REFUSED else _refusal(fields, response.status_code)
    answer["ResponseMetadata"] = {
        "RequestId": response.headers.get("x-amzn-requestid", ""),
        "HTTPStatusCode": response.status_code,
        "HTTPHeaders": dict(response.headers),
        "RetryAttempts": attempt - 1,
    }
    return answer


def _unsound(what: str) -> Exception:
    from botocore.exceptions import HTTPClientError

    return HTTPClientError(error=what)


def _parsed(content: bytes) -> Answer:
    # Nearly no answer holds bytes, and a hook at each object makes reading several times slower.
    hook = _decoded if b'"B' in content else None
    fields = json.loads(content, object_hook=hook)
    if not isinstance(fields, dict):
        raise ValueError("no object")
    return fields


def _decoded(found: Answer) -> Answer:
    """A value of bytes, by its mark: an attribute of that name holds a marked value, which is no text."""
    if len(found) == 1:
        ((mark, value),) = found.items()
        if mark == "B" and isinstance(value, str):
            return {mark: base64.b64decode(value)}
        if mark == "BS" and isinstance(value, list):
            return {mark: [base64.b64decode(each) for each in value]}
    return found


def _refusal(fields: Answer, status: int) -> Answer:
    """An error as botocore has it: its code without a namespace, and DynamoDB's other fields beside it."""
    code = str(fields.get("__type") or status).partition(":")[0].rpartition("#")[2]
    message = fields.get("message") or fields.get("Message") or ""
    details = {name: value for name, value in fields.items() if name not in ("__type", "message", "Message")}
    return {**details, "Error": {"Code": code, "Message": message}}
