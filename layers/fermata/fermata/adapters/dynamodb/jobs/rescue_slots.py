"""Slots that limit the concurrent rescues: `RESCUE#<i>` is slot i."""

from datetime import datetime
from typing import TYPE_CHECKING

from fermata.adapters.dynamodb.slots import DynamoSlots, partitioned

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoRescueSlots:
    """`RescueSlots` over one table."""

    def __init__(self, client: "DynamoDBClient", table: str, slots: int) -> None:
        self._all = DynamoSlots(client, table, partitioned("RESCUE"))
        self._slots = slots

    def take(self, holder: str, until: datetime, now: datetime) -> int | None:
        """Lease a free slot until `until`; its number, or None where all are taken."""
        return self._all.take(range(self._slots), holder, until, now)

    def give_back(self, slot: int, holder: str) -> None:
        """Free a slot, unless another run has it by now."""
        self._all.give_back(slot, holder)
