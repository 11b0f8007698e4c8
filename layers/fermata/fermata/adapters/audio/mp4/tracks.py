"""Measures MP4 files (M4A), whole or in fragments, with AAC, ALAC or any other coding (ISO 14496-12). The sample tables
give the length; their sizes show whether the file is complete.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from fermata.adapters.audio.mp4.boxes import Box, BoxReader
from fermata.adapters.audio.mp4.codecs import read_sound_of_track
from fermata.adapters.audio.mp4.samples import run_totals, total_duration, total_size
from fermata.adapters.audio.sound import Sound, check_whole, cut, damaged, is_placeholder
from fermata.adapters.audio.window import ByteWindow

_VERSION_AND_FLAGS: Final = 4
# Flags of a fragment's track header for optional words before the duration, with their sizes in bytes.
_TFHD_BEFORE_DURATION: Final = ((0x01, 8), (0x02, 4))
_TFHD_DURATION: Final = 0x08
_MOST_EDITS: Final = 1000


@dataclass
class _Track:
    """The sound track. `duration` and `default_duration` are in its time unit, `units_per_second`."""

    number: int
    units_per_second: int
    sample_rate_hz: int
    channels: int
    duration: int
    sample_bytes: int
    default_duration: int


def measure_mp4(window: ByteWindow, start: int) -> Sound:
    """The sound that a decoder plays from the MP4 file at `start`: its first sound track, without the parts that its
    edit list skips.

    Where the media size is a placeholder, the present bytes count. Raises `CutAudioError` where samples or the index
    are missing, `BadAudioError` where the file is damaged.
    """
    reader = BoxReader(window)
    moov, track, media_bytes, fragmented = None, None, 0, False
    for box in reader.between(start, window.size):
        _check_end(box, window.size, fragmented)
        if box.name == b"moov" and moov is None:
            moov, track = box, _sound_track(reader, box)
        elif box.name == b"mdat":
            media_bytes += box.end - box.at
        elif box.name == b"moof" and track is not None:
            fragmented = True
            track.duration += _fragment_duration(reader, box, track)
    if moov is None:
        raise cut("found the end of the M4A file before its index")
    if track is None or not track.duration:
        raise damaged("M4A", "found no sound in it")
    check_whole(track.sample_bytes, media_bytes, "bytes of sound")
    seconds = _played_seconds(reader, moov, track)
    return Sound(seconds, track.sample_rate_hz, track.channels)


def _check_end(box: Box, size: int, fragmented: bool) -> None:
    """Raise `CutAudioError` where the file ends within a required box. The total of a fragmented file is unknown, so
    there no fragment may be incomplete.
    """
    if box.announced_end <= size or box.name not in (b"moov", b"moof", b"mdat"):
        return
    if box.name == b"mdat" and not fragmented:
        check_whole(box.announced_end - box.at, size - box.at, "bytes of sound")
    elif not is_placeholder(box.announced_end - box.at):
        raise cut("found the end of the M4A file within one of its parts")


def _sound_track(reader: BoxReader, moov: Box) -> _Track | None:
    for trak in reader.inside(moov):
        handler = reader.child(trak, b"mdia", b"hdlr") if trak.name == b"trak" else None
        if handler is not None and reader.window.read(handler.at + 8, 4) == b"soun":
            return _read_track(reader, moov, trak)
    return None


def _read_track(reader: BoxReader, moov: Box, trak: Box) -> _Track:
    window = reader.window
    mdhd, table = reader.child(trak, b"mdia", b"mdhd"), reader.child(trak, b"mdia", b"minf", b"stbl")
    stts, stsz, stsd = (reader.child(table, name) for name in (b"stts", b"stsz", b"stsd"))
    units = 0 if mdhd is None else _units_per_second(window, mdhd)
    rate, channels = (0, 0) if stsd is None else read_sound_of_track(reader, stsd)
    if not units or not channels:
        raise damaged("M4A", "found no description of its sound")
    number = _track_number(reader, trak)
    return _Track(
        number=number,
        units_per_second=units,
        # A rate of 64 kHz and more does not fit its field; the time unit then equals the rate.
        sample_rate_hz=rate or units,
        channels=channels,
        duration=0 if stts is None else total_duration(window, stts),
        sample_bytes=0 if stsz is None else total_size(window, stsz),
        default_duration=_default_duration(reader, moov, number),
    )


def _track_number(reader: BoxReader, trak: Box) -> int:
    tkhd = reader.child(trak, b"tkhd")
    if tkhd is None:
        return 0
    is_wide = reader.window.number(tkhd.at, 1)
    return reader.window.number(tkhd.at + (20 if is_wide else 12), 4)


def _units_per_second(window: ByteWindow, header: Box) -> int:
    """The time unit of an mdhd or mvhd box."""
    is_wide = window.number(header.at, 1)
    return window.number(header.at + (20 if is_wide else 12), 4)


def _default_duration(reader: BoxReader, moov: Box, number: int) -> int:
    """The duration of a fragment's samples where the fragment does not state it."""
    mvex = reader.child(moov, b"mvex")
    for trex in reader.inside(mvex) if mvex else ():
        if trex.name == b"trex" and reader.window.number(trex.at + _VERSION_AND_FLAGS, 4) == number:
            return reader.window.number(trex.at + 12, 4)
    return 0


def _fragment_duration(reader: BoxReader, moof: Box, track: _Track) -> int:
    total = 0
    for traf in reader.inside(moof):
        tfhd = reader.child(traf, b"tfhd") if traf.name == b"traf" else None
        if tfhd is None or reader.window.number(tfhd.at + _VERSION_AND_FLAGS, 4) != track.number:
            continue
        default = _fragment_default(reader.window, tfhd, track)
        runs = (each for each in reader.inside(traf) if each.name == b"trun")
        total += sum(run_totals(reader.window, run, default) for run in runs)
    return total


def _fragment_default(window: ByteWindow, tfhd: Box, track: _Track) -> int:
    flags = window.number(tfhd.at + 1, 3)
    if not flags & _TFHD_DURATION:
        return track.default_duration
    return window.number(tfhd.at + 8 + sum(width for bit, width in _TFHD_BEFORE_DURATION if flags & bit), 4)


def _played_seconds(reader: BoxReader, moov: Box, track: _Track) -> float:
    """The track's length in seconds, without the parts that its edit list skips, and at most the length of its
    samples.
    """
    seconds = track.duration / track.units_per_second
    mvhd = reader.child(moov, b"mvhd")
    units = 0 if mvhd is None else _units_per_second(reader.window, mvhd)
    edits = list(_edits(reader, moov, track.number))
    if not edits or not units:
        return seconds
    skipped = max(0.0, seconds - edits[0][1] / track.units_per_second)
    played = sum(duration for duration, _ in edits) / units
    # A duration of zero means all that follows.
    return min(played, seconds) if played else skipped


def _edits(reader: BoxReader, moov: Box, number: int) -> Iterator[tuple[int, int]]:
    """The played parts of the track: duration in the movie's time unit, and start in the track's."""
    trak = next((each for each in reader.inside(moov) if _track_number(reader, each) == number), None)
    elst = reader.child(trak, b"edts", b"elst")
    if elst is None:
        return
    window, width = reader.window, 8 if reader.window.number(elst.at, 1) else 4
    empty = (1 << 8 * width) - 1
    count = min(window.number(elst.at + _VERSION_AND_FLAGS, 4), _MOST_EDITS)
    for at in range(elst.at + 8, min(elst.end, elst.at + 8 + count * (2 * width + 4)), 2 * width + 4):
        duration, begins = window.number(at, width), window.number(at + width, width)
        if begins != empty:
            yield duration, begins
