"""A fake of the usage store."""

from fermata.domain.money.day_pages import DayPage
from fermata.domain.money.usage import Usage


class InMemoryUsageStore:
    """Usage by tenant, day and model."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], Usage] = {}

    def count(self, usage: Usage) -> None:
        key = (usage.tenant_id, usage.place)
        self._rows[key] = self._rows[key].plus(usage) if key in self._rows else usage

    def find(self, page: DayPage) -> tuple[list[Usage], str | None]:
        of = page.of
        rows = sorted((place, row) for (tenant_id, place), row in self._rows.items() if tenant_id == of.tenant_id)
        found = [row for place, row in rows if of.first <= row.day <= of.last and (page.after or "") < place]
        taken = found[: page.limit]
        return taken, taken[-1].place if len(found) > page.limit else None
