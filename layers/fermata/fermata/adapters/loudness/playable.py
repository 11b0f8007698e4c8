"""The part of a file that a decoder is given: sound alone, in the containers that it knows.

Decoders believe a file. mpg123 takes minutes for a tag with 100,000 fields and plays no more frames than a wrong header
counts. So an MP3 is reduced to its frames of music, found by the walk that measures songs within a budget, behind a
header that counts them.
"""

import io
from bisect import bisect_right
from itertools import accumulate
from typing import BinaryIO, Final

from fermata.adapters.audio.frame_walk import HEADER_BYTES, Frame, FrameWalk
from fermata.adapters.audio.lead import find_start
from fermata.adapters.audio.mp3_frames import MP3_FRAMES, names_frames, read_frame_header
from fermata.adapters.audio.window import ByteWindow
from fermata.domain.audio.container import FLAC, MP3, OGG, WAV

_DECODED: Final = (MP3, WAV, FLAC, OGG)
_FRAME_HEAD_BYTES: Final = 44
_NO_CHECKSUM: Final = 0x01
_RATE_BITS: Final = 0x0C
_USUAL_BITRATE: Final = 0x90
"""128 kbps, or 80 for the low sample rates, which leaves room for the header."""


def playable(file: BinaryIO, size: int) -> "Spliced | None":
    """What to decode of an open file of `size` bytes; None for a container that has no decoder. Raises `BadAudioError`
    where it is no audio, `AudioTooComplexError` where its layout takes more work than any song's.
    """
    window = ByteWindow(file, size)
    container, start = find_start(window)
    if container not in _DECODED:
        return None
    return _music(window, start, file) if container is MP3 else Spliced(file, [(start, size)])


def _music(window: ByteWindow, start: int, file: BinaryIO) -> "Spliced":
    """The frames of an MP3 that hold music."""
    ranges: list[tuple[int, int]] = []
    count, first = 0, None
    for at, frame in FrameWalk(window, MP3_FRAMES, start, window.size).frames():
        if names_frames(window.read(at, _FRAME_HEAD_BYTES), frame):
            continue
        count, first = count + 1, first or frame
        if ranges and ranges[-1][1] == at:
            ranges[-1] = (ranges[-1][0], at + frame.length)
        else:
            ranges.append((at, at + frame.length))
    if first is None:
        return Spliced(file, [])
    return Spliced(file, ranges, _counting(window.read(ranges[0][0], HEADER_BYTES), first, count))


def _counting(header: bytes, frame: Frame, frames: int) -> bytes:
    """A frame without sound like the one that has this header, with a Xing header that counts so many frames."""
    marked = bytes([header[0], header[1] | _NO_CHECKSUM, header[2] & _RATE_BITS | _USUAL_BITRATE, header[3]])
    own = read_frame_header(marked)
    if own is None:
        raise AssertionError(f"{marked.hex()} is no header of a frame")
    xing = b"Xing" + (1).to_bytes(4, "big") + frames.to_bytes(4, "big")
    return (marked.ljust(frame.side_info_end, b"\0") + xing).ljust(own.length, b"\0")


class Spliced(io.RawIOBase):
    """Some bytes, then ranges of a file, one after the other, as a file."""

    def __init__(self, file: BinaryIO, ranges: list[tuple[int, int]], lead: bytes = b"") -> None:
        super().__init__()
        self._file = file
        self._lead = lead
        self._ranges = ranges
        self._starts = list(accumulate((end - begin for begin, end in ranges), initial=len(lead)))
        self._at = 0

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """The position in bytes."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to an offset from the start, the position or the end."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._starts[-1]}[whence]
        self._at = max(0, origin + offset)
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # callers pass writable buffers only
        """Fill the buffer as far as there are bytes; the number of them."""
        filled = 0
        while filled < len(buffer) and (read := self._read(len(buffer) - filled)):
            buffer[filled : filled + len(read)] = read
            filled += len(read)
        return filled

    def _read(self, most: int) -> bytes:
        at = self._at
        if at >= self._starts[-1]:
            return b""
        if at < len(self._lead):
            read = self._lead[at : at + most]
        else:
            index = bisect_right(self._starts, at) - 1
            begin, end = self._ranges[index]
            place = begin + at - self._starts[index]
            self._file.seek(place)
            read = self._file.read(min(most, end - place))
        self._at += len(read)
        return read
