"""Find out which tenant an `Authorization` header belongs to."""

from fermata.domain.tenants import Caller, bearer_key, key_sha256
from fermata.ports import TenantStore


def authorize_request(authorization: str, tenants: TenantStore) -> Caller | None:
    """The caller, or None for a key that is malformed or unknown."""
    key = bearer_key(authorization)
    record = tenants.find_key(key_sha256(key)) if key else None
    if record is None:
        return None
    return Caller(record.tenant_id, record.key_id, record.scopes)
