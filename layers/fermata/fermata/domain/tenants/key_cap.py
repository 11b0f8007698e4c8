"""The monthly cap of an API key."""

from pydantic import BaseModel, ConfigDict, PositiveInt


class KeyCap(BaseModel):
    """Most credits that the orders of a key may spend in a calendar month in UTC, those held included. They count in
    `counter_id`, which a rotated key shares with its predecessor: it is the id of the first of them.
    """

    model_config = ConfigDict(defer_build=True, frozen=True)

    counter_id: str
    monthly_credits: PositiveInt
