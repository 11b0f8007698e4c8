"""Tenants, their keys, and counts of their calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from fermata.domain.tenants.api_keys import ApiKey
    from fermata.domain.tenants.plan_limits import CallKind
    from fermata.domain.tenants.tenant import Tenant


@dataclass(frozen=True)
class CallCount:
    """A tenant's number of calls in a period, and its quota."""

    used: int
    quota: int


class CallCounts(Protocol):
    """The tenants' calls, counted by all runs together. Both methods raise `TransientError`; the call may be counted
    even then.
    """

    def add(self, tenant_id: str, kind: CallKind, minute: str, calls: int) -> CallCount:
        """Count calls of a kind, and return the minute's total."""

    def add_reference(self, tenant_id: str, day: date) -> CallCount:
        """Count one upload on a day in UTC if the plan leaves one; `used` exceeds `quota` if it was not counted."""


class TenantStore(Protocol):
    """Tenants and the API keys that identify them, whose secrets are never stored. The record of a key goes
    `KEPT_AFTER_END` after the key's end. Every method raises `TransientError`.
    """

    def create_tenant(self, tenant: Tenant) -> bool:
        """Store a tenant; False if the id is taken."""

    def tenant_ids(self) -> Iterator[str]:
        """The id of every tenant, in constant memory."""

    def find_tenant(self, tenant_id: str) -> Tenant | None:
        """The tenant, or None."""

    def add_key(self, key: ApiKey) -> None:
        """Store a new key under its id; raises `StaleRecordError` if the id is taken."""

    def find_key(self, key_id: str) -> ApiKey | None:
        """The key with this id, read consistently, or None."""

    def keys_of(self, tenant_id: str) -> list[ApiKey]:
        """Every key of a tenant, oldest first."""

    def rotate_key(self, old: ApiKey, new: ApiKey) -> None:
        """Store a new key and the changed old one; raises `StaleRecordError` if another run rotated or revoked the old
        one, or the new id is taken.
        """

    def revoke_key(self, key: ApiKey, now: datetime) -> bool:
        """Revoke a key from now on; False if it is revoked already or unknown."""

    def note_use(self, key_id: str, now: datetime) -> None:
        """Note a key's use, at most once in `USE_NOTED_EVERY` over all runs."""


class WaitingPlaces(Protocol):
    """Places for requests that wait for a job's end, shared by all tenants; every method raises `TransientError`."""

    def take(self, among: Sequence[int], holder: str, until: datetime, now: datetime) -> int | None:
        """Reserve one of these places for a request until a moment, or return None if all are taken. Afterwards, or
        after `give_back`, any request may take it.
        """

    def give_back(self, place: int, holder: str) -> None:
        """Free a place, unless another request has it by now."""
