"""Measures what an audio file really is. A provider's own figures are never asked."""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Final

from mutagen import MutagenError, flac, ogg, oggopus, oggvorbis, wave

from fermata.adapters.flac_frames import last_sample
from fermata.adapters.mp3_frames import measure_mp3
from fermata.domain.audio_kind import FLAC, HEAD_BYTES, MP3, WAV, AudioKind, recognise_audio
from fermata.errors import BadAudioError
from fermata.ports import AudioFacts

_OPUS_RATE_HZ: Final = 48000
# RIFF, fmt and data headers without any other chunk.
_WAV_HEADER_BYTES: Final = 44
# Writers that stream a file out cannot know its size, and put in the largest number of 31 or 32 bits.
_UNKNOWN_WAV_BYTES: Final = 0x7FFFFFFF - 1024
_LONGEST_FLAC_FRAME: Final = 128 * 1024

# mutagen carries no types.
_read_wav: Final[Callable[[BinaryIO], Any]] = wave.WAVE
_read_flac: Final[Callable[[BinaryIO], Any]] = flac.FLAC
_read_opus: Final[Callable[[BinaryIO], Any]] = oggopus.OggOpus
_read_vorbis: Final[Callable[[BinaryIO], Any]] = oggvorbis.OggVorbis
_find_last_page: Final[Callable[[BinaryIO, int], Any]] = ogg.OggPage.find_last


class FileAudioMeter:
    """Measures files on disk."""

    def measure(self, path: Path) -> AudioFacts:
        """The facts of a file; raises `BadAudioError` where it is no audio, or cut."""
        return measure_audio(path)


def measure_audio(path: Path) -> AudioFacts:
    """The facts of an MP3, WAV, FLAC or Ogg file; raises `BadAudioError` where it is none of them, damaged or cut.

    Reads headers and never a whole file, so memory does not grow with the song. An MP3 without a Xing header does not
    say how long it should be: where such a file is cut, the part that can be played is measured.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        kind = recognise_audio(file.read(HEAD_BYTES), size)
        file.seek(0)
        try:
            facts = _measure(file, kind, size)
        # On damaged files mutagen raises more than its own error.
        except (MutagenError, EOFError, ValueError, IndexError, struct.error) as error:
            raise BadAudioError(
                f"expected a whole {kind.container} file, found one that cannot be read; it is cut or damaged"
            ) from error
    if min(facts.duration_ms, facts.sample_rate_hz, facts.channels, facts.bitrate_bps) < 1:
        raise BadAudioError(
            f"expected a {kind.container} file with sound in it, found {facts.duration_ms} ms; there is no song in it"
        )
    return facts


def _measure(file: BinaryIO, kind: AudioKind, size: int) -> AudioFacts:
    if kind == MP3:
        return _measure_mp3(file, size)
    if kind == WAV:
        return _measure_wav(file, size)
    if kind == FLAC:
        return _measure_flac(file, size)
    return _measure_ogg(file, kind, size)


def _measure_mp3(file: BinaryIO, size: int) -> AudioFacts:
    mp3 = measure_mp3(file, size)
    return _facts(MP3, size, mp3.samples / mp3.sample_rate_hz, mp3.sample_rate_hz, mp3.channels, mp3.bitrate_bps)


def _measure_wav(file: BinaryIO, size: int) -> AudioFacts:
    info = _read_wav(file).info
    byte_rate = info.bitrate / 8
    present = size - _WAV_HEADER_BYTES
    declared = info.length * byte_rate
    if declared >= _UNKNOWN_WAV_BYTES:
        declared = present
    if round(declared) > present:
        raise BadAudioError(
            f"expected {round(declared)} bytes of WAV samples, found at most {present}; the file is cut"
        )
    return _facts(WAV, size, declared / byte_rate if byte_rate else 0, info.sample_rate, info.channels, info.bitrate)


def _measure_flac(file: BinaryIO, size: int) -> AudioFacts:
    info = _read_flac(file).info
    file.seek(max(0, size - _LONGEST_FLAC_FRAME))
    samples = last_sample(file.read(), info.max_blocksize)
    if samples is None or samples < info.total_samples:
        raise BadAudioError(
            f"expected {info.total_samples} FLAC samples, found the file's end before them; the file is cut"
        )
    seconds = samples / info.sample_rate
    return _facts(FLAC, size, seconds, info.sample_rate, info.channels, round(size * 8 / seconds))


def _measure_ogg(file: BinaryIO, kind: AudioKind, size: int) -> AudioFacts:
    first_page = file.read(256)
    file.seek(0)
    if b"OpusHead" in first_page:
        opus = _read_opus(file).info
        seconds, rate, channels, serial = opus.length, _OPUS_RATE_HZ, opus.channels, opus.serial
    else:
        vorbis = _read_vorbis(file).info
        seconds, rate, channels, serial = vorbis.length, vorbis.sample_rate, vorbis.channels, vorbis.serial
    last = _find_last_page(file, serial)
    if last is None or not last.last:
        raise BadAudioError("expected the last page of an Ogg stream, found the file's end before it; the file is cut")
    return _facts(kind, size, seconds, rate, channels, round(size * 8 / seconds) if seconds else 0)


def _facts(
    kind: AudioKind, size: int, seconds: float, sample_rate_hz: int, channels: int, bitrate_bps: int
) -> AudioFacts:
    return AudioFacts(
        kind.content_type, kind.extension, size, round(seconds * 1000), sample_rate_hz, channels, bitrate_bps
    )
