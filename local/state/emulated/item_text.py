"""DynamoDB's attributes as JSON text and back, exactly as moto holds them."""

import base64
import json
from typing import Any, Final

from local.emulator.moto_seams import MotoValue

_BYTES: Final = "base64"
_SEPARATORS: Final = (",", ":")


def as_text(value: MotoValue) -> str:
    """Write attributes, or the parts of a key."""
    return json.dumps(value, default=_plain, separators=_SEPARATORS)


def from_text(text: str) -> Any:  # noqa: ANN401 (attributes or the parts of a key)
    """Read what `as_text` has written, in the form from which moto makes its values."""
    # The hook would cost more than all the rest, and bytes are rare.
    return json.loads(text, object_hook=_with_bytes) if f'"{_BYTES}"' in text else json.loads(text)


def _plain(value: MotoValue) -> dict[str, Any]:
    if isinstance(value, bytes):
        return {_BYTES: base64.b64encode(value).decode()}
    return {value.type: value.value}


def _with_bytes(read: dict[str, Any]) -> Any:  # noqa: ANN401 (bytes or an object)
    found = read.get(_BYTES)
    # An attribute of that name has an object here.
    return base64.b64decode(found) if len(read) == 1 and isinstance(found, str) else read
