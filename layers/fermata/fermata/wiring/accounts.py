"""Wires the counters of tenants' calls and the audit of their wallets."""

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from fermata.domain.tenants.plan_limits import (
    CANCELS,
    CHANGES,
    READS,
    REFUSED_ORDERS,
    Allowance,
    CallKind,
)
from fermata.wiring import runtime, stores

if TYPE_CHECKING:
    from fermata.domain.money.wallet_audit import Drift
    from fermata.use_cases.accounts.audit_wallets import AuditPorts
    from fermata.use_cases.accounts.count_calls import CallMeter, FreeCalls
    from fermata.use_cases.accounts.own_keys import KeyPorts


def count_read(tenant_id: str) -> Allowance | None:
    """Count one read of a tenant against its plan."""
    return call_meter(READS).count(tenant_id, runtime.now())


def count_change(tenant_id: str) -> Allowance | None:
    """Count one deletion, webhook replay or upload of a tenant against its plan."""
    return call_meter(CHANGES).count(tenant_id, runtime.now())


def admit(tenant_id: str) -> None:
    """Raise `TenantSuspendedError` for a tenant that the operator has suspended, which may change nothing."""
    from fermata.use_cases.accounts.suspension import refuse_suspended

    refuse_suspended(tenant_id, stores.wallet_store())


def refused_orders() -> "FreeCalls":
    """Return the counter of HTTP orders that created no job."""
    return free_calls(REFUSED_ORDERS)


def refused_cancels() -> "FreeCalls":
    """Return the counter of cancel requests that cancelled nothing."""
    return free_calls(CANCELS)


def submits_left(tenant_id: str) -> Allowance | None:
    """Return how many more orders a tenant's plan allows now."""
    from fermata.use_cases.accounts.rate_limits import submits_left

    return submits_left(tenant_id, stores.wallet_store(), runtime.now())


def free_calls(kind: CallKind) -> "FreeCalls":
    """Return the counter of calls of a kind that turn out to be free."""
    from fermata.use_cases.accounts.count_calls import FreeCalls

    return FreeCalls(call_meter(kind), runtime.now)


@cache
def call_meter(kind: CallKind) -> "CallMeter":
    """Return the counter of tenants' calls of a kind."""
    from fermata.use_cases.accounts.count_calls import CallMeter

    return CallMeter(kind, stores.call_counts())


def key_ports() -> "KeyPorts":
    """Return the ports of a tenant's own keys."""
    from fermata.use_cases.accounts.own_keys import KeyPorts

    return KeyPorts(stores.tenant_store(), stores.key_counters())


def audit_ports(drifted: "Callable[[str, Drift], object]", skipped: Callable[[str, str], object]) -> "AuditPorts":
    """Return the ports of `audit_wallets`."""
    from fermata.use_cases.accounts.audit_wallets import AuditPorts

    return AuditPorts(
        stores.tenant_store(), stores.wallet_store(), stores.ledger_store(), runtime.metrics(), drifted, skipped
    )
