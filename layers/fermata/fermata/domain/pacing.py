"""How often a provider is asked for a song that it still makes: when half of the songs are nearly due, then more and
more rarely.
"""

from dataclasses import dataclass
from math import ceil
from typing import Final

from fermata.domain.catalogue import Estimate

LONGEST_WAIT_S: Final = 600
SHORTEST_PAUSE_S: Final = 5
"""What API in One asks its callers to keep at least."""
_FIRST_LOOK: Final = 0.8
_SHARE_OF_THE_WAIT: Final = 8


def bounded(seconds: float) -> int:
    """Whole seconds as a Wait state takes them, from 1 to `LONGEST_WAIT_S`."""
    return max(1, min(ceil(seconds), LONGEST_WAIT_S))


@dataclass(frozen=True)
class Pace:
    """The usual times of a model's songs, and the longest pause between two polls in seconds."""

    estimate: Estimate
    longest_pause_s: int

    def first_poll_s(self, elapsed_s: float) -> int:
        """Seconds until the first poll of a song that was ordered `elapsed_s` seconds ago."""
        left_s = self.estimate.p50_s * _FIRST_LOOK - elapsed_s
        return bounded(left_s if left_s > 0 else self._pause_s(elapsed_s))

    def next_poll_s(self, elapsed_s: float, asked_s: int | None = None) -> int:
        """Seconds until the poll that follows one which found no song, `elapsed_s` seconds after the order.

        `asked_s` is the provider's own wish. It lengthens a pause and never shortens one: polls that follow a wish for
        one second would fill the history of an execution, and the paid song would be lost with it.
        """
        return max(bounded(self._pause_s(elapsed_s)), bounded(asked_s or 0))

    def _pause_s(self, elapsed_s: float) -> float:
        # A song that is late by minutes need not be noticed to the second, so the pause is a share of the whole wait.
        shortest_s = min(SHORTEST_PAUSE_S, self.estimate.p50_s / 4)
        return min(max(elapsed_s / _SHARE_OF_THE_WAIT, shortest_s), self.longest_pause_s)
