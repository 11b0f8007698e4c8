"""Composes a small tune of a given length, determined by a seed."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

CHANNELS: Final = 2
_PENTATONIC: Final = np.array([0, 2, 4, 7, 9, 12, 14, 16])
_PEAK: Final = 0.7 * 32767
_FADE_S: Final = 0.25

Samples = NDArray[np.float32]


def compose(seed: int, seconds: float, rate_hz: int) -> NDArray[np.int16]:
    """Interleavable stereo samples, shape (frames, 2): a plucked melody over a bass."""
    random = np.random.default_rng(seed)
    time = np.arange(int(seconds * rate_hz)) / rate_hz
    fade_out = np.minimum(1.0, (seconds - time) / _FADE_S).astype(np.float32)
    root_hz, note_s = 196.0 * 2 ** (random.integers(0, 12) / 12), random.uniform(0.22, 0.42)
    notes = int(seconds / note_s) + 1
    melody = _voice(_walk(random, notes), root_hz, time, note_s, brightness=0.45)
    bass = _voice(_walk(random, notes // 4 + 1), root_hz / 2, time, note_s * 4, brightness=0.15)
    pan = float(random.uniform(0.3, 0.7))
    stereo = np.stack([melody * pan + bass * 0.5, melody * (1 - pan) + bass * 0.5], axis=1)
    stereo *= fade_out[:, np.newaxis] * (_PEAK / float(np.abs(stereo).max()))
    return stereo.astype("<i2")


def _walk(random: np.random.Generator, notes: int) -> NDArray[np.int64]:
    """Degrees of the scale: steps rather than leaps."""
    steps = np.cumsum(random.integers(-2, 3, notes)) + random.integers(0, len(_PENTATONIC))
    return np.asarray(_PENTATONIC[np.abs(steps) % len(_PENTATONIC)])


def _voice(
    degrees: NDArray[np.int64], root_hz: float, time: NDArray[np.float64], note_s: float, *, brightness: float
) -> Samples:
    position = time / note_s
    note = position.astype(np.int64)
    since = (position - note).astype(np.float32)
    radians_per_note = (2 * np.pi * root_hz * note_s * 2.0 ** (degrees / 12)).astype(np.float32)
    fundamental = np.sin(radians_per_note[note] * since)
    # sin + b * sin^2 is the fundamental with an octave above it, for one sine instead of two.
    tone: Samples = fundamental * (1 + brightness * fundamental)
    tone *= np.minimum(1.0, since * 30) * np.exp(-2.5 * since) * np.minimum(1.0, (1 - since) * 20)
    return tone
