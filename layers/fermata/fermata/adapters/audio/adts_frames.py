"""Counts the frames of AAC with ADTS headers, which contains neither an index nor a count (ISO 14496-3, 1.A.2.2)."""

import re
from functools import lru_cache
from typing import Final

from fermata.adapters.audio.frame_walk import HEADER_BYTES, Frame, FrameFormat, FrameWalk
from fermata.adapters.audio.sound import Sound, damaged
from fermata.adapters.audio.window import ByteWindow

RATES_HZ: Final = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
CHANNELS: Final = (2, 1, 2, 3, 4, 5, 6, 8)
"""Channels by their code. Code 0 means that the stream defines them, mostly as two."""
_SAMPLES: Final = 1024


def measure_adts(window: ByteWindow, start: int, end: int) -> Sound:
    """The sound that a decoder plays from the AAC frames between two offsets; raises `BadAudioError` where less than
    half of the bytes are frames.

    The format has no count of frames, so a cut file is measured as far as it goes.
    """
    walk, seconds, octets, first = FrameWalk(window, ADTS_FRAMES, start, end), 0.0, 0, None
    for run in walk.runs():
        for frame, frames in run.frames.items():
            first = first or frame
            seconds += frames * frame.samples / frame.sample_rate_hz
            octets += frames * frame.length
    if first is None or not walk.covers(octets):
        raise damaged("AAC", f"found {octets} bytes of sound in {end - start}")
    return Sound(seconds, first.sample_rate_hz, first.channels, round(octets * 8 / seconds))


@lru_cache(maxsize=1024)
def _read_header(header: bytes) -> Frame | None:
    if len(header) < HEADER_BYTES or header[0] != 0xFF or header[1] & 0xF6 != 0xF0:
        return None
    rate_index, channel_code = header[2] >> 2 & 0xF, header[2] << 2 & 4 | header[3] >> 6
    length = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    has_checksum = not header[1] & 1
    if rate_index >= len(RATES_HZ) or length < HEADER_BYTES + 2 * has_checksum:
        return None
    samples = _SAMPLES * ((header[6] & 3) + 1)
    stream = (header[1] & 0xFE, header[2] & 0xFD, channel_code)
    return Frame(stream, RATES_HZ[rate_index], CHANNELS[channel_code], 0, samples, length)


# Either version, with or without a checksum.
ADTS_FRAMES: Final = FrameFormat(re.compile(rb"\xff[\xf0\xf1\xf8\xf9]"), _read_header, HEADER_BYTES)
