"""API keys: `fk_<id>_<secret>`. The secret ends in a checksum over the whole key, so that a typing error is detected
without a look-up; only the SHA-256 of the secret is stored.
"""

import base64
import hashlib
import hmac
import re
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict

from fermata.domain.tenants.key_cap import KeyCap

KEY_RANDOM_BYTES: Final = 25
USE_NOTED_EVERY: Final = timedelta(minutes=1)
"""Precision of `last_used_at`."""

KEPT_AFTER_END: Final = timedelta(days=90)
"""How long the record of a key is kept after the key expired or was revoked."""
KEY_ID_PATTERN: Final = "^[a-z2-7]{8}$"

_ID_LENGTH: Final = 8
_BEARER: Final = re.compile(r"fk_([a-z2-7]{8})_([a-z2-7]{39})")
_NO_SECRETS_SHA256: Final = "0" * 64
"""Compared with the secret of an unknown key; no known text has this hash."""


class Scope(StrEnum):
    """A permission of a key. `account:manage` is for the tenant's keys and webhook."""

    ACCOUNT_MANAGE = "account:manage"
    ACCOUNT_READ = "account:read"
    JOBS_READ = "jobs:read"
    JOBS_WRITE = "jobs:write"


USUAL_SCOPES: Final = (Scope.ACCOUNT_READ, Scope.JOBS_READ, Scope.JOBS_WRITE)
"""The scopes of a key that is issued without naming any; `account:manage` is given by name only."""


@dataclass(frozen=True)
class BearerKey:
    """A key as a caller sent it, with valid form and checksum."""

    key_id: str
    secret: str


class ApiKey(BaseModel):
    """The record of one key of a tenant, without its secret. `last_used_at` is exact to `USE_NOTED_EVERY`; a rotated
    key names its successor in `rotated_to`. A successor counts its credits in `counter_id`, the first key of its line.
    """

    model_config = ConfigDict(defer_build=True, frozen=True)

    key_id: str
    sha256: str
    tenant_id: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    rotated_to: str | None = None
    last_used_at: datetime | None = None
    name: str | None = None
    monthly_credits: int | None = None
    counter_id: str | None = None

    @property
    def cap(self) -> KeyCap | None:
        """The key's monthly cap, or None."""
        if self.monthly_credits is None:
            return None
        return KeyCap(counter_id=self.counter_id or self.key_id, monthly_credits=self.monthly_credits)

    @property
    def forgotten_at(self) -> datetime | None:
        """When the key's record goes; None for a key without an end."""
        ends = [moment for moment in (self.expires_at, self.revoked_at) if moment is not None]
        return min(ends) + KEPT_AFTER_END if ends else None

    def is_live(self, now: datetime) -> bool:
        """Whether the key is valid: neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def use_is_news(self, now: datetime) -> bool:
        """Whether a use at this instant needs a write."""
        return self.last_used_at is None or now - self.last_used_at >= USE_NOTED_EVERY

    def replaced_by(self, key_id: str, until: datetime) -> "ApiKey":
        """This key after its rotation: valid until `until`, and never longer than before."""
        ends = until if self.expires_at is None else min(until, self.expires_at)
        return self.model_copy(update={"rotated_to": key_id, "expires_at": ends})


def new_api_key(
    tenant_id: str,
    now: datetime,
    randomness: bytes,
    scopes: tuple[Scope, ...] = USUAL_SCOPES,
    expires_at: datetime | None = None,
) -> tuple[str, ApiKey]:
    """A key to show once, and its record; `randomness` is 25 random bytes (40 bits of id, 160 bits of secret)."""
    text = base64.b32encode(randomness[:KEY_RANDOM_BYTES]).decode().lower()
    key_id, random_part = text[:_ID_LENGTH], text[_ID_LENGTH:]
    secret = random_part + _checksum(key_id, random_part)
    record = ApiKey(
        key_id=key_id,
        sha256=_sha256(secret),
        tenant_id=tenant_id,
        scopes=tuple(sorted(set(scopes))),
        created_at=now,
        expires_at=expires_at,
    )
    return f"fk_{key_id}_{secret}", record


def is_key_id(text: str) -> bool:
    """Whether a text has the form of a key's id."""
    return re.fullmatch(KEY_ID_PATTERN.strip("^$"), text) is not None


def bearer_key(authorization: str) -> BearerKey | None:
    """The API key in an `Authorization: Bearer fk_...` header, or None if its form or its checksum is wrong."""
    scheme, _, key = authorization.strip().partition(" ")
    form = _BEARER.fullmatch(key.strip())
    if scheme.lower() != "bearer" or form is None:
        return None
    key_id, secret = form.groups()
    random_part, checksum = secret[:-_CHECKSUM_LENGTH], secret[-_CHECKSUM_LENGTH:]
    return BearerKey(key_id, secret) if checksum == _checksum(key_id, random_part) else None


def opened_by(key: BearerKey, record: ApiKey | None, now: datetime) -> ApiKey | None:
    """The record that a key authenticates now, or None. An unknown id takes as long as a wrong secret."""
    known = _NO_SECRETS_SHA256 if record is None else record.sha256
    same = hmac.compare_digest(_sha256(key.secret), known)
    return record if record is not None and same and record.is_live(now) else None


_CHECKSUM_LENGTH: Final = 7
"""32 bits in Base32."""


def _checksum(key_id: str, random_part: str) -> str:
    crc = zlib.crc32(f"{key_id}_{random_part}".encode())
    return base64.b32encode(crc.to_bytes(4)).decode().lower()[:_CHECKSUM_LENGTH]


def _sha256(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
