"""Tables whose cost does not grow with what is in them: queries look where the answer is, items are measured once."""

import copy
from itertools import chain
from typing import Final

from local.emulator import moto_seams
from local.emulator.moto_seams import MotoValue

_SURELY_FITS_BYTES: Final = 350_000
"""Below moto's limit of an item, and far above what is in one here."""


def query_only_what_is_asked_for() -> None:
    """Let a query read its own partition, and one of an index the items as they come: moto sorts the whole table first,
    and then what it found once more.
    """
    original = moto_seams.QUERY.original

    def query(self: MotoValue, hash_key: MotoValue, *rest: MotoValue, **named: MotoValue) -> MotoValue:
        # The order of the parameters is checked with the seam.
        named |= dict(zip(moto_seams.QUERY.parameters[2:], rest, strict=False))  # type: ignore[index]
        view = copy.copy(self)
        if named.get("index_name") is None:
            view.items = {hash_key: self.items.get(hash_key, {})}
        elif self.range_key_attr:
            view.all_items = lambda: list(chain.from_iterable(part.values() for part in self.items.values()))
        return original(view, hash_key, **named)

    moto_seams.QUERY.replace(query)


def measure_items_once() -> None:
    """Let a new item be measured when it is whole: moto measures it anew with each attribute that comes to it."""
    from moto.dynamodb.models.dynamo_type import DynamoType, LimitedSizeDict

    original = moto_seams.NEW_ITEM.original

    def new_item(self: MotoValue, hash_key: MotoValue, range_key: MotoValue, attrs: dict[str, MotoValue]) -> None:
        self.hash_key, self.range_key, self.attrs = hash_key, range_key, LimitedSizeDict()
        for name, value in attrs.items():
            dict.__setitem__(self.attrs, name, DynamoType(value))
        if self.size() > _SURELY_FITS_BYTES:
            original(self, hash_key, range_key, attrs)

    moto_seams.NEW_ITEM.replace(new_item)
