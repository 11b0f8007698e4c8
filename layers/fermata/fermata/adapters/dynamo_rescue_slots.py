"""How many rescues run at once: `RESCUE#<i>` holds who has slot i and when another run may take it."""

from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Final

from fermata.adapters.aws_errors import aws_errors
from fermata.adapters.dynamo_due_jobs import sortable
from fermata.adapters.dynamo_items import typed

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_SORT_KEY: Final = "SLOT"


class DynamoRescueSlots:
    """`RescueSlots` over one table."""

    def __init__(self, client: "DynamoDBClient", table: str, slots: int) -> None:
        self._client = client
        self._table = table
        self._slots = slots

    def take(self, holder: str, until: datetime, now: datetime) -> int | None:
        """The number of the slot that this run has until a moment, or None where all are taken."""
        return next((number for number in range(self._slots) if self._take(number, holder, until, now)), None)

    def give_back(self, slot: int, holder: str) -> None:
        """Free a slot, unless another run has it by now."""
        with aws_errors("a slot of the rescues could not be freed"), suppress(self._gone):
            self._client.delete_item(
                TableName=self._table,
                Key=_key(slot),
                ConditionExpression="holder = :holder",
                ExpressionAttributeValues=typed({":holder": holder}),
            )

    @property
    def _gone(self) -> type[Exception]:
        return self._client.exceptions.ConditionalCheckFailedException

    def _take(self, number: int, holder: str, until: datetime, now: datetime) -> bool:
        with aws_errors("a slot of the rescues could not be taken"):
            try:
                self._client.put_item(
                    TableName=self._table,
                    Item={**_key(number), **typed({"holder": holder, "until": sortable(until)})},
                    ConditionExpression="attribute_not_exists(pk) OR #until <= :now",
                    ExpressionAttributeNames={"#until": "until"},
                    ExpressionAttributeValues=typed({":now": sortable(now)}),
                )
            except self._gone:
                return False
            return True


def _key(number: int) -> dict[str, dict[str, str]]:
    return {"pk": {"S": f"RESCUE#{number}"}, "sk": {"S": _SORT_KEY}}
