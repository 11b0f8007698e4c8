"""An API key as the operator sees it."""

from pydantic import JsonValue

from fermata.domain.tenants.api_keys import ApiKey
from fermata.domain.web.formats import rfc3339


def key_view(key: ApiKey) -> dict[str, JsonValue]:
    """A key without its secret."""
    return {
        "tenant_id": key.tenant_id,
        "key_id": key.key_id,
        "name": key.name,
        "monthly_credits": key.monthly_credits,
        "scopes": [scope.value for scope in key.scopes],
        "created_at": rfc3339(key.created_at),
        "expires_at": rfc3339(key.expires_at),
        "revoked_at": rfc3339(key.revoked_at),
        "rotated_to": key.rotated_to,
        "last_used_at": rfc3339(key.last_used_at),
    }
