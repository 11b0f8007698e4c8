"""Show a tenant its usage."""

from collections.abc import Sequence

from fermata.domain.money.reports.day_pages import DayPage
from fermata.domain.money.reports.usage_groups import UsageGroup, UsageRequest, counted_jobs, grouped
from fermata.domain.money.reports.usage_log import UsageLine
from fermata.domain.money.usage import Usage
from fermata.ports.money import UsageStore


def read_usage(asked: UsageRequest, usage: UsageStore) -> tuple[Sequence[Usage | UsageGroup], str | None]:
    """One page of usage by day and model, oldest first, and the cursor of the next page, None after the last; or all
    groups by other names. Raises `InvalidRequestError` for too many groups or jobs, and `TransientError`.
    """
    page, of = asked.page, asked.page.of
    if asked.is_by_day_and_model:
        found, next_after = usage.find(page)
        return found, None if next_after is None else of.cursor_after(next_after)
    if asked.needs_log:
        return grouped(asked.group_by, counted_jobs(usage.lines(of.tenant_id, of.first, of.last))), None
    return grouped(asked.group_by, usage.counters(of.tenant_id, of.first, of.last)), None


def read_usage_log(page: DayPage, usage: UsageStore) -> tuple[Sequence[UsageLine], str | None]:
    """One page of the jobs that ended, oldest end first, and the cursor of the next page, None after the last. Raises
    `TransientError`.
    """
    found, next_after = usage.log(page)
    return found, None if next_after is None else page.of.cursor_after(next_after)
