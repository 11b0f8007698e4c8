"""Decodes the streamed text of a song into bytes: hex or base64, whichever yields audio.

MiniMax documents hex. Its speech API and resellers of its songs use other forms: `0x` before the digits, white space
between them, base64 of either alphabet, and base64 in a data URI (RFC 2397).
"""

import binascii
import re
from typing import Final, Protocol

from fermata.domain.audio.bounds import too_complex
from fermata.domain.audio.container import HEAD_BYTES, begins_as_audio
from fermata.errors import BadAudioError

_LONGEST_PREFIX: Final = 256
HEAD_CHARACTERS: Final = 2 * HEAD_BYTES + _LONGEST_PREFIX
"""How many first characters suffice to recognise audio. Hex needs the most: two characters per byte."""

_WHITE_SPACE: Final = b" \t\r\n\f\v"
_WHOLE_ESCAPES: Final = re.compile(rb"(?:[^\\]++|\\u[0-9a-fA-F]{4}|\\[^u])*+", re.DOTALL)
_ESCAPE: Final = re.compile(rb"\\(u[0-9a-fA-F]{4}|[^u])", re.DOTALL)
_LONGEST_ESCAPE: Final = 6
MOST_ESCAPES: Final = 12_000_000
"""MIME base64 (lines of 76 characters) with every slash escaped needs eleven million escapes for 256 MiB."""
_LONGEST_TEXT_BEFORE: Final = 4 * 1024 * 1024
_ESCAPED: Final = {b"/": b"/", b"n": b"", b"r": b"", b"t": b"", b"f": b""}
_DATA_URI: Final = re.compile(rb"data:[^,]{0,240},", re.IGNORECASE)
_HEX_PREFIX: Final = re.compile(rb"0x", re.IGNORECASE)
_FOREIGN_TO_HEX: Final = re.compile(rb"[^0-9A-Fa-f]")
_FOREIGN_TO_BASE64: Final = re.compile(rb"[^0-9A-Za-z+/_-]")
_TO_STANDARD: Final = bytes.maketrans(b"-_", b"+/")


class _Coding(Protocol):
    def feed(self, characters: bytes) -> bytes:
        """The bytes that these characters complete; raises `BadAudioError` for characters outside the alphabet."""

    def close(self) -> bytes:
        """The last bytes; raises `BadAudioError` if the text was cut."""


class AudioTextDecoder:
    """Decodes the JSON text of a song, in chunks cut anywhere. Raises `BadAudioError` for a text that is empty, yields
    no known audio in hex or base64, or leaves the coding of its beginning; raises `AudioTooComplexError` for more than
    `MOST_ESCAPES` escapes.

    The first `HEAD_CHARACTERS` are buffered to detect the coding. If both codings yield audio, hex wins.
    """

    def __init__(self) -> None:
        self._characters = _Characters()
        self._head = bytearray()
        self._coding: _Coding | None = None

    def feed(self, text: bytes) -> bytes:
        """The bytes that this text completes."""
        characters = self._characters.read(text)
        if self._coding is not None:
            return self._coding.feed(characters)
        self._head += characters
        return self._begin() if len(self._head) >= HEAD_CHARACTERS else b""

    def close(self) -> bytes:
        """The remaining bytes, after the last text; a short song is decoded only now."""
        self._characters.close()
        begun = b"" if self._coding else self._begin()
        return begun + (self._coding.close() if self._coding else b"")

    def _begin(self) -> bytes:
        if not self._head:
            raise BadAudioError("expected audio as text, found an empty text; the provider sent none")
        found = _coding_of(bytes(self._head))
        if found is None:
            raise BadAudioError(
                "expected hex or base64 text of audio, found text of no known audio; the provider sent no song"
            )
        self._coding, characters = found
        self._head.clear()
        return self._coding.feed(characters)


class AudioTextHead:
    """Checks the beginning of such a text without decoding the rest. Nothing raises: a text that begins with megabytes
    of white space does not count as audio.
    """

    def __init__(self) -> None:
        self._characters = _Characters()
        self._head = bytearray()
        self._text_bytes = 0

    def feed(self, text: bytes) -> None:
        """Add the next piece of the text."""
        if len(self._head) < HEAD_CHARACTERS and self._text_bytes < _LONGEST_TEXT_BEFORE:
            self._head += self._characters.read(text[: _LONGEST_TEXT_BEFORE - self._text_bytes])
            self._text_bytes += len(text)

    def begins_as_audio(self) -> bool:
        """Whether the text begins as a known audio file; the rest may still be missing, cut or corrupt."""
        return _coding_of(bytes(self._head)) is not None


class _Characters:
    """Resolves JSON escapes and drops white space. An escape for a character of neither coding stays as it is."""

    def __init__(self) -> None:
        self._begun = b""
        self._escapes = 0

    def read(self, text: bytes) -> bytes:
        """The characters of this text; an incomplete escape at its end is kept for the next text."""
        text = self._begun + text
        self._begun = b""
        if b"\\" in text:
            run = _WHOLE_ESCAPES.match(text)
            whole = run.end() if run else 0
            if len(text) - whole < _LONGEST_ESCAPE:
                text, self._begun = text[:whole], text[whole:]
            text, escapes = _ESCAPE.subn(_character, text)
            self._escapes += escapes
            if self._escapes > MOST_ESCAPES:
                raise too_complex(f"found a text with more than {MOST_ESCAPES} escapes")
        return text.translate(None, _WHITE_SPACE)

    def close(self) -> None:
        """Check after the last text that no escape is incomplete."""
        if self._begun:
            raise BadAudioError(
                f"expected hex or base64 text, found half an escape of {len(self._begun)} bytes at its end"
            )


class _Hex:
    """Two digits for a byte, of either case."""

    def __init__(self) -> None:
        self._half = b""
        self._decoded_digits = 0

    def feed(self, characters: bytes) -> bytes:
        digits = self._half + characters
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

    def close(self) -> bytes:
        if self._half:
            raise BadAudioError(
                "expected an even number of hex digits, found an odd length of "
                f"{self._decoded_digits + len(self._half)}; the song was cut on its way"
            )
        return b""

    def _refuse_foreign(self, digits: bytes, start: int = 0) -> None:
        foreign = _FOREIGN_TO_HEX.search(digits, start)
        if foreign:
            raise _foreign("hex digits", foreign.group(), self._decoded_digits + foreign.start())


class _Base64:
    """Four characters for three bytes (RFC 4648, sections 4 and 5), with or without padding."""

    def __init__(self) -> None:
        self._rest = b""
        self._decoded_characters = 0
        self._is_padded = False

    def feed(self, characters: bytes) -> bytes:
        text, padding, behind = characters.partition(b"=")
        if behind.strip(b"=") or (self._is_padded and text):
            raise BadAudioError("expected base64 text, found more behind its padding; the song was changed on its way")
        self._is_padded = self._is_padded or bool(padding)
        digits = self._rest + text
        foreign = _FOREIGN_TO_BASE64.search(digits)
        if foreign:
            raise _foreign("base64 characters", foreign.group(), self._decoded_characters + foreign.start())
        whole = len(digits) - len(digits) % 4
        self._rest = digits[whole:]
        self._decoded_characters += whole
        return binascii.a2b_base64(digits[:whole].translate(_TO_STANDARD))

    def close(self) -> bytes:
        if len(self._rest) == 1:
            length = self._decoded_characters + 1
            raise BadAudioError(f"expected whole base64 text, found a length of {length}; the song was cut on its way")
        return binascii.a2b_base64(self._rest.translate(_TO_STANDARD) + b"=" * (-len(self._rest) % 4))


def _coding_of(head: bytes) -> tuple[_Coding, bytes] | None:
    """The coding in which a text begins as a known audio file, and the text so far without its prefix."""
    uri = _DATA_URI.match(head)
    text = head[uri.end() :] if uri else head
    prefix = _HEX_PREFIX.match(text)
    digits = text[prefix.end() :] if prefix else text
    if begins_as_audio(_beginning_in_hex(digits)):
        return _Hex(), digits
    return (_Base64(), text) if begins_as_audio(_beginning_in_base64(text)) else None


def _beginning_in_hex(text: bytes) -> bytes:
    """The bytes of a text up to its first character that is not a hex digit."""
    foreign = _FOREIGN_TO_HEX.search(text)
    digits = text[: foreign.start()] if foreign else text
    return binascii.unhexlify(digits[: len(digits) - len(digits) % 2])


def _beginning_in_base64(text: bytes) -> bytes:
    foreign = _FOREIGN_TO_BASE64.search(text)
    digits = (text[: foreign.start()] if foreign else text).translate(_TO_STANDARD)
    return binascii.a2b_base64(digits[: len(digits) - len(digits) % 4])


def _character(escape: re.Match[bytes]) -> bytes:
    spelled = escape[1]
    if spelled.startswith(b"u"):
        code = int(spelled[1:], 16)
        return bytes([code]) if code < 0x80 else escape[0]
    return _ESCAPED.get(spelled, escape[0])


def _foreign(wanted: str, character: bytes, position: int) -> BadAudioError:
    return BadAudioError(
        f"expected only {wanted}, found the byte 0x{character[0]:02x} at position {position}; "
        "the song was changed on its way"
    )
