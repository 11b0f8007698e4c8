"""Reads the rate and channels of an MP4 track from its sample entry (ISO 14496-12, 8.5.2), and for AAC from the decoder
configuration in it (ISO 14496-1, 7.2.6; ISO 14496-3, 1.6.2), because many writers always put two channels in the entry.
"""

from typing import Final

from fermata.adapters.audio.adts_frames import CHANNELS, RATES_HZ
from fermata.adapters.audio.mp4.boxes import Box, BoxReader

_DESCRIPTIONS_AT: Final = 8
_ENTRY_BYTES: Final = 28
_ES, _DECODER, _CONFIGURATION = 3, 4, 5
_LONGEST_CONFIGURATION: Final = 256
# AAC that plays at another rate than it is coded in (SBR), or in stereo though coded in mono (PS).
_SBR, _PS = 5, 29
_RATE_IN_FULL: Final = 15
_KIND_IN_FULL: Final = 31


def read_sound_of_track(reader: BoxReader, stsd: Box) -> tuple[int, int]:
    """The rate in Hz and the channels of a track, 0 where the file does not state them."""
    entry = next(reader.inside(stsd, _DESCRIPTIONS_AT), None)
    if entry is None:
        return 0, 0
    channels, rate = reader.window.number(entry.at + 16, 2), reader.window.number(entry.at + 24, 4) >> 16
    esds = next((each for each in reader.inside(entry, _ENTRY_BYTES) if each.name == b"esds"), None)
    if esds is None:
        return rate, channels
    own_rate, own_channels = _read_esds(reader.window.read(esds.at, min(esds.end - esds.at, _LONGEST_CONFIGURATION)))
    return own_rate or rate, own_channels or channels


def _read_esds(esds: bytes) -> tuple[int, int]:
    """The rate in Hz and the channels of AAC, 0 where they are missing."""
    at = 4
    for tag in (_ES, _DECODER, _CONFIGURATION):
        if esds[at : at + 1] != bytes([tag]):
            return 0, 0
        at += 1
        # A length of up to four bytes; the first bit of each marks that another one follows.
        while esds[at : at + 1] >= b"\x80":
            at += 1
        at += 1 + {_ES: 3, _DECODER: 13, _CONFIGURATION: 0}[tag]
    return _read_configuration(esds[at : at + 16])


def _read_configuration(octets: bytes) -> tuple[int, int]:
    bits = f"{int.from_bytes(octets.ljust(16, bytes(1)), 'big'):0128b}"
    kind, at = int(bits[:5], 2), 5
    if kind == _KIND_IN_FULL:
        kind, at = 32 + int(bits[at : at + 6], 2), at + 6
    rate, at = _read_rate(bits, at)
    channel_code, at = int(bits[at : at + 4], 2), at + 4
    if kind in (_SBR, _PS):
        rate, _ = _read_rate(bits, at)
    if kind == _PS:
        return rate, 2
    return rate, CHANNELS[channel_code] if 0 < channel_code < len(CHANNELS) else 0


def _read_rate(bits: str, at: int) -> tuple[int, int]:
    index, at = int(bits[at : at + 4], 2), at + 4
    if index == _RATE_IN_FULL:
        return int(bits[at : at + 24], 2), at + 24
    return RATES_HZ[index] if index < len(RATES_HZ) else 0, at
