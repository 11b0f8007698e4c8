"""Leased places in DynamoDB: `<name>#<i>` holds who has place i and when anybody else may take it."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Final

from fermata.adapters.aws_errors import CONDITION_FAILED, aws_errors
from fermata.adapters.dynamodb.items import typed
from fermata.adapters.dynamodb.jobs.due_jobs import sortable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SORT_KEY: Final = "SLOT"


class DynamoSlots:
    """The places of one name over one table."""

    def __init__(self, client: "DynamoDBClient", table: str, name: str) -> None:
        self._client = client
        self._table = table
        self._name = name

    def partition(self, number: int) -> str:
        """Under which partition key a place is kept."""
        return f"{self._name}#{number}"

    def take(self, among: Iterable[int], holder: str, until: datetime, now: datetime) -> int | None:
        """The first free one of these places, which is the holder's until a moment; None where all are taken."""
        return next((number for number in among if self._take(number, holder, until, now)), None)

    def give_back(self, number: int, holder: str) -> None:
        """Free a place, unless another has it by now."""
        with aws_errors("a place could not be freed", CONDITION_FAILED):
            self._client.delete_item(
                TableName=self._table,
                Key=self._key(number),
                ConditionExpression="holder = :holder",
                ExpressionAttributeValues=typed({":holder": holder}),
            )

    def _take(self, number: int, holder: str, until: datetime, now: datetime) -> bool:
        with aws_errors("a place could not be taken", CONDITION_FAILED):
            self._client.put_item(
                TableName=self._table,
                Item={**self._key(number), **typed({"holder": holder, "until": sortable(until)})},
                ConditionExpression="attribute_not_exists(pk) OR #until <= :now",
                ExpressionAttributeNames={"#until": "until"},
                ExpressionAttributeValues=typed({":now": sortable(now)}),
            )
            return True
        return False

    def _key(self, number: int) -> dict[str, dict[str, str]]:
        return {"pk": {"S": self.partition(number)}, "sk": {"S": SORT_KEY}}
