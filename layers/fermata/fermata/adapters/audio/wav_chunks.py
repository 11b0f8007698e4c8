"""Measures WAV files by their samples (Multimedia Programming Interface and Data Specifications 1.0; RF64
and its 64-bit sizes: EBU Tech 3306, ITU-R BS.2088).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from fermata.adapters.audio.mp3_frames import measure_mp3
from fermata.adapters.audio.sound import Sound, check_whole, cut, damaged, is_placeholder
from fermata.adapters.audio.window import ByteWindow
from fermata.domain.audio.bounds import too_complex

_RIFF_HEADER_BYTES: Final = 12
_CHUNK_HEADER_BYTES: Final = 8
# A dozen is usual.
_MOST_CHUNKS: Final = 10_000
_UNKNOWN_SIZE: Final = 0xFFFFFFFF

_PCM: Final = 1
_FLOAT: Final = 3
_LOGARITHMIC: Final = (6, 7)
_ADPCM: Final = (2, 0x11)
_MP3: Final = (0x50, 0x55)
_EXTENSIBLE: Final = 0xFFFE


@dataclass(frozen=True)
class _Format:
    """The fmt chunk; `block_samples` counts per channel."""

    coding: int
    channels: int
    sample_rate_hz: int
    byte_rate: int
    block_bytes: int
    block_samples: int


@dataclass(frozen=True)
class Chunk:
    """One chunk: its content is at the offset `at`, and has `size` bytes by its header."""

    name: bytes
    at: int
    size: int


def measure_wav(window: ByteWindow, start: int) -> Sound:
    """The sound that a decoder plays from the WAV file at `start`: the samples of its data chunk.

    Where the chunk's size is a placeholder, the present bytes count. Raises `CutAudioError` where samples are missing,
    `BadAudioError` where the file is damaged.
    """
    form, wide_size = None, None
    for chunk in chunks_of(window, start):
        if chunk.name == b"fmt ":
            form = _read_format(window.read(chunk.at, min(chunk.size, 40)))
        elif chunk.name == b"ds64":
            wide_size = int.from_bytes(window.read(chunk.at + 8, 8), "little")
        elif chunk.name == b"data":
            if form is None:
                raise damaged("WAV", "found samples before their description")
            announced = wide_size if chunk.size == _UNKNOWN_SIZE and wide_size is not None else chunk.size
            return _play(window, form, chunk.at, _present(window, start, chunk.at, announced))
    raise cut("found the end of the WAV file before its samples")


def chunks_of(window: ByteWindow, start: int) -> Iterator[Chunk]:
    """The chunks of the WAV file at `start` in order. Raises `AudioTooComplexError` where there are too many."""
    at = start + _RIFF_HEADER_BYTES
    for _ in range(_MOST_CHUNKS):
        header = window.read(at, _CHUNK_HEADER_BYTES)
        if len(header) < _CHUNK_HEADER_BYTES:
            return
        size = int.from_bytes(header[4:], "little")
        yield Chunk(header[:4], at + _CHUNK_HEADER_BYTES, size)
        at += _CHUNK_HEADER_BYTES + size
        # Chunks begin at even offsets; some writers violate that.
        if size % 2 and not (_is_name(window.read(at, 4)) and not _is_name(window.read(at + 1, 4))):
            at += 1
    raise too_complex(f"found more than {_MOST_CHUNKS} parts of a WAV file")


def _is_name(name: bytes) -> bool:
    return len(name) == 4 and all(0x20 <= octet < 0x7F for octet in name)


def _read_format(fmt: bytes) -> _Format:
    if len(fmt) < 16:
        raise damaged("WAV", "found too short a description of its samples")
    coding, channels, rate, byte_rate, block_bytes, bits = struct.unpack("<HHIIHH", fmt[:16])
    if coding == _EXTENSIBLE and len(fmt) >= 26:
        coding = int.from_bytes(fmt[24:26], "little")
    block_samples = 1
    if coding in (_PCM, _FLOAT, *_LOGARITHMIC) and bits * channels >= 8:
        # The header's own block size and byte rate may be wrong, so they are derived from the other fields.
        block_bytes = channels * ((bits + 7) // 8)
        byte_rate = rate * block_bytes
    elif coding in _ADPCM and len(fmt) >= 20:
        block_samples = int.from_bytes(fmt[18:20], "little")
    elif coding in _MP3:
        # The MP3 frames decide, and writers leave these fields empty.
        byte_rate = block_bytes = 1
    if not (channels and rate and byte_rate and block_bytes and block_samples):
        raise damaged("WAV", f"found {channels} channels at {rate} Hz")
    return _Format(coding, channels, rate, byte_rate, block_bytes, block_samples)


def _present(window: ByteWindow, start: int, data_at: int, announced: int) -> int:
    """The present bytes of samples, checked against the data chunk's size, or else against the RIFF header's."""
    present = window.size - data_at
    if not is_placeholder(announced):
        check_whole(announced, present, "bytes of sound")
        return min(announced, present)
    riff_size = int.from_bytes(window.read(start + 4, 4), "little")
    if not is_placeholder(riff_size):
        check_whole(riff_size - (data_at - start - _CHUNK_HEADER_BYTES), present, "bytes of sound")
    return present


def _play(window: ByteWindow, form: _Format, data_at: int, size: int) -> Sound:
    if form.coding in _MP3:
        return measure_mp3(window, data_at, data_at + size)
    if form.coding in (_PCM, _FLOAT, *_LOGARITHMIC, *_ADPCM):
        seconds = size // form.block_bytes * form.block_samples / form.sample_rate_hz
    else:
        seconds = size / form.byte_rate
    return Sound(seconds, form.sample_rate_hz, form.channels, form.byte_rate * 8)
