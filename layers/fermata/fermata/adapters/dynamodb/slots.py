"""Leases in DynamoDB: one item per numbered place, with its holder and the end of the lease."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Final

from fermata.adapters.aws_errors import CONDITION_FAILED, aws_errors
from fermata.adapters.dynamodb.items import Item, typed
from fermata.adapters.dynamodb.jobs.due_jobs import sortable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KeyOf = Callable[[int], tuple[str, str]]
"""Maps a place's number to its partition key and sort key."""

_FREE: Final = "attribute_not_exists(pk) OR #until <= :now"


def partitioned(name: str) -> KeyOf:
    """Keys with a partition per place, `<name>#<i>`, so that the load of all tenants spreads over partitions."""
    return lambda number: (f"{name}#{number}", "SLOT")


class DynamoSlots:
    """Leased places of one table, at the keys that `key_of` gives."""

    def __init__(self, client: "DynamoDBClient", table: str, key_of: KeyOf) -> None:
        self._client = client
        self._table = table
        self.key_of = key_of

    def take(self, among: Iterable[int], holder: str, until: datetime, now: datetime) -> int | None:
        """Lease the first free one of these places until `until`; None where all are taken. Raises `TransientError`."""
        values = {":now": sortable(now)}
        return next((each for each in among if self._put(each, holder, until, _FREE, values)), None)

    def take_or_keep(self, among: Iterable[int], holder: str, until: datetime, now: datetime) -> int | None:
        """As `take`, but a place that the holder already has counts as free, and its lease is extended."""
        values = {":now": sortable(now), ":holder": holder}
        condition = f"{_FREE} OR holder = :holder"
        return next((each for each in among if self._put(each, holder, until, condition, values)), None)

    def give_back(self, number: int, holder: str) -> None:
        """Free a place, unless another holder has it by now. Raises `TransientError`."""
        with aws_errors("a place could not be freed", CONDITION_FAILED):
            self._client.delete_item(
                TableName=self._table,
                Key=typed(self._key(number)),
                ConditionExpression="holder = :holder",
                ExpressionAttributeValues=typed({":holder": holder}),
            )

    def _put(self, number: int, holder: str, until: datetime, condition: str, values: Item) -> bool:
        with aws_errors("a place could not be taken", CONDITION_FAILED):
            self._client.put_item(
                TableName=self._table,
                Item=typed({**self._key(number), "holder": holder, "until": sortable(until)}),
                ConditionExpression=condition,
                ExpressionAttributeNames={"#until": "until"},
                ExpressionAttributeValues=typed(values),
            )
            return True
        return False

    def _key(self, number: int) -> dict[str, str]:
        partition, sort_key = self.key_of(number)
        return {"pk": partition, "sk": sort_key}
