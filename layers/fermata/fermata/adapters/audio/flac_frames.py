"""Measures FLAC files by their last frame, because the header states the intended length and a cut file is shorter.

The layout is RFC 9639: STREAMINFO in section 8.2, frames in section 9. Concatenated files are measured one by one.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from itertools import islice
from typing import Final

from fermata.adapters.audio.sound import Sound, check_whole, cut, damaged
from fermata.adapters.audio.window import BLOCK_BYTES, OCTETS_A_STEP, ByteWindow

# The magic bytes and the header of the first block, which is always STREAMINFO and may be the last block.
_FILE_MARK: Final = b"fLaC"
_MARK_BYTES: Final = 8
STREAMINFO_BYTES: Final = 34
_SAMPLES_MASK: Final = (1 << 36) - 1
_MOST_PARTS: Final = 64

_SYNC: Final = re.compile(rb"(?=\xff[\xf8\xf9])")
_CRC_BYTES: Final = 2
_LONGEST_FRAME_HEADER: Final = 16
# Tags and zeros may follow the last frame.
_TRAILERS: Final = (b"TAG", b"APETAGEX", b"ID3", b"\0")
_TRAILER_BYTES: Final = 64 * 1024
_LONGEST_TAIL: Final = 2 * 1024 * 1024
# In a whole file, the last frame opens at one of the last sync marks; the bound limits the work for a damaged file.
_FRAMES_TO_TRY: Final = 8


@dataclass(frozen=True)
class StreamInfo:
    """The content of STREAMINFO; `total_samples` per channel is 0 where unknown, `longest_frame` is in bytes."""

    blocksize: int
    longest_frame: int
    sample_rate_hz: int
    channels: int
    total_samples: int


@dataclass(frozen=True)
class _FrameStart:
    """A frame's offset in the tail, and the sample per channel at which it ends."""

    at: int
    last_sample: int


def measure_flac(window: ByteWindow, start: int) -> Sound:
    """The sound that a decoder plays from the FLAC file at `start`. The last frame's count replaces a total that is
    unknown or too low. Raises `CutAudioError` where frames are missing, `BadAudioError` where the file is damaged.
    """
    seconds, first = 0.0, None
    for begin, end in _parts(window, start):
        info = read_streaminfo(window.read(begin + _MARK_BYTES, STREAMINFO_BYTES))
        first = first or info
        samples = _last_sample(window, begin + _MARK_BYTES + STREAMINFO_BYTES, end, info)
        check_whole(info.total_samples, samples, "samples")
        seconds += samples / info.sample_rate_hz
    if first is None:
        raise damaged("FLAC", "found no description of its sound")
    return Sound(seconds, first.sample_rate_hz, first.channels)


def read_streaminfo(block: bytes) -> StreamInfo:
    """The content of a STREAMINFO block; raises `BadAudioError` where the block is invalid."""
    bits = int.from_bytes(block[10:18], "big")
    rate, channels, depth = bits >> 44, (bits >> 41 & 7) + 1, (bits >> 36 & 31) + 1
    blocksize = int.from_bytes(block[2:4], "big")
    if len(block) < STREAMINFO_BYTES or not rate or not blocksize:
        raise damaged("FLAC", "found no description of its sound")
    longest = int.from_bytes(block[7:10], "big") or blocksize * channels * depth // 8 + 64
    return StreamInfo(blocksize, longest, rate, channels, bits & _SAMPLES_MASK)


def _parts(window: ByteWindow, start: int) -> Iterator[tuple[int, int]]:
    """The begin and end offsets of each concatenated file; mostly there is one."""
    begin = start
    for _ in range(_MOST_PARTS):
        following = _next_file(window, begin + _MARK_BYTES)
        yield begin, following
        if following >= window.size:
            return
        begin = following


def _next_file(window: ByteWindow, at: int) -> int:
    marks = [_FILE_MARK + last + b"\0\0\x22" for last in (b"\0", b"\x80")]
    for block_at, block in window.blocks(at, window.size, overlap=_MARK_BYTES - 1):
        found = min((place for place in map(block.find, marks) if place >= 0), default=None)
        if found is not None:
            return block_at + found
    return window.size


def _last_sample(window: ByteWindow, start: int, end: int, info: StreamInfo) -> int:
    """The sample per channel at which the last whole frame ends."""
    length = min(2 * info.longest_frame + _TRAILER_BYTES, _LONGEST_TAIL)
    tail_at = max(start, end - length)
    tail = window.read(tail_at, end - tail_at)
    following = {len(tail), *_frame_ends(tail)}
    for frame in islice(_frames_from_the_end(window, tail, info), _FRAMES_TO_TRY):
        window.spend((len(tail) - frame.at) // OCTETS_A_STEP)
        if _is_whole(tail, frame.at, sorted(place for place in following if place > frame.at)):
            return frame.last_sample
        following.add(frame.at)
    raise cut("found the end of the FLAC file before the end of its last part")


def _frames_from_the_end(window: ByteWindow, tail: bytes, info: StreamInfo) -> Iterator[_FrameStart]:
    """The frames that begin in a tail, lazily, the last one first."""
    end = len(tail)
    while end > 0:
        begin = max(0, end - BLOCK_BYTES)
        # A sync mark may begin with the last byte of a block.
        for mark in reversed([each.start() for each in _SYNC.finditer(tail, begin, end + 1)]):
            window.spend(1)
            frame = _read_frame_start(tail, mark, info)
            if frame is not None:
                yield frame
        end = begin


def _frame_ends(tail: bytes) -> set[int]:
    """Possible ends of a frame before a trailing tag or zeros. A checksum can end in zeros, too."""
    without_zeros = len(tail.rstrip(b"\0"))
    ends = {without_zeros + extra for extra in range(_CRC_BYTES + 1)}
    ends |= {place for trailer in _TRAILERS[:-1] if (place := tail.rfind(trailer)) >= 0}
    return {place for place in ends if place <= len(tail)}


def _read_frame_start(tail: bytes, at: int, info: StreamInfo) -> _FrameStart | None:
    """The frame whose header is at a sync mark, or None where the header's checksum does not match."""
    header = tail[at : at + _LONGEST_FRAME_HEADER].ljust(_LONGEST_FRAME_HEADER, b"\0")
    if not header[2] >> 4 or header[3] & 1:
        return None
    number, after = _read_number(header, 4)
    samples, after = _read_blocksize(header, after)
    after += {12: 1, 13: 2, 14: 2}.get(header[2] & 0xF, 0)
    if at + after >= len(tail) or reduce(_step_8, header[: after + 1], 0):
        return None
    is_variable = header[1] & 1
    return _FrameStart(at, (number if is_variable else number * info.blocksize) + samples)


def _read_number(header: bytes, at: int) -> tuple[int, int]:
    """The coded number (UTF-8 extended to seven bytes) and the offset after it."""
    first = header[at]
    if first < 0x80:
        return first, at + 1
    length = 8 - (first ^ 0xFF).bit_length()
    number = first & (0x7F >> length)
    for octet in header[at + 1 : at + length]:
        number = number << 6 | octet & 0x3F
    return number, at + length


def _read_blocksize(header: bytes, at: int) -> tuple[int, int]:
    """The samples per channel of a frame, and the offset after them in the header."""
    code = header[2] >> 4
    if code in (6, 7):
        return int.from_bytes(header[at : at + code - 5], "big") + 1, at + code - 5
    if code == 1:
        return 192, at
    return (576 << code - 2 if code < 6 else 256 << code - 8), at


def _is_whole(tail: bytes, at: int, ends: list[int]) -> bool:
    """Whether a frame's checksum matches at one of its possible ends."""
    crc = 0
    for end in ends:
        crc, at = reduce(_step_16, tail[at:end], crc), end
        if not crc:
            return True
    return False


def _step_8(crc: int, octet: int) -> int:
    return _CRC_8[crc ^ octet]


def _step_16(crc: int, octet: int) -> int:
    return (crc << 8 & 0xFFFF) ^ _CRC_16[crc >> 8 ^ octet]


def _crc_entry(octet: int, polynomial: int, bits: int) -> int:
    crc, top, mask = octet << bits - 8, 1 << bits - 1, (1 << bits) - 1
    for _ in range(8):
        crc = (crc << 1 ^ polynomial if crc & top else crc << 1) & mask
    return crc


_CRC_8: Final = tuple(_crc_entry(octet, 0x07, 8) for octet in range(256))
_CRC_16: Final = tuple(_crc_entry(octet, 0x8005, 16) for octet in range(256))
