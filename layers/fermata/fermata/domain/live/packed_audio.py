"""Packed audio for HTTP Live Streaming: plain MP3 frames behind a tag that says when they begin (RFC 8216, 3.4)."""

from dataclasses import dataclass
from typing import Final

CLOCK_HZ: Final = 90_000
"""The rate of the clock of MPEG-2 program streams, in which pieces say when they begin."""

_CLOCK_LIMIT: Final = 1 << 33
_OWNER: Final = b"com.apple.streaming.transportStreamTimestamp\x00"


@dataclass(frozen=True)
class Piece:
    """Whole MP3 frames: when they begin in ticks of `CLOCK_HZ`, and how long they last in ms."""

    frames: bytes
    begins_at: int
    duration_ms: int

    def packed(self) -> bytes:
        """The file that players fetch."""
        return timestamp_tag(self.begins_at) + self.frames


def timestamp_tag(begins_at: int) -> bytes:
    """An ID3v2.4 tag with one private frame: 33 bits of time in eight bytes."""
    content = _OWNER + (begins_at % _CLOCK_LIMIT).to_bytes(8)
    frame = b"PRIV" + _synchsafe(len(content)) + b"\x00\x00" + content
    return b"ID3\x04\x00\x00" + _synchsafe(len(frame)) + frame


def _synchsafe(size: int) -> bytes:
    """A size as ID3 writes it: seven bits a byte."""
    return bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
