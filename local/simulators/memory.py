"""What a simulated provider remembers across a restart: its bill, tasks, uploads and links to files."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol


class Memory(Protocol):
    """Values as JSON, by kind and key. Each is kept before the answer that depends on it goes out."""

    def save(self, kind: str, key: str, value: Mapping[str, Any]) -> None:
        """Keep a value."""

    def saved(self, kind: str) -> dict[str, Any]:
        """Return the kept values of a kind by key, in the order of their keys."""

    def drop(self, kind: str) -> None:
        """Forget the values of a kind."""


class NoMemory:
    """A provider that forgets everything when it ends."""

    def save(self, kind: str, key: str, value: Mapping[str, Any]) -> None:
        """Do nothing."""

    def saved(self, kind: str) -> dict[str, Any]:  # noqa: ARG002 (a `Memory`)
        """Return nothing."""
        return {}

    def drop(self, kind: str) -> None:
        """Do nothing."""


class Calendar:
    """Turns instants of a clock, which starts anew with each process, into times that can be kept."""

    def __init__(self, clock: Callable[[], float], wall: Callable[[], float]) -> None:
        """`clock` returns monotonic seconds, `wall` seconds since 1970."""
        self._clock, self._wall = clock, wall

    def date(self, instant: float) -> float:
        """Return the time of an instant, in seconds since 1970."""
        return self._wall() - (self._clock() - instant)

    def instant(self, date: float) -> float:
        """Return the instant of a time, which may be before the clock began."""
        return self._clock() - (self._wall() - date)
