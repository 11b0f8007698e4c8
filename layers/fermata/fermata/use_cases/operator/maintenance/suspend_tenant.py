"""Suspend a tenant: it orders and changes nothing, while what it has ordered and made stays open to it."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from fermata.domain.web.formats import rfc3339
from fermata.errors import NotFoundError
from fermata.ports.money import WalletStore
from fermata.use_cases.operator.manage_keys import TenantId


class SuspendTenant(BaseModel):
    """Refuse a tenant's new orders, over HTTP and from events and files, and its changes of keys, webhook and
    uploads, from now on.
    """

    model_config = ConfigDict(defer_build=True, extra="forbid")

    action: Literal["suspend_tenant"]
    tenant_id: TenantId


class ResumeTenant(BaseModel):
    """End a tenant's suspension."""

    model_config = ConfigDict(defer_build=True, extra="forbid")

    action: Literal["resume_tenant"]
    tenant_id: TenantId


def set_suspension(command: SuspendTenant | ResumeTenant, wallets: WalletStore, now: datetime) -> dict[str, JsonValue]:
    """Suspend or resume a tenant, at once: no key's cached authorization delays it. A repeated command changes nothing
    and keeps the first time. Raises `NotFoundError` and `TransientError`.
    """
    tenant_id = command.tenant_id
    if wallets.find(tenant_id) is None:
        raise NotFoundError(f"there is no tenant {tenant_id}; list-tenants lists them")
    suspends = isinstance(command, SuspendTenant)
    changed = wallets.suspend(tenant_id, now) if suspends else wallets.resume(tenant_id)
    found = wallets.find(tenant_id)
    since = None if found is None else found.suspended_at
    return {"tenant_id": tenant_id, "suspended_at": rfc3339(since), "changed": changed}
