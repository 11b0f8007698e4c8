"""A fake of the waiting places."""

from collections.abc import Sequence
from datetime import datetime

from fermata.errors import (
    FermataError,
)


class InMemoryWaitingPlaces:
    """Who has each place, and until when. `failure` is raised instead; `writes` counts what was written."""

    def __init__(self) -> None:
        self.taken: dict[int, tuple[str, datetime]] = {}
        self.writes = 0
        self.failure: FermataError | None = None

    def take(self, among: Sequence[int], holder: str, until: datetime, now: datetime) -> int | None:
        if self.failure is not None:
            raise self.failure
        place = next((each for each in among if each not in self.taken or self.taken[each][1] <= now), None)
        if place is not None:
            self.taken[place] = (holder, until)
            self.writes += 1
        return place

    def give_back(self, place: int, holder: str) -> None:
        self.writes += 1
        if self.failure is not None:
            raise self.failure
        if place in self.taken and self.taken[place][0] == holder:
            del self.taken[place]
