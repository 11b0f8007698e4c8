"""Turns hex text into bytes as it streams by, and refuses every other character."""

import binascii
import re
from typing import Final

from fermata.errors import BadAudioError

_FOREIGN: Final = re.compile(rb"[^0-9A-Fa-f]")


class HexDecoder:
    """Decodes hex text cut anywhere; raises `BadAudioError` for what is not hex, of odd length, or empty.

    Strict where `bytes.fromhex` is not: white space is refused, because it means that the text was changed on its way.
    """

    def __init__(self) -> None:
        self._half = b""
        self._decoded_digits = 0

    def feed(self, text: bytes) -> bytes:
        """The bytes that this text completes."""
        digits = self._half + text
        even = len(digits) - len(digits) % 2
        try:
            decoded = binascii.unhexlify(digits[:even])
        except binascii.Error:
            self._refuse_foreign(digits)
            raise
        self._refuse_foreign(digits, even)
        self._half = digits[even:]
        self._decoded_digits += even
        return decoded

    def close(self) -> None:
        """Check after the last chunk that the text was whole."""
        length = self._decoded_digits + len(self._half)
        if length == 0:
            raise BadAudioError("expected hex text at $.data.audio, found an empty text; the provider sent no song")
        if self._half:
            raise BadAudioError(
                f"expected an even number of hex digits, found an odd length of {length}; the song was cut on its way"
            )

    def _refuse_foreign(self, digits: bytes, start: int = 0) -> None:
        foreign = _FOREIGN.search(digits, start)
        if foreign:
            raise BadAudioError(
                f"expected only hex digits, found the byte 0x{foreign.group()[0]:02x} at position "
                f"{self._decoded_digits + foreign.start()}; the song was changed on its way"
            )
