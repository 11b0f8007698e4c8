"""Integrated loudness: EBU R 128, with the gates of ITU-R BS.1770-4."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fermata.adapters.loudness.k_weighting import KWeighting

_SURROUND: Final = 1.41
_WEIGHTS: Final = {
    1: (1.0,),
    2: (1.0, 1.0),
    3: (1.0, 1.0, 1.0),
    4: (1.0, 1.0, _SURROUND, _SURROUND),
    5: (1.0, 1.0, 1.0, _SURROUND, _SURROUND),
    6: (1.0, 1.0, 1.0, 0.0, _SURROUND, _SURROUND),
}
"""The weight of each channel, by their number, in the order of WAV: left, right, centre, low frequencies, surround."""
MOST_CHANNELS: Final = max(_WEIGHTS)
_OFFSET_LU: Final = -0.691
_ABSOLUTE_GATE_LUFS: Final = -70.0
_RELATIVE_GATE_LU: Final = -10.0
_HOPS_IN_A_BLOCK: Final = 4
"""A gating block lasts 400 ms, and the next one begins 100 ms later."""


class IntegratedLoudness:
    """Measures consecutive blocks of `block` frames; only the last one may be shorter. Eight bytes are kept for each
    100 ms.
    """

    def __init__(self, sample_rate_hz: int, channels: int) -> None:
        self._filter = KWeighting(sample_rate_hz, channels)
        self._weights = np.array(_WEIGHTS[channels])
        self._energies: list[NDArray[np.float64]] = []
        self.block: Final = self._filter.block

    def add(self, block: NDArray[np.float32]) -> None:
        """Measure one block, channels first. What does not fill 100 ms at the end is left out, as the standard says."""
        hop = self._filter.hop
        filtered = self._filter.filtered(block)
        whole = filtered[:, : filtered.shape[1] // hop * hop].reshape(len(filtered), -1, hop)
        self._energies.append(self._weights @ np.einsum("cht,cht->ch", whole, whole) / hop)

    def lufs(self) -> float | None:
        """The loudness of all that was measured; None where nothing is louder than -70 LUFS, or it lasts less than
        400 ms.
        """
        energies = np.concatenate(self._energies) if self._energies else np.empty(0)
        if len(energies) < _HOPS_IN_A_BLOCK:
            return None
        blocks = np.lib.stride_tricks.sliding_window_view(energies, _HOPS_IN_A_BLOCK).mean(axis=1)
        heard = blocks[blocks > _energy(_ABSOLUTE_GATE_LUFS)]
        if len(heard) == 0:
            return None
        gate = heard.mean() * 10 ** (_RELATIVE_GATE_LU / 10)
        return _OFFSET_LU + 10 * math.log10(heard[heard > gate].mean())


def _energy(lufs: float) -> float:
    return float(10 ** ((lufs - _OFFSET_LU) / 10))
