"""Follows a stream of events while it arrives, and returns the audio that continues what listeners heard so far."""

import binascii
import hashlib
from collections.abc import Iterator
from typing import Final

from fermata.domain.audio.answer_scanner import ScannedDocument
from fermata.domain.audio.event_stream import EventStream
from fermata.domain.providers.event_facts import is_last, reports_failure
from fermata.errors import BadAudioError

LONGEST_PART_BYTES: Final = 1024 * 1024
"""The longest audio of an event that is held until the event shows whether it is the last one: half a minute at
256 kbit/s. A longer event counts as one that repeats the song.
"""
_WHITE_SPACE: Final = b" \t\r\n"


class HeardAudio:
    """The audio of a stream in order, each byte once, whatever the last event has: of a last event that repeats what
    was heard only the rest follows, and nothing of one that begins otherwise. Memory does not grow with the stream.

    Only hex is heard; the stored song may have any form. Raises `BadAudioError` where nothing can follow.
    """

    def __init__(self) -> None:
        self._stream = EventStream()
        self._heard = hashlib.sha256()
        self._heard_bytes = 0
        self._event = _Event(self._heard.digest(), 0)
        self._is_over = False

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The audio that follows, as far as this chunk completes it."""
        for part in self._stream.feed(chunk):
            yield from self._take(part)

    def close(self) -> Iterator[bytes]:
        """The rest, after the last chunk."""
        for part in self._stream.close():
            yield from self._take(part)

    def _take(self, part: bytes | ScannedDocument) -> Iterator[bytes]:
        if self._is_over:
            return
        if isinstance(part, bytes):
            yield from self._hear(self._event.add(part))
            return
        if part.flaw is not None or reports_failure(part.document):
            raise BadAudioError("expected a whole event without a failure, found another; no more audio follows")
        self._is_over = is_last(part.document)
        yield from self._hear(self._event.rest(is_last=self._is_over))
        self._event = _Event(self._heard.digest(), self._heard_bytes)

    def _hear(self, audio: bytes) -> Iterator[bytes]:
        if audio:
            self._heard.update(audio)
            self._heard_bytes += len(audio)
            yield audio


class _Event:
    """The audio of one event, compared with what was heard before it."""

    def __init__(self, heard_digest: bytes, heard_bytes: int) -> None:
        self._heard_digest = heard_digest
        self._heard_bytes = heard_bytes
        self._beginning = hashlib.sha256()
        self._length = 0
        self._half = b""
        self._held = bytearray()
        self._is_long = False

    def add(self, text: bytes) -> bytes:
        """Add audio text; returns the audio that follows already, which is only that of a long event."""
        audio = self._decode(text)
        self._beginning.update(audio[: max(0, self._heard_bytes - self._length)])
        self._length += len(audio)
        if self._is_long:
            return self._beyond_what_was_heard(audio)
        self._held += audio
        if len(self._held) <= LONGEST_PART_BYTES:
            return b""
        self._is_long = True
        held, self._held = bytes(self._held), bytearray()
        return self._beyond_what_was_heard(held)

    def rest(self, *, is_last: bool) -> bytes:
        """The audio that follows at the event's end."""
        if self._half:
            raise BadAudioError("expected an even number of hex digits in an event, found an odd one")
        if self._is_long:
            if not is_last and self._heard_bytes:
                raise BadAudioError(f"expected at most {LONGEST_PART_BYTES} bytes in a part of a song, found more")
            return b""
        held = bytes(self._held)
        return self._beyond_what_was_heard(held) if is_last and self._length >= self._heard_bytes else held

    def _beyond_what_was_heard(self, latest: bytes) -> bytes:
        beyond = self._length - self._heard_bytes
        if beyond <= 0 or self._beginning.digest() != self._heard_digest:
            return b""
        return latest[max(0, len(latest) - beyond) :]

    def _decode(self, text: bytes) -> bytes:
        digits = self._half + text.translate(None, _WHITE_SPACE)
        even = len(digits) - len(digits) % 2
        self._half = digits[even:]
        try:
            return binascii.unhexlify(digits[:even])
        except binascii.Error as error:
            raise BadAudioError("expected hex text in an event, found other text; no more audio follows") from error
