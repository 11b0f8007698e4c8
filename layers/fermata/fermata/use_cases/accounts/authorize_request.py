"""Identify the tenant of an `Authorization` header."""

from datetime import datetime

from fermata.domain.tenants.api_keys import ApiKey, bearer_key, opened_by
from fermata.domain.tenants.tenant import Caller
from fermata.errors import TransientError
from fermata.log import logger
from fermata.ports.tenants import TenantStore


def authorize_request(authorization: str, tenants: TenantStore, now: datetime) -> Caller | None:
    """The caller, or None for a key that is malformed, unknown, wrong, expired or revoked. Raises `TransientError` if
    the key cannot be looked up.
    """
    key = bearer_key(authorization)
    record = opened_by(key, tenants.find_key(key.key_id), now) if key else None
    if record is None:
        return None
    _note_use(record, tenants, now)
    return Caller(record.tenant_id, record.key_id, record.scopes, record.cap)


def _note_use(record: ApiKey, tenants: TenantStore, now: datetime) -> None:
    if not record.use_is_news(now):
        return
    try:
        tenants.note_use(record.key_id, now)
    except TransientError as error:
        # The time of last use is only informative, so no request fails because it could not be stored.
        logger.warning("the use of a key was not recorded", extra={"key_id": record.key_id, "reason": str(error)})
