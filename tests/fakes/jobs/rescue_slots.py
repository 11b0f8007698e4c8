"""A fake of the rescue slots."""

from datetime import datetime


class InMemoryRescueSlots:
    """Who has each slot, and until when."""

    def __init__(self, slots: int = 2) -> None:
        self.slots = slots
        self.taken: dict[int, tuple[str, datetime]] = {}

    def take(self, holder: str, until: datetime, now: datetime) -> int | None:
        free = (i for i in range(self.slots) if i not in self.taken or self.taken[i][1] <= now)
        slot = next(free, None)
        if slot is not None:
            self.taken[slot] = (holder, until)
        return slot

    def give_back(self, slot: int, holder: str) -> None:
        if slot in self.taken and self.taken[slot][0] == holder:
            del self.taken[slot]
