"""A fake of the open batches."""

from datetime import datetime

from fermata.domain.triggers.batch import MOST_OPEN_BATCHES
from fermata.domain.triggers.refusals import RefusedInARow


class InMemoryOpenBatches:
    """Which run has each place of a tenant and until when, and what each was refused in a row."""

    def __init__(self) -> None:
        self.places: dict[tuple[str, int], tuple[str, datetime]] = {}
        self.refusals: dict[tuple[str, str], RefusedInARow] = {}

    def take(self, tenant_id: str, run: str, until: datetime, now: datetime) -> bool:
        places = [(tenant_id, number) for number in range(MOST_OPEN_BATCHES)]
        taken = {
            place: self.places[place][0] for place in places if place in self.places and self.places[place][1] > now
        }
        own = [place for place, holder in taken.items() if holder == run]
        free = [place for place in places if place not in taken]
        found = [*own, *free][:1]
        self.places |= dict.fromkeys(found, (run, until))
        return bool(found)

    def give_back(self, tenant_id: str, run: str) -> None:
        self.places = {place: held for place, held in self.places.items() if (place[0], held[0]) != (tenant_id, run)}
        self.note_job(tenant_id, run)

    def refused_in_a_row(self, tenant_id: str, run: str) -> RefusedInARow:
        return self.refusals.get((tenant_id, run), RefusedInARow())

    def note_refusal(self, tenant_id: str, run: str, now: datetime, *, comes_again: bool) -> None:
        before = self.refused_in_a_row(tenant_id, run)
        self.refusals[tenant_id, run] = before.and_one_more(now, comes_again=comes_again)

    def note_job(self, tenant_id: str, run: str) -> None:
        self.refusals.pop((tenant_id, run), None)
