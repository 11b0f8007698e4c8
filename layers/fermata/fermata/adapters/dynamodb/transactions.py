"""Transactions on one table. They are retried here after a conflict, because the SDK does not retry those."""

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from fermata.adapters.aws_errors import PART_CONDITION_FAILED, PART_CONFLICTS, aws_errors
from fermata.adapters.dynamodb.items import Item, plain, typed
from fermata.errors import TransientError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PATIENCE_S: Final = 3.0
_KEYS_AT_ONCE: Final = 100
"""The most keys that DynamoDB accepts in one batch."""
_FIRST_PAUSE_S: Final = 0.02
_LONGEST_PAUSE_S: Final = 0.4
_KEPT_CONFLICTING: Final = (
    f"the table could not be written: other transactions kept conflicting for {PATIENCE_S:g} s; "
    "nothing was written, try again"
)

Write = dict[str, Any]
"""One part of a transaction, as boto3 takes it."""


class DynamoTransactions:
    """Reads and transactional writes of one table. `pause` and `clock` are in seconds."""

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        pause: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.client = client
        self.table = table
        self._pause = pause
        self._clock = clock

    def deadline(self) -> float:
        """The end of retries for one operation with all its transactions, by `clock`."""
        return self._clock() + PATIENCE_S

    def get(self, partition: str, sort_key: str) -> Item | None:
        """One item, read consistently, or None; raises `TransientError`."""
        key = typed({"pk": partition, "sk": sort_key})
        with aws_errors("the table could not be read"):
            item = self.client.get_item(TableName=self.table, Key=key, ConsistentRead=True).get("Item")
        return None if item is None else plain(item)

    def get_all(self, keys: Sequence[tuple[str, str]]) -> list[Item]:
        """The existing items among these partition and sort keys, read consistently, in any order; raises
        `TransientError` where DynamoDB does not return them all before the deadline.
        """
        found: list[Item] = []
        left: list[Any] = [typed({"pk": partition, "sk": sort_key}) for partition, sort_key in keys]
        deadline, tries = self.deadline(), 0
        while left:
            asked, left = left[:_KEYS_AT_ONCE], left[_KEYS_AT_ONCE:]
            items, refused = self._get_some(asked)
            found += items
            left = refused + left
            # DynamoDB leaves out what exceeds a response, and returns nothing at all only when it throttles.
            if not items and refused:
                self.wait(tries, deadline, TransientError("the table could not be read: it is throttled; try again"))
                tries += 1
        return found

    def _get_some(self, keys: list[Any]) -> tuple[list[Item], list[Any]]:
        request: Any = {self.table: {"Keys": keys, "ConsistentRead": True}}
        with aws_errors("the table could not be read"):
            answer = self.client.batch_get_item(RequestItems=request)
        refused = answer["UnprocessedKeys"].get(self.table)
        items: list[Item] = [plain(item) for item in answer["Responses"].get(self.table, [])]
        return items, list(refused["Keys"]) if refused else []

    def query(self, partition: str, begin: str) -> Iterator[Item]:
        """The items of a partition whose sort keys begin with `begin`, in order, read consistently. Pages are read on
        demand; raises `TransientError`, possibly after some items.
        """
        return self._query("begins_with(sk, :begin)", {":pk": partition, ":begin": begin})

    def query_between(self, partition: str, first: str, last: str, at_once: int | None = None) -> Iterator[Item]:
        """The items of a partition with sort keys from `first` to `last`, inclusive, read as `query` reads them, in
        pages of at most `at_once`.
        """
        values = {":pk": partition, ":first": first, ":last": last}
        return self._query("sk BETWEEN :first AND :last", values, at_once)

    def _query(self, condition: str, values: Item, at_once: int | None = None) -> Iterator[Item]:
        limit: dict[str, Any] = {"Limit": at_once} if at_once else {}
        start = limit
        while True:
            with aws_errors("the table could not be read"):
                page = self.client.query(
                    TableName=self.table,
                    KeyConditionExpression=f"pk = :pk AND {condition}",
                    ExpressionAttributeValues=typed(values),
                    ConsistentRead=True,
                    **start,
                )
            yield from map(plain, page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            start = {**limit, "ExclusiveStartKey": page["LastEvaluatedKey"]}

    def put(
        self, partition: str, sort_key: str, item: Item, condition: str | None = None, values: Item | None = None
    ) -> Write:
        """A part that stores an item; `condition` names attributes as `#name`."""
        stored = typed({"pk": partition, "sk": sort_key, **item})
        return {"Put": {"TableName": self.table, "Item": stored, **_condition(condition, values)}}

    def update(self, partition: str, sort_key: str, expression: str, condition: str | None, values: Item) -> Write:
        """A part that changes an item; both expressions name attributes as `#name`."""
        key = typed({"pk": partition, "sk": sort_key})
        about = _condition(condition, values, expression)
        return {"Update": {"TableName": self.table, "Key": key, "UpdateExpression": expression, **about}}

    def delete(self, partition: str, sort_key: str, condition: str | None = None) -> Write:
        """A part that deletes an item."""
        key = typed({"pk": partition, "sk": sort_key})
        return {"Delete": {"TableName": self.table, "Key": key, **_condition(condition, None)}}

    def check(self, partition: str, sort_key: str, condition: str, values: Item | None = None) -> Write:
        """A part that writes nothing, and makes the transaction fail where its condition does not hold."""
        key = typed({"pk": partition, "sk": sort_key})
        return {"ConditionCheck": {"TableName": self.table, "Key": key, **_condition(condition, values)}}

    def write(self, writes: Mapping[str, Write], deadline: float) -> Mapping[str, Item]:
        """Write all parts, or none. Returns the names of the parts whose condition did not hold, with their current
        items; empty on success.

        Conflicts are retried until the deadline. Raises `TransientError`; where the answer was lost, the parts may have
        been written.
        """
        parts: list[Any] = list(writes.values())
        tries = 0
        while True:
            with aws_errors("the table could not be written", PART_CONDITION_FAILED, PART_CONFLICTS) as refusal:
                self.client.transact_write_items(TransactItems=parts)
                return {}
            failed = _failed_conditions(writes, refusal.reasons)
            if failed:
                return failed
            self.wait(tries, deadline, TransientError(_KEPT_CONFLICTING, PART_CONFLICTS))
            tries += 1

    def wait(self, tries: int, deadline: float, too_late: TransientError) -> None:
        """Pause before another try, the longer the more there were; raises `too_late` if it would end too late."""
        # Jitter spreads competing writers.
        longest = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** min(tries, 10))
        pause_s = random.uniform(0, longest)  # noqa: S311 - not a secret
        if self._clock() + pause_s > deadline:
            raise too_late
        self._pause(pause_s)


def names_in(expressions: str) -> dict[str, str]:
    """The `ExpressionAttributeNames` for every name in these expressions that begins with #."""
    words = expressions.replace("(", " ").replace(")", " ").replace(",", " ").split()
    return {word: word.removeprefix("#") for word in words if word.startswith("#")}


def _condition(condition: str | None, values: Item | None, expression: str = "") -> dict[str, Any]:
    names = names_in(f"{condition or ''} {expression}")
    options: dict[str, Any] = {}
    if condition is not None:
        options = {"ConditionExpression": condition, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    if names:
        options["ExpressionAttributeNames"] = names
    if values:
        options["ExpressionAttributeValues"] = typed(values)
    return options


def _failed_conditions(writes: Mapping[str, Write], reasons: Sequence[Mapping[str, Any]]) -> dict[str, Item]:
    return {
        name: plain(reason.get("Item", {}))
        for name, reason in zip(writes, reasons, strict=False)
        if reason.get("Code") == PART_CONDITION_FAILED
    }
