"""Faults that were posted to a simulator and wait for matching requests."""

from dataclasses import replace
from threading import Lock

from local.simulators.faults import Fault, FaultKind, FaultTable, Place, WaitingFault


class WaitingFaults:
    """Assigns faults in the order in which they were posted; thread-safe."""

    def __init__(self, table: FaultTable) -> None:
        self._table = table
        self._lock = Lock()
        self._waiting: list[WaitingFault] = []

    def add(self, waiting: WaitingFault) -> None:
        """Add a waiting fault."""
        with self._lock:
            self._waiting.append(waiting)

    def take(self, place: Place, prompt: str, deaf_to: frozenset[FaultKind]) -> Fault | None:
        """The fault for this request: the first posted one that matches, else one named in its prompt.

        Raises `FaultError` where the prompt names a fault that this dialect does not have.
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
        """The waiting faults, in order of assignment."""
        with self._lock:
            return tuple(self._waiting)

    def clear(self) -> None:
        """Remove all waiting faults."""
        with self._lock:
            self._waiting.clear()
