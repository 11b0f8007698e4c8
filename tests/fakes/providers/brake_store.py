"""A fake of the store of pauses and budgets."""

from collections.abc import Collection, Mapping
from datetime import date, datetime

from fermata.domain.providers.spending import EVERY_PROVIDER, Booking, PauseAndBudget
from fermata.errors import (
    FermataError,
)


class InMemoryBrakeStore:
    """Pauses by name, and what was spent with a provider on a day."""

    def __init__(self) -> None:
        self._pauses: dict[str, datetime] = {}
        self.spent: dict[tuple[str, date], int] = {}
        self.budgets: dict[str, int] = {}
        self.failure: FermataError | None = None

    def load(self, providers: Collection[str], day: date) -> Mapping[str, PauseAndBudget]:
        if self.failure is not None:
            raise self.failure
        return {provider: self.brakes(provider, day) for provider in providers}

    def brakes(self, provider: str, day: date) -> PauseAndBudget:
        paused_by = tuple(name for name in (provider, EVERY_PROVIDER) if name in self._pauses)
        return PauseAndBudget(provider, day, paused_by, self.spent.get((provider, day), 0), self.budgets.get(provider))

    def pause(self, name: str, now: datetime) -> bool:
        changed = name not in self._pauses
        self._pauses.setdefault(name, now)
        return changed

    def resume(self, name: str) -> bool:
        changed = name in self._pauses
        self._pauses.pop(name, None)
        return changed

    def paused_since(self, name: str) -> datetime | None:
        return self._pauses.get(name)

    def set_budget(self, provider: str, micro_usd: int | None) -> None:
        if micro_usd is None:
            self.budgets.pop(provider, None)
        else:
            self.budgets[provider] = micro_usd

    def book(self, booking: Booking | None) -> None:
        if booking is not None:
            key = (booking.provider, booking.day)
            self.spent[key] = self.spent.get(key, 0) + booking.micro_usd
