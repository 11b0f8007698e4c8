"""Decodes a song in blocks and measures each, so that its length does not matter for the memory.

libsndfile decodes MP3, WAV, FLAC and Ogg (Vorbis, Opus, FLAC), not the AAC of M4A.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
from numpy.typing import NDArray

from fermata.adapters.loudness.integrated import MOST_CHANNELS, IntegratedLoudness
from fermata.adapters.loudness.playable import playable
from fermata.adapters.loudness.true_peak import TruePeak
from fermata.adapters.loudness.waveform import Waveform
from fermata.domain.audio.sound import Unmeasured
from fermata.errors import BadAudioError
from fermata.ports.sound import Sound

LONGEST_S: Final = 4 * 3600
"""The longest song that is measured."""
_SHORTEST_SHARE: Final = 0.98
"""The decoder may leave out the padding of MP3 encoders and single broken frames."""
_PADDING_MS: Final = 500
_RATES_HZ: Final = range(4_000, 384_001)


class SndfileSoundMeter:
    """`SoundMeter` over libsndfile and numpy. `clock` is in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock

    def measure(self, path: Path, duration_ms: int, within_s: float) -> Sound | Unmeasured:
        """Measure a song that is known to last `duration_ms`."""
        until = self._clock() + within_s
        try:
            with path.open("rb") as file:
                sound = playable(file, path.stat().st_size)
                if sound is None:
                    return Unmeasured.NOT_DECODED
                with soundfile.SoundFile(sound) as song:
                    return self._measured(song, duration_ms, until)
        except (BadAudioError, soundfile.LibsndfileError):
            return Unmeasured.UNDECODABLE

    def _measured(self, song: soundfile.SoundFile, duration_ms: int, until: float) -> Sound | Unmeasured:
        if song.channels > MOST_CHANNELS or song.samplerate not in _RATES_HZ:
            return Unmeasured.UNUSUAL_FORMAT
        loudness = IntegratedLoudness(song.samplerate, song.channels)
        peak, waveform = TruePeak(song.channels), Waveform()
        frames = 0
        for block in _blocks(song, loudness.block):
            frames += block.shape[1]
            if frames > LONGEST_S * song.samplerate or self._clock() > until:
                return Unmeasured.TOO_LONG
            if not np.isfinite(block).all():
                return Unmeasured.UNDECODABLE
            for part in (loudness, peak, waveform):
                part.add(block)
        if frames * 1000 / song.samplerate < duration_ms * _SHORTEST_SHARE - _PADDING_MS:
            return Unmeasured.CUT
        return Sound(waveform.as_json(song.samplerate), _rounded(loudness.lufs()), _rounded(peak.dbtp()))


def _blocks(song: soundfile.SoundFile, frames: int) -> Iterator[NDArray[np.float32]]:
    """The decoded samples, channels first, in blocks of `frames`; the last one may be shorter."""
    buffer = np.empty((frames, song.channels), np.float32)
    while len(block := song.read(out=buffer)):
        yield np.ascontiguousarray(block.T)
        if len(block) < frames:
            return


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
