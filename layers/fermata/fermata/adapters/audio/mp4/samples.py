"""Sums an MP4 track's sample tables (ISO 14496-12, sections 8.6 to 8.8) without loading a whole table."""

import sys
from array import array
from collections.abc import Iterator
from operator import mul
from typing import Final

from fermata.adapters.audio.mp4.boxes import Box
from fermata.adapters.audio.window import BLOCK_BYTES, ByteWindow

_VERSION_AND_FLAGS: Final = 4
_WORD: Final = 4
# The optional words of a sample in a run, in their order: duration, size, flags, time of composition.
_DURATION, _SIZE = 0x100, 0x200
_PER_SAMPLE: Final = (_DURATION, _SIZE, 0x400, 0x800)
_DATA_OFFSET, _FIRST_FLAGS = 0x01, 0x04


def total_duration(window: ByteWindow, stts: Box) -> int:
    """The total duration of a track's samples, in its time unit."""
    entries = window.number(stts.at + _VERSION_AND_FLAGS, 4)
    total = 0
    for words in _rows(window, stts, stts.at + 8, entries, 2):
        total += sum(map(mul, words[::2], words[1::2]))
    return total


def total_size(window: ByteWindow, stsz: Box) -> int:
    """The total size of a track's samples in bytes."""
    same, count = window.number(stsz.at + _VERSION_AND_FLAGS, 4), window.number(stsz.at + 8, 4)
    if same:
        return same * count
    return sum(sum(words) for words in _rows(window, stsz, stsz.at + 12, count, 1))


def run_totals(window: ByteWindow, trun: Box, default_duration: int) -> int:
    """The total duration of the samples in one run of a fragment, in the track's time unit."""
    flags, count = window.number(trun.at + 1, 3), window.number(trun.at + _VERSION_AND_FLAGS, 4)
    width = sum(bool(flags & bit) for bit in _PER_SAMPLE)
    if not flags & _DURATION:
        return count * default_duration
    at = trun.at + 8 + _WORD * (bool(flags & _DATA_OFFSET) + bool(flags & _FIRST_FLAGS))
    return sum(sum(words[::width]) for words in _rows(window, trun, at, count, width))


def _rows(window: ByteWindow, box: Box, at: int, count: int, width: int) -> Iterator["array[int]"]:
    """The words of a table with `count` rows of `width` words, many rows at a time, as far as the box holds them."""
    row = width * _WORD
    end, step = min(box.end, at + count * row), BLOCK_BYTES // row * row
    for place in range(at, end, step):
        chunk = window.read(place, min(step, end - place))
        words = array("I", chunk[: len(chunk) // row * row])
        if sys.byteorder == "little":
            words.byteswap()
        yield words
