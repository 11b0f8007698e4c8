"""Makes the cost of moto's tables independent of their size: queries read one partition, items are measured once."""

import copy
import json
from itertools import chain
from typing import Final

from local.emulator import moto_seams
from local.emulator.moto_seams import MotoValue

_SURELY_FITS_BYTES: Final = 350_000
"""Below moto's limit for an item, and far above the size of any item here."""


def query_only_what_is_asked_for() -> None:
    """Make a query read only its partition, and an index query read the items unsorted, because moto first sorts the
    whole table and then sorts the result again.
    """
    original = moto_seams.QUERY.original

    def query(self: MotoValue, hash_key: MotoValue, *rest: MotoValue, **named: MotoValue) -> MotoValue:
        # The order of the parameters is checked with the seam.
        named |= dict(zip(moto_seams.QUERY.parameters[2:], rest, strict=False))  # type: ignore[index]
        view = copy.copy(self)
        if named.get("index_name") is None:
            view.items = {hash_key: self.items.get(hash_key, {})}
        elif self.range_key_attr:
            wanted = [json.dumps(value.value) for _, value in named.get("hash_key_conditions") or ()]
            items = chain.from_iterable(part.values() for part in self.items.values())
            view.all_items = lambda: [item for item in items if _may_have(item, wanted)]
        return original(view, hash_key, **named)

    moto_seams.QUERY.replace(query)


def _may_have(item: MotoValue, wanted: list[str]) -> bool:
    """Whether an item can have these values; a kept item that was not parsed yet is not parsed to find out."""
    text = getattr(item, "kept_text", None)
    return text is None or all(value in text for value in wanted)


def measure_items_once() -> None:
    """Measure a new item once, because moto measures it again for each attribute."""
    from moto.dynamodb.models.dynamo_type import DynamoType, LimitedSizeDict

    original = moto_seams.NEW_ITEM.original

    def new_item(self: MotoValue, hash_key: MotoValue, range_key: MotoValue, attrs: dict[str, MotoValue]) -> None:
        self.hash_key, self.range_key, self.attrs = hash_key, range_key, LimitedSizeDict()
        for name, value in attrs.items():
            dict.__setitem__(self.attrs, name, DynamoType(value))
        if self.size() > _SURELY_FITS_BYTES:
            original(self, hash_key, range_key, attrs)

    moto_seams.NEW_ITEM.replace(new_item)
