"""Tenants, their keys, and counts of their calls."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from fermata.domain.tenants.api_keys import ApiKey
from fermata.domain.tenants.plan_limits import CallKind
from fermata.domain.tenants.tenant import Tenant


@dataclass(frozen=True)
class CallCount:
    """How often a tenant has called in a time, and how often it may."""

    used: int
    quota: int


class CallCounts(Protocol):
    """How often tenants call, counted by all together. Both raise `TransientError`, after which it may be counted."""

    def add(self, tenant_id: str, kind: CallKind, minute: str, calls: int) -> CallCount:
        """Count calls of a kind, and give back all of the minute."""

    def add_reference(self, tenant_id: str, day: date) -> CallCount:
        """Count one upload on a day in UTC, provided that the plan leaves one; `used` is more than `quota` where it was
        not counted.
        """


class TenantStore(Protocol):
    """Tenants and the API keys that identify them, whose secrets are never stored. Every method raises
    `TransientError`.
    """

    def create_tenant(self, tenant: Tenant) -> bool:
        """Store a tenant; False where the id is taken."""

    def tenant_ids(self) -> Iterator[str]:
        """The id of every tenant, in memory that does not grow with their number."""

    def find_tenant(self, tenant_id: str) -> Tenant | None:
        """The tenant, or None."""

    def add_key(self, key: ApiKey) -> None:
        """Store a new key under its id; raises `StaleRecordError` where that is taken."""

    def find_key(self, key_id: str) -> ApiKey | None:
        """The key with this id, read consistently, or None."""

    def keys_of(self, tenant_id: str) -> list[ApiKey]:
        """Every key of a tenant, oldest first."""

    def rotate_key(self, old: ApiKey, new: ApiKey) -> None:
        """Store a new key and what the old one is now; raises `StaleRecordError` where the old one was rotated or
        revoked meanwhile, or the new id is taken.
        """

    def revoke_key(self, key_id: str, now: datetime) -> bool:
        """Let a key open nothing from now on; False where it is revoked already or not there."""

    def note_use(self, key_id: str, now: datetime) -> None:
        """Note that a key was used, at most once in `USE_NOTED_EVERY` whoever notes it."""


class WaitingPlaces(Protocol):
    """The places of requests that are held until a job ends, for all tenants together; every method raises
    `TransientError`.
    """

    def take(self, among: Sequence[int], holder: str, until: datetime, now: datetime) -> int | None:
        """One of these places, which this request has until a moment, or None where all are taken. Afterwards anybody
        may take it, as after `give_back`.
        """

    def give_back(self, place: int, holder: str) -> None:
        """Free a place, unless another request has it by now."""
