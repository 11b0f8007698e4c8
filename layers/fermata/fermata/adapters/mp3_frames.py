"""Counts the frames of an MP3 file, the only way to know its length that no header can get wrong.

mutagen estimates from the first frame where a file of variable bit rate has no Xing header, and errs by two thirds
then. The layout of frames is ISO 11172-3 and 13818-3; that of the Xing and LAME headers is
http://gabriel.mp3-tech.org/mp3infotag.html.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import BinaryIO, Final

from fermata.errors import BadAudioError

_KBPS_MPEG_1: Final = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBPS_MPEG_2: Final = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_MPEG_1_RATES_HZ: Final = (44100, 48000, 32000)
_RATE_DIVISORS: Final = {3: 1, 2: 2, 0: 4}
_MPEG_1: Final = 3
_LAYER_3: Final = 1
_MONO: Final = 3

_SEARCH_BYTES: Final = 64 * 1024
_HEADER_BYTES: Final = 4
_FRAMES_TO_BELIEVE: Final = 3
_ID3_HEADER_BYTES: Final = 10
# Enough for the longest side information, and the Xing and LAME headers behind it.
_ANNOUNCEMENT_BYTES: Final = 256


@dataclass(frozen=True)
class FrameHeader:
    """One frame of Layer III; frames of one stream agree in `stream`."""

    stream: tuple[int, int]
    sample_rate_hz: int
    channels: int
    bitrate_bps: int
    samples: int
    length: int
    side_info_end: int


@dataclass(frozen=True)
class Mp3Length:
    """What the frames of a file add up to; `samples` per channel are those that a decoder plays."""

    sample_rate_hz: int
    channels: int
    samples: int
    bitrate_bps: int


@dataclass(frozen=True)
class _Announcement:
    """What a Xing header says: the number of frames, if it does, and the samples of padding around the music."""

    frames: int | None
    padding: int


def measure_mp3(file: BinaryIO, size: int) -> Mp3Length:
    """The length of an MP3 file of `size` bytes; raises `BadAudioError` where it is mostly no MP3 or misses frames."""
    start = _skip_id3(file)
    first_at, first = _find_stream(file, start, size)
    announcement = _read_announcement(file, first_at, first)
    music_at = first_at if announcement is None else first_at + first.length
    frames = 0
    frame_bytes = 0
    bitrates = set()
    for header in _walk(file, music_at, size, first.stream):
        frames += 1
        frame_bytes += header.length
        bitrates.add(header.bitrate_bps)
    _check_coverage(frame_bytes, size - start)
    samples = _played_samples(frames, first.samples, announcement)
    average = round(frame_bytes * 8 * first.sample_rate_hz / (frames * first.samples))
    bitrate = bitrates.pop() if len(bitrates) == 1 else average
    return Mp3Length(first.sample_rate_hz, first.channels, samples, bitrate)


@lru_cache(maxsize=1024)
def read_frame_header(header: bytes) -> FrameHeader | None:
    """The frame that these four bytes open, or None. Free-format frames, which name no bit rate, are not supported."""
    if len(header) < _HEADER_BYTES or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return None
    version, layer = header[1] >> 3 & 3, header[1] >> 1 & 3
    bitrate_index, rate_index, padding = header[2] >> 4, header[2] >> 2 & 3, header[2] >> 1 & 1
    if version not in _RATE_DIVISORS or layer != _LAYER_3 or bitrate_index in (0, 15) or rate_index == 3:
        return None
    rate = _MPEG_1_RATES_HZ[rate_index] // _RATE_DIVISORS[version]
    bitrate = (_KBPS_MPEG_1 if version == _MPEG_1 else _KBPS_MPEG_2)[bitrate_index] * 1000
    samples = 1152 if version == _MPEG_1 else 576
    channels = 1 if header[3] >> 6 == _MONO else 2
    side_info = {(True, 1): 17, (True, 2): 32, (False, 1): 9, (False, 2): 17}[version == _MPEG_1, channels]
    length = samples // 8 * bitrate // rate + padding
    return FrameHeader((version, rate_index), rate, channels, bitrate, samples, length, _HEADER_BYTES + side_info)


def _skip_id3(file: BinaryIO) -> int:
    at = 0
    while True:
        header = _read_at(file, at, _ID3_HEADER_BYTES)
        if len(header) < _ID3_HEADER_BYTES or not header.startswith(b"ID3"):
            return at
        size = sum((byte & 0x7F) << shift for byte, shift in zip(header[6:], (21, 14, 7, 0), strict=True))
        has_footer = header[5] & 0x10
        at += _ID3_HEADER_BYTES + size + (_ID3_HEADER_BYTES if has_footer else 0)


def _find_stream(file: BinaryIO, start: int, size: int) -> tuple[int, FrameHeader]:
    window = _read_at(file, start, _SEARCH_BYTES)
    at = window.find(0xFF)
    while at >= 0:
        header = read_frame_header(window[at : at + _HEADER_BYTES])
        if header and _opens_stream(file, start + at, size, header):
            return start + at, header
        at = window.find(0xFF, at + 1)
    raise BadAudioError(
        f"expected MP3 frames within {_SEARCH_BYTES} bytes after byte {start} of {size}, found none; "
        "the file is cut or no MP3"
    )


def _opens_stream(file: BinaryIO, at: int, size: int, header: FrameHeader) -> bool:
    for _ in range(_FRAMES_TO_BELIEVE):
        found = read_frame_header(_read_at(file, at, _HEADER_BYTES))
        if found is None or found.stream != header.stream or at + found.length > size:
            return False
        at += found.length
    return True


def _read_announcement(file: BinaryIO, at: int, header: FrameHeader) -> _Announcement | None:
    tag = _read_at(file, at + header.side_info_end, _ANNOUNCEMENT_BYTES)
    if not tag.startswith((b"Xing", b"Info")):
        return None
    flags = int.from_bytes(tag[4:8], "big")
    has_frames, has_bytes, has_toc, has_quality = (bool(flags & bit) for bit in (1, 2, 4, 8))
    lame = tag[8 + 4 * has_frames + 4 * has_bytes + 100 * has_toc + 4 * has_quality :]
    padding = (lame[21] << 4) + (lame[22] >> 4) + ((lame[22] & 0x0F) << 8) + lame[23] if lame[0] else 0
    return _Announcement(int.from_bytes(tag[8:12], "big") if has_frames else None, padding)


def _walk(file: BinaryIO, at: int, size: int, stream: tuple[int, int]) -> Iterator[FrameHeader]:
    while at + _HEADER_BYTES <= size:
        header = read_frame_header(_read_at(file, at, _HEADER_BYTES))
        if header is None or header.stream != stream:
            at = _resume_stream(file, at, size, stream)
            continue
        if at + header.length <= size:
            yield header
        at += header.length


def _resume_stream(file: BinaryIO, at: int, size: int, stream: tuple[int, int]) -> int:
    """Where the stream goes on after something foreign, or the end of the file."""
    window = _read_at(file, at, _SEARCH_BYTES)
    offset = window.find(0xFF, 1)
    while offset >= 0:
        header = read_frame_header(window[offset : offset + _HEADER_BYTES])
        if header and header.stream == stream and _opens_stream(file, at + offset, size, header):
            return at + offset
        offset = window.find(0xFF, offset + 1)
    return size


def _check_coverage(frame_bytes: int, music_bytes: int) -> None:
    if frame_bytes * 2 < music_bytes:
        raise BadAudioError(
            f"expected MP3 frames throughout, found {frame_bytes} of {music_bytes} bytes in frames; "
            "the file is damaged or no MP3"
        )


def _played_samples(frames: int, samples_per_frame: int, announcement: _Announcement | None) -> int:
    if announcement is None:
        return frames * samples_per_frame
    announced = frames if announcement.frames is None else announcement.frames
    # Encoders differ in whether the header's own frame counts.
    if announced - frames > max(2, announced // 100):
        raise BadAudioError(
            f"expected {announced} MP3 frames as the file's own header says, found {frames}; the file is cut"
        )
    return max(0, min(announced, frames) * samples_per_frame - announcement.padding)


def _read_at(file: BinaryIO, at: int, length: int) -> bytes:
    file.seek(at)
    return file.read(length)
