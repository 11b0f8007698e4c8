"""Tenants and API keys. A key is `fk_<id>_<secret>`; only its SHA-256 is kept."""

import base64
import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic import BaseModel, ConfigDict

TENANT_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
ALL_SCOPES: Final = ("account:read", "jobs:read", "jobs:write")
KEY_RANDOM_BYTES: Final = 25

_API_KEY: Final = re.compile(r"fk_[a-z2-7]{8}_[a-z2-7]{32}")


class Tenant(BaseModel):
    """A customer of the operator."""

    model_config = ConfigDict(frozen=True)

    tenant_id: str
    created_at: datetime


class ApiKey(BaseModel):
    """One key of a tenant, without its secret."""

    model_config = ConfigDict(frozen=True)

    key_id: str
    sha256: str
    tenant_id: str
    scopes: tuple[str, ...]
    created_at: datetime


@dataclass(frozen=True)
class Caller:
    """Who sent a request, as the authorizer found out."""

    tenant_id: str
    key_id: str
    scopes: tuple[str, ...]


def new_api_key(tenant_id: str, now: datetime, randomness: bytes) -> tuple[str, ApiKey]:
    """A key to show once, and its record; `randomness` is 25 random bytes (40 bits of id, 160 bits of secret)."""
    text = base64.b32encode(randomness[:KEY_RANDOM_BYTES]).decode().lower()
    key_id, secret = text[:8], text[8:]
    key = f"fk_{key_id}_{secret}"
    record = ApiKey(key_id=key_id, sha256=key_sha256(key), tenant_id=tenant_id, scopes=ALL_SCOPES, created_at=now)
    return key, record


def key_sha256(key: str) -> str:
    """The hash under which a key is looked up, in hex."""
    return hashlib.sha256(key.encode()).hexdigest()


def bearer_key(authorization: str) -> str | None:
    """The API key in an `Authorization: Bearer fk_...` header, or None where there is none of that form."""
    scheme, _, key = authorization.strip().partition(" ")
    key = key.strip()
    return key if scheme.lower() == "bearer" and _API_KEY.fullmatch(key) else None
