"""True peak: the highest level between the samples too, found by four times oversampling (ITU-R BS.1770-4, annex 2)."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

_OVERSAMPLING: Final = 4
_TAPS: Final = 24
"""Samples that each interpolated value is made of."""
_OUTPUTS: Final = 16
"""Positions that one row of the product interpolates after; the fastest of those tried."""


class TruePeak:
    """The true peak of consecutive blocks, channels first."""

    def __init__(self, channels: int) -> None:
        self._kernel = _kernel()
        self._rest = np.zeros((channels, _TAPS - 1), np.float32)
        self._highest = 0.0

    def add(self, block: NDArray[np.float32]) -> None:
        """Measure one block of any length."""
        self._highest = max(self._highest, float(np.abs(block).max(initial=0.0)))
        samples = np.concatenate((self._rest, block), axis=1)
        rows = (samples.shape[1] - _TAPS + 1) // _OUTPUTS
        self._rest = samples[:, rows * _OUTPUTS :]
        for channel in samples:
            windows = np.lib.stride_tricks.sliding_window_view(channel, _OUTPUTS + _TAPS - 1)[::_OUTPUTS][:rows]
            between = windows @ self._kernel
            self._highest = max(self._highest, float(np.abs(between).max(initial=0.0)))

    def dbtp(self) -> float | None:
        """The peak in dB below full scale, after silence at the end; None for digital silence. Adds no more blocks."""
        self.add(np.zeros((len(self._rest), _TAPS + _OUTPUTS), np.float32))
        return 20 * math.log10(self._highest) if self._highest > 0 else None


def _kernel() -> NDArray[np.float32]:
    """A matrix from `_OUTPUTS + _TAPS - 1` samples to the values at a quarter, a half and three quarters after
    `_OUTPUTS` of them, by a sinc under a Hann window.
    """
    kernel = np.zeros((_OUTPUTS + _TAPS - 1, (_OVERSAMPLING - 1) * _OUTPUTS))
    taps = np.arange(_TAPS) - (_TAPS // 2 - 1)
    for phase in range(1, _OVERSAMPLING):
        distance = taps - phase / _OVERSAMPLING
        weights = np.sinc(distance) * np.cos(np.pi * distance / _TAPS) ** 2
        weights /= weights.sum()
        for output in range(_OUTPUTS):
            kernel[output : output + _TAPS, (phase - 1) * _OUTPUTS + output] = weights
    return kernel.astype(np.float32)
