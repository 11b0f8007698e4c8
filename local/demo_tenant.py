"""The demo tenant, which a cloud creates when it is new."""

from collections.abc import Callable, Mapping
from typing import Any, Final

TENANT: Final = "demo"
DEMO_LIMITS: Final = {
    "submits_per_minute": 1_200,
    "reads_per_minute": 1_000_000,
    "concurrent_jobs": 100_000,
    "refused_orders_per_minute": 1_000_000,
    "changes_per_minute": 1_000_000,
    "trigger_calls_per_minute": 1_000_000,
    "references_per_day": 1_000_000,
    "lost_songs_per_day": 1_000_000,
    "unpaid_jobs_per_day": 1_000_000,
    "webhook_repeats_per_minute": 1_000_000,
}
"""Limits too high to affect a demo or a benchmark."""

Manage = Callable[[Mapping[str, str | int]], dict[str, Any]]
"""Calls the function that manages tenants."""


def create_tenant(manage: Manage, credits: int) -> str:  # noqa: A002 (what they are called everywhere)
    """Create the tenant with its credits and return its API key."""
    manage({"action": "create_tenant", "tenant_id": TENANT})
    grant(manage, credits)
    manage({"action": "set_plan", "tenant_id": TENANT, "plan": "prepaid", **DEMO_LIMITS})
    return str(manage({"action": "issue_key", "tenant_id": TENANT})["api_key"])


def grant(manage: Manage, credits: int) -> None:  # noqa: A002 (what they are called everywhere)
    """Grant credits to the tenant, if any."""
    if credits:
        manage({"action": "grant", "tenant_id": TENANT, "credits": credits})
