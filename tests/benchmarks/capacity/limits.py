"""What a job may have to wait for, each with its rule: a bucket of tokens, places, an item that transactions change.

Nothing here waits by itself: a limit is asked at an instant (s) and says how long the asker has to wait, so that the
rules can be tested without a simulation.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

ITEM_UNITS_A_SECOND: Final = 1000.0
"""Write units that one partition, so one item, takes in a second (DynamoDB's guide to partition keys)."""
MOST_DOUBLINGS: Final = 10
_ROUNDING_S: Final = 1e-9


@dataclass
class Bucket:
    """A token bucket, as AWS throttles its APIs: `per_second` tokens flow in, and at most `burst` are kept."""

    name: str
    per_second: float
    burst: float
    asked: float = 0
    _full_at_s: float = field(default=0, repr=False)
    """The instant at which the bucket is full again if nobody asks."""

    def take(self, now_s: float, tokens: float = 1) -> float:
        """Take the tokens. Returns the seconds until all of them have flowed in, in the order of asking: a caller that
        AWS refuses asks again until then.
        """
        self.asked += tokens
        self._full_at_s = max(self._full_at_s, now_s) + tokens / self.per_second
        wait_s = self._full_at_s - now_s - self.burst / self.per_second
        return wait_s if wait_s > _ROUNDING_S else 0.0


@dataclass(frozen=True)
class Patience:
    """How a transaction is tried again after a conflict: pauses double, jitter takes a part of each, and the last try
    begins before `for_s` seconds are over.
    """

    first_pause_s: float
    longest_pause_s: float
    for_s: float

    def pause_s(self, tries: int, chance: float) -> float:
        """The pause after so many tries more than the first; `chance` is from 0 to 1."""
        return chance * min(self.longest_pause_s, self.first_pause_s * 2.0 ** min(tries, MOST_DOUBLINGS))


@dataclass
class SharedItem:
    """An item that transactions of many jobs change. One of two at a time conflicts and is tried again; its partition's
    write units bound it as well.
    """

    name: str
    held_s: float
    """How long a transaction keeps others from the item."""
    patience: Patience
    asked: int = 0
    conflicts: int = 0
    given_up: int = 0
    _free_at_s: float = field(default=0, repr=False)
    _units: Bucket = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._units = Bucket(self.name, ITEM_UNITS_A_SECOND, ITEM_UNITS_A_SECOND)

    def write(
        self, now_s: float, since_s: float, tries: int, units: float, chance: Callable[[], float]
    ) -> float | None:
        """Try to change the item. Returns 0 where it is changed, and the seconds until the next try where another
        transaction is at it or its partition is throttled; None where the first try, at `since_s`, is too long ago.
        """
        self.asked += not tries
        if now_s >= self._free_at_s and self._units.take(now_s, 0) <= 0:
            self._free_at_s = now_s + self.held_s
            self._units.take(now_s, units)
            return 0
        self.conflicts += 1
        pause_s = self.patience.pause_s(tries, chance())
        if now_s + pause_s - since_s > self.patience.for_s:
            self.given_up += 1
            return None
        return pause_s
