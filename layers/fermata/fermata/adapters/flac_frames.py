"""Finds the last frame of a FLAC file: its header says how long the song should be, and not whether all of it is there.

The layout of frames is RFC 9639, section 9.
"""

import re
from typing import Final

_SYNC: Final = re.compile(rb"(?=\xff[\xf8\xf9])")
_CRC_BYTES: Final = 2
_ID3V1_BYTES: Final = 128
# A whole file's last frame opens at one of its last sync marks; a damaged one must not be searched for hours.
_MARKS_TO_TRY: Final = 32


def last_sample(tail: bytes, blocksize: int) -> int | None:
    """How many samples per channel there are up to the file's end, or None where it does not end with a whole frame.

    `tail` holds at least the whole last frame; `blocksize` is that of a stream with a fixed one.
    """
    if tail[-_ID3V1_BYTES:].startswith(b"TAG"):
        tail = tail[:-_ID3V1_BYTES]
    checksum = int.from_bytes(tail[-_CRC_BYTES:], "big")
    marks = [sync.start() for sync in _SYNC.finditer(tail)]
    for start in reversed(marks[-_MARKS_TO_TRY:]):
        frame = tail[start:-_CRC_BYTES]
        if _crc_16(frame) == checksum:
            return _end_of(frame, blocksize)
    return None


def _end_of(frame: bytes, blocksize: int) -> int:
    number, at = _read_number(frame, 4)
    samples = _read_blocksize(frame, at)
    is_variable = frame[1] & 1
    return (number if is_variable else number * blocksize) + samples


def _read_number(frame: bytes, at: int) -> tuple[int, int]:
    """The coded number, which is UTF-8 stretched to seven bytes, and where it ends."""
    first = frame[at]
    if first < 0x80:
        return first, at + 1
    length = 8 - (first ^ 0xFF).bit_length()
    number = first & (0x7F >> length)
    for byte in frame[at + 1 : at + length]:
        number = number << 6 | byte & 0x3F
    return number, at + length


def _read_blocksize(frame: bytes, at: int) -> int:
    code = frame[2] >> 4
    if code in (6, 7):
        return int.from_bytes(frame[at : at + code - 5], "big") + 1
    if code == 1:
        return 192
    return 576 << code - 2 if code < 6 else 256 << code - 8


def _crc_16(octets: bytes) -> int:
    crc = 0
    for octet in octets:
        crc = (crc << 8 & 0xFFFF) ^ _CRC_TABLE[crc >> 8 ^ octet]
    return crc


def _crc_entry(octet: int) -> int:
    crc = octet << 8
    for _ in range(8):
        crc = (crc << 1 ^ 0x8005 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


_CRC_TABLE: Final = tuple(_crc_entry(octet) for octet in range(256))
