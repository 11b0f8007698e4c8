"""A wallet as its tenant and the operator see it."""

from datetime import datetime

from pydantic import JsonValue

from fermata.domain.wallet import Wallet


def wallet_view(wallet: Wallet, now: datetime) -> dict[str, JsonValue]:
    """Credits and the plan that bounds them; `available_credits` is what a new job may hold, `in_flight_jobs` the jobs
    that have not ended.
    """
    current = wallet.in_month_of(now)
    return {
        "tenant_id": current.tenant_id,
        "plan": current.plan.value,
        "cap_credits": current.cap_credits,
        "balance_credits": current.balance,
        "held_credits": current.held,
        "spent_credits": current.spent,
        "granted_credits": current.granted,
        "month": current.month,
        "spent_this_month_credits": current.spent_in_month,
        "available_credits": current.available,
        "in_flight_jobs": current.open_jobs,
        "limits": dict(current.limits.model_dump()),
    }
