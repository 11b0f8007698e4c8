"""A fake of the tenant store."""

from collections.abc import Callable, Iterator
from datetime import datetime

from fermata.domain.tenants.api_keys import ApiKey
from fermata.domain.tenants.tenant import Tenant
from fermata.errors import (
    FermataError,
    StaleRecordError,
)


class InMemoryTenantStore:
    """Keeps tenants and keys as text. `note_failure` is raised instead of noting a use; `before_next_rotation` runs
    once, before one is tried: what another operator does in between.
    """

    def __init__(self) -> None:
        self._tenants: dict[str, str] = {}
        self._keys: dict[str, str] = {}
        self.notes = 0
        self.note_failure: FermataError | None = None
        self.before_next_rotation: Callable[[], object] | None = None

    def create_tenant(self, tenant: Tenant) -> bool:
        if tenant.tenant_id in self._tenants:
            return False
        self._tenants[tenant.tenant_id] = tenant.model_dump_json()
        return True

    def tenant_ids(self) -> Iterator[str]:
        return iter(sorted(self._tenants))

    def find_tenant(self, tenant_id: str) -> Tenant | None:
        row = self._tenants.get(tenant_id)
        return None if row is None else Tenant.model_validate_json(row)

    def add_key(self, key: ApiKey) -> None:
        if key.key_id in self._keys:
            raise StaleRecordError(f"the id {key.key_id} is taken")
        self._put_key(key)

    def find_key(self, key_id: str) -> ApiKey | None:
        row = self._keys.get(key_id)
        return None if row is None else ApiKey.model_validate_json(row)

    def keys_of(self, tenant_id: str) -> list[ApiKey]:
        keys = [ApiKey.model_validate_json(row) for row in self._keys.values()]
        mine = [key for key in keys if key.tenant_id == tenant_id]
        return sorted(mine, key=lambda key: (key.created_at, key.key_id))

    def rotate_key(self, old: ApiKey, new: ApiKey) -> None:
        before, self.before_next_rotation = self.before_next_rotation, None
        if before is not None:
            before()
        stored = self.find_key(old.key_id)
        if stored is None or stored.revoked_at or stored.rotated_to or new.key_id in self._keys:
            raise StaleRecordError(f"{old.key_id} was rotated or revoked meanwhile")
        self._put_key(stored.model_copy(update={"rotated_to": old.rotated_to, "expires_at": old.expires_at}))
        self._put_key(new)

    def revoke_key(self, key: ApiKey, now: datetime) -> bool:
        stored = self.find_key(key.key_id)
        if stored is None or stored.revoked_at is not None:
            return False
        self._put_key(stored.model_copy(update={"revoked_at": now}))
        return True

    def note_use(self, key_id: str, now: datetime) -> None:
        if self.note_failure is not None:
            raise self.note_failure
        stored = self.find_key(key_id)
        if stored is not None and stored.use_is_news(now):
            self._put_key(stored.model_copy(update={"last_used_at": now}))
            self.notes += 1

    def _put_key(self, key: ApiKey) -> None:
        self._keys[key.key_id] = key.model_dump_json()
