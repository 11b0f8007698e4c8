"""The K-weighting filter of ITU-R BS.1770-4 for any sample rate, as a convolution in the frequency domain.

numpy has no recursive filter. The filter's response is over after 100 ms: what is cut off lies 150 dB below the signal.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

_SHELF: Final = (1681.974450955533, 3.999843853973347, 0.7071752369554196, 0.4996667741545416)
_HIGH_PASS: Final = (38.13547087602444, 0.5003270373238773)
_HOPS_AT_LEAST: Final = 5


def coefficients(sample_rate_hz: int) -> tuple[tuple[list[float], list[float]], ...]:
    """Numerator and denominator of both stages. At 48 kHz they are the tables 1 and 2 of BS.1770-4; for other rates the
    analogue filters behind the tables are transformed (R. Mansbridge et al., AES 132, 2012).
    """
    frequency, gain_db, q, exponent = _SHELF
    k = math.tan(math.pi * frequency / sample_rate_hz)
    high = 10 ** (gain_db / 20)
    band, norm = high**exponent, 1 + k / q + k * k
    shelf = (
        [(high + band * k / q + k * k) / norm, 2 * (k * k - high) / norm, (high - band * k / q + k * k) / norm],
        [1.0, 2 * (k * k - 1) / norm, (1 - k / q + k * k) / norm],
    )
    frequency, q = _HIGH_PASS
    k = math.tan(math.pi * frequency / sample_rate_hz)
    norm = 1 + k / q + k * k
    return shelf, ([1.0, -2.0, 1.0], [1.0, 2 * (k * k - 1) / norm, (1 - k / q + k * k) / norm])


class KWeighting:
    """Filters consecutive blocks of `block` frames, a whole number of `hop` frames (100 ms)."""

    def __init__(self, sample_rate_hz: int, channels: int) -> None:
        self.hop: Final = max(1, round(sample_rate_hz / 10))
        self._size = 1 << math.ceil(math.log2(_HOPS_AT_LEAST * self.hop))
        self.block: Final = (self._size // self.hop - 1) * self.hop
        self._response = np.fft.rfft(_impulse_response(sample_rate_hz, self.hop), self._size)
        self._window = np.zeros((channels, self.hop + self.block))

    def filtered(self, block: NDArray[np.float32]) -> NDArray[np.float64]:
        """The filtered block, channels first; `block` has the same form, and only the last one may be shorter."""
        frames = block.shape[1]
        window = self._window
        window[:, : self.hop] = window[:, -self.hop :]
        window[:, self.hop : self.hop + frames] = block
        window[:, self.hop + frames :] = 0
        spectrum = np.fft.rfft(window, self._size) * self._response
        filtered: NDArray[np.float64] = np.fft.irfft(spectrum, self._size)
        return filtered[:, self.hop : self.hop + frames]


def _impulse_response(sample_rate_hz: int, length: int) -> NDArray[np.float64]:
    size = 1 << math.ceil(math.log2(20 * length))
    turn = np.exp(-2j * np.pi * np.arange(size // 2 + 1) / size)
    response = np.ones(size // 2 + 1, np.complex128)
    for numerator, denominator in coefficients(sample_rate_hz):
        response *= np.polyval(numerator[::-1], turn) / np.polyval(denominator[::-1], turn)
    # One tap less than the window holds before a block.
    return np.fft.irfft(response, size)[:length]
