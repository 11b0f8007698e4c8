"""Limits of a simulated provider for concurrent paid calls and for paid calls per minute."""

from collections import deque
from collections.abc import Callable
from enum import StrEnum
from threading import Lock
from typing import Final

WINDOW_S: Final = 60.0


class Busy(StrEnum):
    """The limit that refused a call."""

    RATE = "rate"
    CONNECTIONS = "connections"


class CallLimits:
    """Counts calls and refuses those beyond the limits, if any; thread-safe."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` returns monotonic seconds."""
        self._clock = clock
        self._lock = Lock()
        self._running = 0
        self.reset()

    def reset(self) -> None:
        """Remove the limits and reset the counts; running calls stay counted as running."""
        self.limit(None, None)

    def limit(self, concurrent: int | None, per_minute: int | None) -> None:
        """Set the limits and reset the counts; None means no limit."""
        with self._lock:
            self._concurrent, self._per_minute = concurrent, per_minute
            self._begun: deque[float] = deque()
            self._peak = self._running
            self._refused = 0

    def begin(self) -> Busy | None:
        """Admit a call, which `end` must follow, or return the limit that refuses it."""
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
        """End an admitted call, because its answer was sent or its client left."""
        with self._lock:
            self._running -= 1

    def as_json(self) -> dict[str, object]:
        """The limits, and since they were set, the most concurrent calls and the number of refused ones."""
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
