"""Counts the frames of an MP3 file, the only measure of its length that does not depend on a header.

The layout of frames is ISO 11172-3 and 13818-3; that of the Xing and LAME headers is
http://gabriel.mp3-tech.org/mp3infotag.html, that of the VBRI header https://www.codeproject.com/articles/8295.
Free-format frames, which name no bit rate, are not supported.
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from fermata.adapters.audio.frame_walk import LONGEST_HEAD_BYTES, Alike, Frame, FrameFormat, FrameWalk
from fermata.adapters.audio.sound import Sound, check_whole, is_placeholder
from fermata.adapters.audio.window import ByteWindow
from fermata.domain.audio.container import MAX_AUDIO_BYTES
from fermata.errors import BadAudioError

_KBPS_MPEG_1: Final = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBPS_MPEG_2: Final = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_MPEG_1_RATES_HZ: Final = (44100, 48000, 32000)
_RATE_DIVISORS: Final = {3: 1, 2: 2, 0: 4}
_MPEG_1: Final = 3
_LAYER_3: Final = 1
_MONO: Final = 3
_HEADER_BYTES: Final = 4
_SHORTEST_FRAME_BYTES: Final = 24

_VBRI_AT: Final = 36
_CHECKSUM_BYTES: Final = 2
_MARKS: Final = (b"Xing", b"Info", b"VBRI")
_NO_CHECKSUM: Final = 0x01
_PADDING: Final = 0x02
_PRIVATE: Final = 0x01
# Enough for a Xing header and the LAME header after it.
_TAG_BYTES: Final = 256
# Samples that every decoder drops at the beginning, in addition to the encoder's delay (LAME's tech FAQ).
_DECODER_DELAY: Final = 529
# Encoders differ in whether they count the header's own frame.
_FRAMES_OF_SLACK: Final = 2
# A concatenated file has a header per part; the bound limits the memory for a file that consists of headers.
_MOST_ANNOUNCEMENTS: Final = 1000


@dataclass(frozen=True)
class _Announcement:
    """A Xing or VBRI header: the frames and bytes that follow (0: not stated), and the samples of padding before and
    after the music.
    """

    frames: int = 0
    octets: int = 0
    delay: int = 0
    padding: int = 0


@dataclass
class _Count:
    """Totals of a walk. `announced` holds each header with the frames and bytes of music before it."""

    frames: int = 0
    octets: int = 0
    seconds: float = 0
    bitrates: set[int] = field(default_factory=set)
    announced: list[tuple[_Announcement, int, int]] = field(default_factory=list)

    def add(self, frame: Frame, frames: int) -> None:
        self.frames += frames
        self.octets += frames * frame.length
        self.seconds += frames * frame.samples / frame.sample_rate_hz
        self.bitrates.add(frame.bitrate_bps)


def measure_mp3(window: ByteWindow, start: int, end: int) -> Sound:
    """The sound that a decoder plays from the MP3 frames between two offsets: every frame except those with a header.

    A header may count too few frames, as in concatenated files; then the frames count. Raises `CutAudioError` where it
    counts more than there are, `BadAudioError` where less than half of the bytes are frames.
    """
    walk, count, first = FrameWalk(window, MP3_FRAMES, start, end), _Count(), None
    for run in walk.runs():
        first = first or next(iter(run.frames))
        announcement = _read_announcement(window, run.at, next(iter(run.frames))) if run.may_be_marked else None
        if announcement is None:
            for frame, frames in run.frames.items():
                count.add(frame, frames)
        elif len(count.announced) < _MOST_ANNOUNCEMENTS:
            count.announced.append((announcement, count.frames, count.octets))
    if first is None or not walk.covers(count.octets):
        raise BadAudioError(
            f"expected MP3 sound throughout, found {count.octets} bytes of it in {end - start}; "
            "the file is damaged or no MP3"
        )
    for announcement, frames, octets in count.announced:
        _check_announced(announcement, count.frames - frames, count.octets - octets)
    seconds = max(0.0, count.seconds - _unplayed(count) / first.sample_rate_hz)
    average = round(count.octets * 8 / count.seconds) if count.frames else 0
    bitrate = next(iter(count.bitrates)) if len(count.bitrates) == 1 else average
    return Sound(seconds, first.sample_rate_hz, first.channels, bitrate)


@lru_cache(maxsize=1024)
def read_frame_header(header: bytes) -> Frame | None:
    """The frame that these four bytes open, or None."""
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
    end = _HEADER_BYTES + side_info
    marks_at = tuple(sorted({end, end + _CHECKSUM_BYTES, _VBRI_AT}))
    return Frame((version, rate_index), rate, channels, bitrate, samples, length, end, marks_at)


def _alike(header: bytes) -> Alike:
    """What matches the frames of the version, rates and number of channels of a valid header."""
    mode = _MONO << 6 if header[3] >> 6 == _MONO else 0
    return _alike_of(bytes([header[0], header[1] | _NO_CHECKSUM, header[2] & ~_PADDING & ~_PRIVATE, mode]))


@lru_cache(maxsize=256)
def _alike_of(header: bytes) -> Alike:
    """The same for one of the 252 headers that stand for all."""
    plain_code, padded_code = header[2], header[2] | _PADDING
    plain, padded = (read_frame_header(bytes([*header[:2], code, header[3]])) for code in (plain_code, padded_code))
    if plain is None or padded is None:
        raise AssertionError(f"{header.hex()} is no header of a frame")
    marks = b"|".join(_MARKS)
    unmarked = b"|".join(b".{%d}(?:%s)" % (at, marks) for at in plain.marks_at)
    modes = rb"[\xc0-\xff]" if plain.channels == 1 else rb"[\0-\xbf]"
    by_padding = b"|".join(
        b"%s%s.{%d}" % (_either(code, _PRIVATE), modes, frame.length - _HEADER_BYTES)
        for code, frame in ((plain_code, plain), (padded_code, padded))
    )
    one = rb"(?=.{%d})(?!%s)\xff%s(?:%s)" % (LONGEST_HEAD_BYTES, unmarked, _either(header[1], _NO_CHECKSUM), by_padding)
    return Alike(re.compile(rb"(?s:%s){1,%d}+" % (one, plain.length - 1)), plain, padded)


def _either(octet: int, bit: int) -> bytes:
    """The pattern of an octet with this bit set or not."""
    return rb"[\x%02x\x%02x]" % (octet & ~bit, octet | bit)


# Layer III of each version, with or without a checksum.
MP3_FRAMES: Final = FrameFormat(
    re.compile(rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb]"),
    lambda header: read_frame_header(header[:_HEADER_BYTES]),
    _HEADER_BYTES,
    _MARKS,
    _alike,
)


def names_frames(head: bytes, frame: Frame) -> bool:
    """Whether a frame, of which `head` are at least the first 44 bytes, holds a header in place of music."""
    return head[_VBRI_AT : _VBRI_AT + 4] == b"VBRI" or _xing_at(head, frame) is not None


def _xing_at(head: bytes, frame: Frame) -> int | None:
    # Only some encoders leave room for a frame's checksum.
    for offset in (frame.side_info_end, frame.side_info_end + _CHECKSUM_BYTES):
        if head[offset : offset + 4] in (b"Xing", b"Info"):
            return offset
    return None


def _read_announcement(window: ByteWindow, at: int, frame: Frame) -> _Announcement | None:
    """The header that a frame holds in place of music, or None."""
    head = window.read(at, LONGEST_HEAD_BYTES)
    if head[_VBRI_AT : _VBRI_AT + 4] == b"VBRI":
        return _read_vbri(window, at + _VBRI_AT)
    offset = _xing_at(head, frame)
    if offset is None:
        return None
    return _read_xing(window.read(at + offset, min(_TAG_BYTES, frame.length - offset)))


def _read_xing(tag: bytes) -> _Announcement:
    flags = int.from_bytes(tag[4:8], "big")
    has_frames, has_bytes, has_toc, has_quality = (bool(flags & bit) for bit in (1, 2, 4, 8))
    frames = int.from_bytes(tag[8:12], "big") if has_frames else 0
    octets_at = 8 + 4 * has_frames
    octets = int.from_bytes(tag[octets_at : octets_at + 4], "big") if has_bytes else 0
    lame = tag[octets_at + 4 * has_bytes + 100 * has_toc + 4 * has_quality :][:24]
    if len(lame) < 24 or not lame[0]:
        return _Announcement(frames, octets)
    delays = int.from_bytes(lame[21:], "big")
    return _Announcement(frames, octets, delays >> 12, delays & 0xFFF)


def _read_vbri(window: ByteWindow, at: int) -> _Announcement:
    return _Announcement(frames=window.number(at + 14, 4), octets=window.number(at + 10, 4))


def _check_announced(announcement: _Announcement, frames: int, octets: int) -> None:
    if not _is_unknown(announcement.frames):
        check_whole(announcement.frames, frames, "pieces of sound", _FRAMES_OF_SLACK)
    elif not is_placeholder(announcement.octets):
        check_whole(announcement.octets, octets, "bytes of sound", _TAG_BYTES)


def _is_unknown(frames: int) -> bool:
    return is_placeholder(frames) or frames * _SHORTEST_FRAME_BYTES > MAX_AUDIO_BYTES


def _unplayed(count: _Count) -> int:
    """Samples of padding that a decoder drops: at both ends where the first header counts right, else at the
    beginning.
    """
    if not count.announced or count.announced[0][1]:
        return 0
    first = count.announced[0][0]
    if abs(first.frames - count.frames) <= _FRAMES_OF_SLACK:
        return first.delay + first.padding
    return first.delay + _DECODER_DELAY if first.delay else 0
