"""Tenants, and authenticated callers of the API."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic import BaseModel, ConfigDict

from fermata.domain.tenants.api_keys import Scope
from fermata.domain.tenants.key_cap import KeyCap

TENANT_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class Tenant(BaseModel):
    """A customer of the operator."""

    model_config = ConfigDict(defer_build=True, frozen=True)

    tenant_id: str
    created_at: datetime


@dataclass(frozen=True)
class Caller:
    """The authenticated sender of a request. `scopes` may contain words that this version does not know; `cap` is the
    monthly cap of its key.
    """

    tenant_id: str
    key_id: str
    scopes: tuple[str, ...]
    cap: KeyCap | None = None

    def may(self, scope: Scope) -> bool:
        """Whether the key has a scope."""
        return scope.value in self.scopes
