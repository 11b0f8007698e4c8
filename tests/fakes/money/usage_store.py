"""A fake of the usage store."""

from datetime import date

from fermata.domain.jobs.job import Job
from fermata.domain.money.reports.day_pages import DayList, DayPage
from fermata.domain.money.reports.usage_log import UsageLine, line_of
from fermata.domain.money.usage import Usage


class InMemoryUsageStore:
    """Usage by tenant, day and model."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], Usage] = {}
        self._lines: dict[tuple[str, str], UsageLine] = {}

    def count(self, usage: Usage) -> None:
        key = (usage.tenant_id, usage.place)
        self._rows[key] = self._rows[key].plus(usage) if key in self._rows else usage

    def write(self, line: UsageLine) -> None:
        self._lines[line.tenant_id, line.place] = line

    def change(self, job: Job, *names: str) -> None:
        if job.finished_at is None:
            return
        line = line_of(job)
        stored = self._lines.get((job.tenant_id, line.place))
        if stored is not None:
            news = line if job.deleted_at is None else line.model_copy(update={"metadata": None})
            self.write(stored.model_copy(update={name: getattr(news, name) for name in names}))

    def log(self, page: DayPage) -> tuple[list[UsageLine], str | None]:
        of = page.of
        found = [line for line in self.lines(of.tenant_id, of.first, of.last) if (page.after or "") < line.place]
        taken = found[: page.limit]
        return taken, taken[-1].place if len(found) > page.limit else None

    def lines(self, tenant_id: str, first: date, last: date) -> list[UsageLine]:
        lines = (line for (of, _), line in sorted(self._lines.items()) if of == tenant_id)
        return [line for line in lines if first <= line.finished_at.date() <= last]

    def counters(self, tenant_id: str, first: date, last: date) -> list[Usage]:
        return self.find(DayPage(DayList(tenant_id, first, last), 1000))[0]

    def find(self, page: DayPage) -> tuple[list[Usage], str | None]:
        of = page.of
        rows = sorted((place, row) for (tenant_id, place), row in self._rows.items() if tenant_id == of.tenant_id)
        found = [row for place, row in rows if of.first <= row.day <= of.last and (page.after or "") < place]
        taken = found[: page.limit]
        return taken, taken[-1].place if len(found) > page.limit else None
