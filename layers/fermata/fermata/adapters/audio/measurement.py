"""Measures what an audio file really is. A provider's own figures are never asked, nor what its headers cannot know."""

from pathlib import Path

from fermata.adapters.audio.adts_frames import measure_adts
from fermata.adapters.audio.flac_frames import measure_flac
from fermata.adapters.audio.lead import find_start
from fermata.adapters.audio.mp3_frames import measure_mp3
from fermata.adapters.audio.mp4.tracks import measure_mp4
from fermata.adapters.audio.ogg_streams import measure_ogg
from fermata.adapters.audio.sound import Sound
from fermata.adapters.audio.wav_chunks import measure_wav
from fermata.adapters.audio.window import ByteWindow
from fermata.domain.audio.bounds import within_memory
from fermata.domain.audio.container import AAC, FLAC, M4A, MP3, WAV, Container
from fermata.errors import BadAudioError
from fermata.ports.audio import AudioFacts


class FileAudioMeter:
    """Measures files on disk."""

    def measure(self, path: Path) -> AudioFacts:
        """The facts of a file; raises `BadAudioError` where it is no audio, `CutAudioError` where it is cut, and
        `AudioTooComplexError` where finding that out takes too much work or memory.
        """
        return measure_audio(path)


def measure_audio(path: Path) -> AudioFacts:
    """The facts of an MP3, WAV, FLAC, Ogg, M4A or AAC file: what a decoder plays of it.

    Raises `CutAudioError` where the file is shorter than it says itself, `AudioTooComplexError` where its layout takes
    more work or memory than any song's, `BadAudioError` where it is no audio, damaged or without a sound. Headers that
    count wrong give way to what is there. Memory does not grow with the song. MP3 without a Xing header, AAC, and Ogg
    that ends with a whole page do not say how long they should be: where such a file is cut, the part that can be
    played is measured.
    """
    size = path.stat().st_size
    with path.open("rb") as file, within_memory():
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
    """What a decoder plays of the container that begins at `start`; raises as `measure_audio` does."""
    if container is MP3:
        return measure_mp3(window, start, window.size)
    if container is AAC:
        return measure_adts(window, start, window.size)
    if container is WAV:
        return measure_wav(window, start)
    if container is FLAC:
        return measure_flac(window, start)
    return measure_mp4(window, start) if container is M4A else measure_ogg(window, start)
