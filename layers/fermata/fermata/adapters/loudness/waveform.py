"""Peaks of a waveform in audiowaveform's JSON, version 2, which wavesurfer and peaks.js read."""

import json
from typing import Final

import numpy as np
from numpy.typing import NDArray

MOST_PIXELS: Final = 16_384
"""The most pixels of a waveform, whatever it lasts: its JSON has less than 150 KB."""
_FIRST_SAMPLES_PER_PIXEL: Final = 256
_FULL_SCALE: Final = 128


class Waveform:
    """Minimum and maximum of each pixel, over the mean of all channels. A pixel has 256 samples, and twice as many
    whenever the pixels become too many, so the length need not be known before.
    """

    def __init__(self) -> None:
        self.samples_per_pixel = _FIRST_SAMPLES_PER_PIXEL
        self._low = np.zeros(MOST_PIXELS, np.float32)
        self._high = np.zeros(MOST_PIXELS, np.float32)
        self._length = 0
        self._rest = np.zeros(0, np.float32)

    def add(self, block: NDArray[np.float32]) -> None:
        """Take one block of any length, channels first."""
        samples = np.concatenate((self._rest, block.mean(axis=0)))
        while whole := min(len(samples) // self.samples_per_pixel, MOST_PIXELS - self._length):
            used = whole * self.samples_per_pixel
            pixels = samples[:used].reshape(whole, self.samples_per_pixel)
            self._low[self._length : self._length + whole] = pixels.min(axis=1)
            self._high[self._length : self._length + whole] = pixels.max(axis=1)
            self._length += whole
            samples = samples[used:]
            if self._length == MOST_PIXELS:
                self._halve()
        self._rest = samples

    def as_json(self, sample_rate_hz: int) -> bytes:
        """The waveform with 8 bits a value, of one channel; the last pixel may have fewer samples."""
        low, high = self._low[: self._length], self._high[: self._length]
        if len(self._rest):
            low, high = np.append(low, self._rest.min()), np.append(high, self._rest.max())
        values = np.stack((low, high), axis=1) * _FULL_SCALE
        data = np.clip(np.trunc(values), -_FULL_SCALE, _FULL_SCALE - 1).astype(np.int8).ravel()
        waveform = {
            "version": 2,
            "channels": 1,
            "sample_rate": sample_rate_hz,
            "samples_per_pixel": self.samples_per_pixel,
            "bits": 8,
            "length": len(low),
            "data": data.tolist(),
        }
        return json.dumps(waveform, separators=(",", ":")).encode()

    def _halve(self) -> None:
        self._length //= 2
        self._low[: self._length] = self._low.reshape(-1, 2).min(axis=1)
        self._high[: self._length] = self._high.reshape(-1, 2).max(axis=1)
        self.samples_per_pixel *= 2
