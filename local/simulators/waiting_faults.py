"""The faults that were posted to a simulator and wait for their requests."""

from dataclasses import replace
from threading import Lock

from local.simulators.faults import Fault, FaultKind, FaultTable, Place, WaitingFault


class WaitingFaults:
    """Hands out faults in the order in which they were posted; safe for many threads."""

    def __init__(self, table: FaultTable) -> None:
        self._table = table
        self._lock = Lock()
        self._waiting: list[WaitingFault] = []

    def add(self, waiting: WaitingFault) -> None:
        """Let one more fault wait."""
        with self._lock:
            self._waiting.append(waiting)

    def take(self, place: Place, prompt: str, deaf_to: frozenset[FaultKind]) -> Fault | None:
        """The fault that this request meets: the first posted one that fits, else one that its prompt asks for.

        Raises FaultError where the prompt asks for a fault that this dialect does not know.
        """
        tagged = self._table.tagged(prompt)
        if posted := self._take_posted(place, prompt, deaf_to):
            return posted
        return next((tag.fault for tag in tagged if tag.fits(place, prompt, deaf_to)), None)

    def _take_posted(self, place: Place, prompt: str, deaf_to: frozenset[FaultKind]) -> Fault | None:
        with self._lock:
            for index, waiting in enumerate(self._waiting):
                if waiting.fits(place, prompt, deaf_to):
                    left = replace(waiting, times=waiting.times - 1)
                    self._waiting[index : index + 1] = [left] if left.times else []
                    return waiting.fault
        return None

    def all(self) -> tuple[WaitingFault, ...]:
        """Those that still wait, first to be taken first."""
        with self._lock:
            return tuple(self._waiting)

    def clear(self) -> None:
        """Forget all of them."""
        with self._lock:
            self._waiting.clear()
