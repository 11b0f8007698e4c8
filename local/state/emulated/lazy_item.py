"""A kept item that is parsed when it is used: ten thousand jobs are back in a second, and most are never looked at.

Imports moto, so it is imported late.
"""

from typing import Any

from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict

from local.emulator.moto_seams import MotoValue
from local.state.emulated.item_text import from_text


class LazyItem(Item):
    """An item of a table; `kept_text` is its JSON until it is parsed, then None."""

    def __init__(self, hash_key: MotoValue, range_key: MotoValue, text: str) -> None:
        self.hash_key, self.range_key = hash_key, range_key
        self.kept_text: str | None = text

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 (moto's attributes have no common type)
        """Parse the item at the first use of its attributes."""
        if name != "attrs" or self.kept_text is None:
            raise AttributeError(name)
        self.attrs = LimitedSizeDict()
        for attribute, value in from_text(self.kept_text).items():
            # Not by item assignment, which measures the whole item each time.
            dict.__setitem__(self.attrs, attribute, DynamoType(value))
        self.kept_text = None
        return self.attrs
