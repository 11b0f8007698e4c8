"""Show a tenant what it used."""

from pydantic import JsonValue

from fermata.domain.usage import UsagePage, usage_view
from fermata.ports import UsageStore


def read_usage(page: UsagePage, usage: UsageStore) -> dict[str, JsonValue]:
    """One page of usage by day and model, oldest first, and the cursor of the next."""
    found, next_after = usage.find(page)
    return {
        "data": [usage_view(each) for each in found],
        "next_cursor": None if next_after is None else page.of.cursor_after(next_after),
    }
