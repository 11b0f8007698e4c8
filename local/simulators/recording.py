"""Composes and encodes songs as audio files, and caches them for equal requests."""

import io
import wave
from collections import OrderedDict
from concurrent.futures import Future
from dataclasses import dataclass
from hashlib import sha256
from math import ceil
from threading import Lock
from typing import Final, Literal

import lameenc

from local.simulators.tune import CHANNELS, compose

Container = Literal["mp3", "wav", "pcm"]
SHORTEST_S: Final = 4.0
LINE_S: Final = 1.0
LONGEST_S: Final = 60.0
CHARACTERS_A_SECOND: Final = 15
SHORTEST_SPEECH_S: Final = 1.0
LONGEST_PIECE_S: Final = 20.0
"""Longer speech repeats an encoded piece, because its length is what matters."""
_BITS: Final = 16
_CONTENT_TYPES: Final = {"mp3": "audio/mpeg", "wav": "audio/wav", "pcm": "application/octet-stream"}
# MPEG-1 layer III starts at 32 kHz; the lower rates belong to MPEG-2, which ends at 160 kbit/s.
_MPEG1_FROM_HZ: Final = 32000
_MPEG2_HIGHEST_BPS: Final = 160000


@dataclass(frozen=True)
class Song:
    """The inputs that determine every byte of an audio file. Speech is a tune as long as its text, the `prompt`."""

    prompt: str
    lyrics: str = ""
    container: Container = "mp3"
    sample_rate_hz: int = 44100
    bitrate_bps: int = 256000
    is_speech: bool = False
    ordered_s: float | None = None
    channels: int = CHANNELS

    @property
    def seconds(self) -> float:
        """The ordered length, if any; otherwise it grows with the text of a speech, and with the lines of lyrics, not
        counting section tags.
        """
        if self.ordered_s is not None:
            return self.ordered_s
        if self.is_speech:
            return max(SHORTEST_SPEECH_S, len(self.prompt) / CHARACTERS_A_SECOND)
        lines = [line for line in self.lyrics.splitlines() if line.strip() and not line.strip().startswith("[")]
        return min(LONGEST_S, SHORTEST_S + LINE_S * len(lines))

    @property
    def content_type(self) -> str:
        """The media type of the file."""
        return _CONTENT_TYPES[self.container]


@dataclass(frozen=True)
class Recording:
    """An audio file with its true figures."""

    content: bytes
    duration_ms: int
    sample_rate_hz: int
    bitrate_bps: int
    channels: int


def record(song: Song) -> Recording:
    """Compose and encode `song`."""
    seed = int.from_bytes(sha256(f"{song.prompt}\0{song.lyrics}".encode()).digest()[:8])
    pieces = ceil(song.seconds / LONGEST_PIECE_S) if song.is_speech or song.ordered_s is not None else 1
    stereo = compose(seed, song.seconds / pieces, song.sample_rate_hz)
    pcm = stereo.tobytes() if song.channels == CHANNELS else stereo.mean(axis=1).astype("<i2").tobytes()
    if song.container == "mp3":
        return _mp3(pcm, song, pieces)
    pcm *= pieces
    content = _wav(pcm, song) if song.container == "wav" else pcm
    bitrate = song.sample_rate_hz * _BITS * song.channels
    return Recording(content, round(len(pcm) * 8000 / bitrate), song.sample_rate_hz, bitrate, song.channels)


def _mp3(pcm: bytes, song: Song, pieces: int) -> Recording:
    bitrate = song.bitrate_bps if song.sample_rate_hz >= _MPEG1_FROM_HZ else min(song.bitrate_bps, _MPEG2_HIGHEST_BPS)
    encoder = lameenc.Encoder()
    encoder.silence()
    encoder.set_channels(song.channels)
    encoder.set_bit_rate(bitrate // 1000)
    encoder.set_in_sample_rate(song.sample_rate_hz)
    encoder.set_out_sample_rate(song.sample_rate_hz)
    encoder.set_quality(7)
    content = (bytes(encoder.encode(pcm)) + bytes(encoder.flush())) * pieces
    # At a constant rate and without tags, the size gives the decoded length, padding included.
    return Recording(content, round(len(content) * 8000 / bitrate), song.sample_rate_hz, bitrate, song.channels)


def _wav(pcm: bytes, song: Song) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setnchannels(song.channels)
        wav.setsampwidth(_BITS // 8)
        wav.setframerate(song.sample_rate_hz)
        wav.writeframes(pcm)
    return file.getvalue()


class Recordings:
    """A cache of recordings by song; concurrent equal requests encode the song once."""

    def __init__(self, max_bytes: int = 64 * 1024 * 1024) -> None:
        """At most `max_bytes` of audio are kept, but always the newest recording."""
        self._max_bytes = max_bytes
        self._lock = Lock()
        self._kept: OrderedDict[Song, Future[Recording]] = OrderedDict()

    def of(self, song: Song) -> Recording:
        """The recording of `song`, encoded if it is not cached."""
        with self._lock:
            kept = self._kept.get(song)
            first = kept is None
            if kept is None:
                kept = self._kept[song] = Future()
            self._kept.move_to_end(song)
        if first:
            self._make(song, kept)
        return kept.result()

    def _make(self, song: Song, promised: Future[Recording]) -> None:
        try:
            promised.set_result(record(song))
        except BaseException as error:
            promised.set_exception(error)
            with self._lock:
                del self._kept[song]
            raise
        self._drop_oldest()

    def _drop_oldest(self) -> None:
        with self._lock:
            done = [(song, kept) for song, kept in self._kept.items() if kept.done()]
            size = sum(len(kept.result().content) for _, kept in done)
            for song, _ in done[:-1]:
                if size <= self._max_bytes:
                    break
                size -= len(self._kept.pop(song).result().content)
