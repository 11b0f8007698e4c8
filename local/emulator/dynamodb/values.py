"""Makes moto measure, copy and serialize attributes without making new ones for it."""

import copy
from typing import Any, Final

from local.emulator import moto_seams
from local.emulator.moto_seams import MotoValue

_PLAIN: Final = frozenset({"S", "N", "BOOL", "NULL"})


def pass_attributes_as_they_are() -> None:
    """Serialize an attribute of a plain type unchanged, because moto stores it in the wire format."""
    original = moto_seams.SERIALIZE_STRUCTURE.original

    def structure(
        self: MotoValue, serialized: dict[str, MotoValue], value: MotoValue, shape: MotoValue, key: str
    ) -> None:
        if key and shape.name == "AttributeValue" and isinstance(value, dict) and _PLAIN.issuperset(value):
            serialized[key] = dict(value)
        else:
            original(self, serialized, value, shape, key)

    moto_seams.SERIALIZE_STRUCTURE.replace(structure)


def measure_and_copy_attributes_as_they_are() -> None:
    """Let attributes be measured and copied in one walk."""
    moto_seams.ATTRIBUTE_SIZE.replace(_size)
    moto_seams.ATTRIBUTE_COPY.replace(_copied)


def _size(self: MotoValue) -> int:
    """What moto's own measure says: the bytes of what an attribute holds, without its name."""
    value, kind = self.value, type(self)
    match self.type:
        case "N":
            return len(str(value))
        case "L":
            return sum(map(_size, value))
        case "M":
            # A member of a map is an attribute or, after an update, its wire format.
            return sum(
                _bytes(name) + _size(member if type(member) is kind else kind(member)) for name, member in value.items()
            )
        case "NS":
            return sum(len(str(each)) for each in value)
        case "SS" | "BS":
            return sum(map(_bytes, value))
        case _:
            return 1 if isinstance(value, bool) else _bytes(value)


def _bytes(text: str | bytes) -> int:
    return len(text) if isinstance(text, bytes) or text.isascii() else len(text.encode())


def _copied(self: MotoValue, memo: dict[int, Any]) -> MotoValue:
    kind: MotoValue = type(self)
    made = kind.__new__(kind)
    made.type, value = self.type, self.value
    if isinstance(value, list):
        made.value = [_copied(each, memo) if type(each) is kind else copy.deepcopy(each, memo) for each in value]
    elif isinstance(value, dict):
        made.value = {
            name: _copied(each, memo) if type(each) is kind else copy.deepcopy(each, memo)
            for name, each in value.items()
        }
    else:
        made.value = value
    return made
