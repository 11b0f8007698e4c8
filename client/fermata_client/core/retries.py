"""How often and when a request is repeated: the only place that decides it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True)
class Retries:
    """At most `attempts` requests for one call. Pauses begin at `first_pause_s` and double up to `longest_pause_s`,
    less up to a half by chance. A `Retry-After` is honoured up to `longest_retry_after_s`; a longer one ends the call.
    """

    attempts: int = 6
    first_pause_s: float = 0.5
    longest_pause_s: float = 20
    longest_retry_after_s: float = 60

    def pause_s(self, failures: int, retry_after_s: float | None, chance: Callable[[], float]) -> float | None:
        """The pause after so many failed requests, None where the call ends; `chance` returns 0 up to 1."""
        if failures >= self.attempts:
            return None
        longest = min(self.first_pause_s * 2.0 ** (failures - 1), self.longest_pause_s)
        if retry_after_s is None:
            return longest * (1 - chance() / 2)
        if retry_after_s > self.longest_retry_after_s:
            return None
        return retry_after_s + self.first_pause_s * chance()

    def patient(self) -> Self:
        """The same for a wait, whose job goes on however long Fermata cannot be reached: some minutes."""
        return replace(self, attempts=self.attempts * 4)
