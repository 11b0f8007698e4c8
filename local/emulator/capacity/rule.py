"""How many write and read units DynamoDB bills on demand: pure, over items in its wire format.

Sources, all below https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/: `CapacityUnitCalculations.html`
(sizes), `read-write-operations.html` (units, failed conditions, transactions), `GSI.html` (index entries).

- A write takes a unit for each begun KiB of the larger of the item before and after it, at least one. So does a
  condition that fails, of the item that is there. A transaction takes twice as many, for a `ConditionCheck` as well.
- An index entry that comes or goes takes its own units, one that moves to another key those of both, one whose
  projected attributes change those of the larger, and one that stays nothing. AWS writes entries after the
  transaction, so they are not doubled here.
- A strongly consistent read takes a unit for each begun 4 KiB, an eventually consistent one half as many, a
  transaction twice as many. A query sums its items first; a batch rounds each item.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, TypeAlias

Item: TypeAlias = Mapping[str, Mapping[str, Any]]
"""An item in DynamoDB's wire format, such as `{"pk": {"S": "JOB#1"}}`."""

WRITE_BYTES: Final = 1024
"""What one write unit holds."""
READ_BYTES: Final = 4096
"""What one read unit holds."""
_NESTED_BYTES: Final = 3
"""What a list or a map takes beside its contents."""
_MEMBER_BYTES: Final = 1
"""What each member of a list or a map takes beside itself."""


@dataclass(frozen=True)
class Index:
    """A global secondary index: the attributes of its key, and those that an entry has (None: all of the item's)."""

    keys: tuple[str, ...]
    projected: frozenset[str] | None

    def entry(self, item: Item | None) -> Item | None:
        """The index's entry for an item, None where the item lacks a key of the index."""
        if item is None or not all(key in item for key in self.keys):
            return None
        return {name: value for name, value in item.items() if self.projected is None or name in self.projected}


def item_bytes(item: Item | None) -> int:
    """The size of an item; 0 where there is none."""
    return sum(_text_bytes(name) + _value_bytes(value) for name, value in (item or {}).items())


def write_units(before: Item | None, after: Item | None, *, transactional: bool = False) -> int:
    """The table's units of a write, whether or not its condition held."""
    units = max(1, math.ceil(max(item_bytes(before), item_bytes(after)) / WRITE_BYTES))
    return 2 * units if transactional else units


def index_units(before: Item | None, after: Item | None, index: Index) -> int:
    """An index's units of a write to its table."""
    old, new = index.entry(before), index.entry(after)
    if old == new:
        return 0
    if old and new and any(old[key] != new[key] for key in index.keys):
        return write_units(old, None) + write_units(None, new)
    return write_units(old, new)


def read_units(sizes: Iterable[int], *, consistent: bool = False, transactional: bool = False) -> float:
    """The units of one item, or of all items that a query looked at, by their sizes in bytes."""
    units = max(1, math.ceil(sum(sizes) / READ_BYTES))
    if transactional:
        return 2.0 * units
    return float(units) if consistent else units / 2


def _value_bytes(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return _text_bytes(content)
        case "N":
            return _number_bytes(content)
        case "B":
            # Base64 without its padding holds three bytes in four characters.
            return len(str(content).rstrip("=")) * 3 // 4
        case "SS" | "NS" | "BS":
            return sum(_value_bytes({kind[0]: member}) for member in content)
        case "L":
            return _NESTED_BYTES + sum(_MEMBER_BYTES + _value_bytes(member) for member in content)
        case "M":
            return _NESTED_BYTES + sum(
                _MEMBER_BYTES + _text_bytes(name) + _value_bytes(member) for name, member in content.items()
            )
        case _:
            return 1


def _text_bytes(text: str) -> int:
    return len(text.encode())


@lru_cache(maxsize=4096)
def _number_bytes(text: str) -> int:
    """A byte for two digits, but for zeros at either end, and one more; a negative number has another one."""
    number = Decimal(text)
    digits = "".join(map(str, number.as_tuple().digits)).strip("0")
    return math.ceil(len(digits) / 2) + 1 + (number < 0)
