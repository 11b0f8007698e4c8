"""The account: credits, usage, the ledger and keys."""

from datetime import date, datetime
from typing import Any

from pydantic import Field

from fermata_client.models.answer import Answer


class Account(Answer):
    """The plan and the credits. `available_credits` is what a new order may hold."""

    tenant_id: str
    plan: str
    cap_credits: int | None = None
    balance_credits: int
    held_credits: int
    spent_credits: int
    granted_credits: int
    month: str
    spent_this_month_credits: int
    available_credits: int
    in_flight_jobs: int
    lost_songs_today: int = 0
    unpaid_jobs_today: int = 0
    limits: dict[str, Any] = Field(default_factory=dict)


class UsageEntry(Answer):
    """Jobs that ended, in one group. Only the parts of the group that were asked for are there."""

    day: date | None = None
    model: str | None = None
    key_id: str | None = None
    metadata: dict[str, str | None] | None = None
    jobs: int
    succeeded: int
    credits: int
    audio_ms: int
    units: float | None = None
    unit: str | None = None


class UsageLogEntry(Answer):
    """A job that ended. `metadata` is None once the job was deleted."""

    finished_at: datetime
    job_id: str
    key_id: str | None = None
    model: str
    status: str
    credits: int
    units: float
    unit: str
    audio_ms: int
    created_at: datetime
    metadata: dict[str, str] | None = None


class LedgerEntry(Answer):
    """One movement of credits, and the balance after it."""

    at: datetime
    kind: str
    credits: int
    balance_credits: int
    job_id: str | None = None
    key_id: str | None = None
    note: str | None = None


class Key(Answer):
    """An API key without its secret."""

    id: str
    name: str | None = None
    scopes: list[str]
    monthly_credits: int | None = None
    used_credits: int | None = None
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    rotated_to: str | None = None
    last_used_at: datetime | None = None


class NewKey(Key):
    """A new key. `api_key` is the key itself, which no other answer shows."""

    api_key: str = Field(repr=False)
