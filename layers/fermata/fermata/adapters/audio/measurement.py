"""Measures audio files by their content. A provider's figures, and header fields that may be wrong, do not count."""

from pathlib import Path

from fermata.adapters.audio.adts_frames import measure_adts
from fermata.adapters.audio.flac_frames import measure_flac
from fermata.adapters.audio.lead import find_start
from fermata.adapters.audio.mp3_frames import measure_mp3
from fermata.adapters.audio.mp4.tracks import measure_mp4
from fermata.adapters.audio.ogg_streams import measure_ogg
from fermata.adapters.audio.sound import Sound
from fermata.adapters.audio.wav_chunks import measure_wav
from fermata.adapters.audio.window import ByteWindow, ReadableFile
from fermata.domain.audio.bounds import within_memory
from fermata.domain.audio.container import AAC, FLAC, M4A, MP3, WAV, Container
from fermata.errors import BadAudioError
from fermata.ports.audio import AudioFacts


class FileAudioMeter:
    """Measures audio files on disk."""

    def measure(self, path: Path) -> AudioFacts:
        """The measured facts of a file; raises as `measure_audio` does."""
        return measure_audio(path)


def measure_audio(path: Path) -> AudioFacts:
    """The facts of an MP3, WAV, FLAC, Ogg, M4A or AAC file, as a decoder plays it.

    Raises `CutAudioError` where the file is shorter than it announces, `AudioTooComplexError` where its layout takes
    more work or memory than any song's, `BadAudioError` where it is no audio, damaged or without sound. Where a header
    counts too little, the content decides. Memory does not grow with the song.

    MP3 without a Xing header, AAC, and Ogg that ends with a whole page announce no length: such a file, when cut, is
    measured as far as it goes.
    """
    with path.open("rb") as file:
        return measure_open(file, path.stat().st_size)


def measure_open(file: ReadableFile, size: int) -> AudioFacts:
    """The same of an open file of `size` bytes."""
    with within_memory():
        window = ByteWindow(file, size)
        container, start = find_start(window)
        sound = measure_sound(window, container, start)
    duration_ms = round(sound.seconds * 1000)
    bitrate_bps = sound.bitrate_bps or round(size * 8 / sound.seconds) if duration_ms else 0
    if min(duration_ms, sound.sample_rate_hz, sound.channels, bitrate_bps) < 1:
        raise BadAudioError(
            f"expected a recording, found {duration_ms} ms of sound in a {container.name} file of {size} bytes"
        )
    return AudioFacts(
        container.content_type,
        container.extension,
        size,
        duration_ms,
        sound.sample_rate_hz,
        sound.channels,
        bitrate_bps,
    )


def measure_sound(window: ByteWindow, container: Container, start: int) -> Sound:
    """The sound that a decoder plays from the container at `start`; raises as `measure_audio` does."""
    if container is MP3:
        return measure_mp3(window, start, window.size)
    if container is AAC:
        return measure_adts(window, start, window.size)
    if container is WAV:
        return measure_wav(window, start)
    if container is FLAC:
        return measure_flac(window, start)
    return measure_mp4(window, start) if container is M4A else measure_ogg(window, start)
