"""The schedule of polls for a song in progress: the first well before the median latency, then at growing pauses, of
which a run takes the short ones itself. However wrong an estimate is, an hour takes about a hundred polls.

`python -m tests.benchmarks.bench_poll_plan` prints the curve that the numbers were taken from.
"""

from dataclasses import dataclass
from math import ceil
from typing import Final

from fermata.domain.catalogue.models import Estimate

LONGEST_WAIT_S: Final = 600
SHORTEST_PAUSE_S: Final = 5
"""The shortest pause that API in One permits."""
LONGEST_LATE_PAUSE_S: Final = 300
"""The longest pause in seconds between two polls of a song that is later than nearly all songs."""
LONGEST_PAUSE_IN_A_RUN_S: Final = 10
"""The longest pause in seconds that a run waits for its next poll. A pause of ten seconds in a run of 128 MB costs a
quarter of a loop through the state machine.
"""
FIRST_LOOK: Final = 0.7
"""The first poll, as a share of the P50: for songs that vary by a third, the earliest that costs less than 0.28 USD a
thousand with at most 1.5 loops through the state machine, and the found song is late by less than 20 % in 95 of 100.
"""
_LATE: Final = 2
_LONGEST_PAUSES: Final = 80
"""After this many pauses of the longest length, a song is late whatever the estimate."""
_SHARE_OF_THE_WAIT: Final = 8


def bounded(seconds: float) -> int:
    """Whole seconds for a Wait state, from 1 to `LONGEST_WAIT_S`."""
    return max(1, min(ceil(seconds), LONGEST_WAIT_S))


@dataclass(frozen=True)
class Pace:
    """A model's estimated latency, and the longest pause between two polls in seconds: `longest_pause_s` until a song
    has taken twice its P80, `longest_s` from then on.
    """

    estimate: Estimate
    longest_pause_s: int
    longest_s: int = LONGEST_LATE_PAUSE_S

    def first_poll_s(self, elapsed_s: float) -> int:
        """Seconds until the first poll of a song that was ordered `elapsed_s` seconds ago."""
        left_s = self.estimate.p50_s * FIRST_LOOK - elapsed_s
        return bounded(left_s if left_s > 0 else self._pause_s(elapsed_s))

    def next_poll_s(self, elapsed_s: float, asked_s: int | None = None) -> int:
        """Seconds until the next poll, after a poll that found no song `elapsed_s` seconds after the order.

        `asked_s` is the provider's `Retry-After`. It only lengthens a pause: polls at one second each would exhaust the
        history of an execution, and the paid song would be lost with it.
        """
        return max(bounded(self._pause_s(elapsed_s)), bounded(asked_s or 0))

    def is_time_to_poll(self, elapsed_s: float) -> bool:
        """Whether a song that was ordered `elapsed_s` seconds ago is polled without a callback's call."""
        return elapsed_s >= self.estimate.p50_s * FIRST_LOOK

    def next_poll_in_a_run_s(self, elapsed_s: float, asked_s: int | None = None) -> int | None:
        """Seconds until the next poll of the same run, after a poll that found no song `elapsed_s` seconds after the
        order; None if the state machine should wait instead: for a late song, and for a `Retry-After` (`asked_s`)
        beyond `LONGEST_PAUSE_IN_A_RUN_S`.
        """
        if self._is_late(elapsed_s):
            return None
        pause_s = max(bounded(min(self._pause_s(elapsed_s), LONGEST_PAUSE_IN_A_RUN_S)), bounded(asked_s or 0))
        return pause_s if pause_s <= LONGEST_PAUSE_IN_A_RUN_S else None

    def _pause_s(self, elapsed_s: float) -> float:
        # A song that is late by minutes need not be found to the second, so the pause is a share of the whole wait.
        shortest_s = min(SHORTEST_PAUSE_S, self.estimate.p50_s / 4)
        longest_s = max(self.longest_s, self.longest_pause_s) if self._is_late(elapsed_s) else self.longest_pause_s
        return min(max(elapsed_s / _SHARE_OF_THE_WAIT, shortest_s), longest_s)

    def _is_late(self, elapsed_s: float) -> bool:
        return elapsed_s > min(self.estimate.p80_s * _LATE, self.longest_pause_s * _LONGEST_PAUSES)
