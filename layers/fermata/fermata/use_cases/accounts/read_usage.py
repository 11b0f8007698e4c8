"""Show a tenant its usage."""

from collections.abc import Sequence

from fermata.domain.money.day_pages import DayPage
from fermata.domain.money.usage import Usage
from fermata.ports.money import UsageStore


def read_usage(page: DayPage, usage: UsageStore) -> tuple[Sequence[Usage], str | None]:
    """One page of usage by day and model, oldest first, and the cursor of the next page, None after the last."""
    found, next_after = usage.find(page)
    return found, None if next_after is None else page.of.cursor_after(next_after)
