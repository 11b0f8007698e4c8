"""How many paid calls a simulated provider takes: at the same time, and within a minute."""

from collections import deque
from collections.abc import Callable
from enum import StrEnum
from threading import Lock
from typing import Final

WINDOW_S: Final = 60.0


class Busy(StrEnum):
    """Which limit refuses a call."""

    RATE = "rate"
    CONNECTIONS = "connections"


class CallLimits:
    """Counts calls and refuses those beyond the limits, if there are any; safe for many threads."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` is monotonic and tells seconds."""
        self._clock = clock
        self._lock = Lock()
        self._running = 0
        self.reset()

    def reset(self) -> None:
        """Take away the limits and forget what was counted; calls that run still run."""
        self.limit(None, None)

    def limit(self, concurrent: int | None, per_minute: int | None) -> None:
        """Refuse from now on what goes beyond, and count anew; None stands for no limit."""
        with self._lock:
            self._concurrent, self._per_minute = concurrent, per_minute
            self._begun: deque[float] = deque()
            self._peak = self._running
            self._refused = 0

    def begin(self) -> Busy | None:
        """Admit a call, which `end` must follow, or say which limit refuses it."""
        with self._lock:
            now = self._clock()
            while self._begun and self._begun[0] <= now - WINDOW_S:
                self._begun.popleft()
            busy = self._busy()
            if busy is not None:
                self._refused += 1
                return busy
            self._begun.append(now)
            self._running += 1
            self._peak = max(self._peak, self._running)
            return None

    def end(self) -> None:
        """An admitted call is over: its answer left, or its client did."""
        with self._lock:
            self._running -= 1

    def as_json(self) -> dict[str, object]:
        """The limits, and since they were set: the most calls at the same time, and how many were refused."""
        with self._lock:
            return {
                "concurrent": self._concurrent,
                "per_minute": self._per_minute,
                "peak_concurrent": self._peak,
                "refused": self._refused,
            }

    def _busy(self) -> Busy | None:
        if self._per_minute is not None and len(self._begun) >= self._per_minute:
            return Busy.RATE
        if self._concurrent is not None and self._running >= self._concurrent:
            return Busy.CONNECTIONS
        return None
