"""Commands for API keys. A key is shown only in the answer to the command that creates it."""

from datetime import datetime, timedelta
from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from fermata.domain.tenants.api_keys import ALL_SCOPES, ApiKey, Scope, new_api_key
from fermata.domain.tenants.tenant import TENANT_ID
from fermata.domain.web.formats import rfc3339
from fermata.domain.web.whole_number import WholeNumber
from fermata.errors import FieldError, InvalidRequestError, NotFoundError, StaleRecordError, TransientError
from fermata.ports.tenants import TenantStore

DEFAULT_OVERLAP_S: Final = 86_400
LONGEST_OVERLAP_S: Final = 30 * 86_400

TenantId = Annotated[str, Field(pattern=f"^{TENANT_ID.pattern}$")]
Days = Annotated[WholeNumber, Field(ge=1, le=3650)]
Overlap = Annotated[WholeNumber, Field(ge=0, le=LONGEST_OVERLAP_S)]


class _Command(BaseModel):
    model_config = ConfigDict(extra="forbid")


class IssueKey(_Command):
    """Issue an API key with all scopes or some, without an end or until a given time."""

    action: Literal["issue_key"]
    tenant_id: TenantId
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1)] = ALL_SCOPES
    expires_at: AwareDatetime | None = None
    days: Days | None = None


class RotateKey(_Command):
    """Replace a key by a new one with the same scopes. The old key stays valid for `overlap_s` seconds. The new one
    expires when the old one would have, unless `expires_at` or `days` is given.
    """

    action: Literal["rotate_key"]
    key_id: str
    overlap_s: Overlap = DEFAULT_OVERLAP_S
    expires_at: AwareDatetime | None = None
    days: Days | None = None


class RevokeKey(_Command):
    """Revoke a key. It is refused as soon as API Gateway's cached authorization has expired."""

    action: Literal["revoke_key"]
    key_id: str


class ListKeys(_Command):
    """Show a tenant's keys without their secrets."""

    action: Literal["list_keys"]
    tenant_id: TenantId


KeyCommand = IssueKey | RotateKey | RevokeKey | ListKeys


def manage_keys(command: KeyCommand, tenants: TenantStore, now: datetime, randomness: bytes) -> dict[str, JsonValue]:
    """Execute one command about keys and return its result. Raises a `RequestRefusedError` before any change."""
    match command:
        case IssueKey():
            return _issue(command, tenants, now, randomness)
        case RotateKey():
            return _rotate(command, tenants, now, randomness)
        case RevokeKey(key_id=key_id):
            changed = tenants.revoke_key(key_id, now)
            return {**_view(_known(key_id, tenants)), "changed": changed}
        case ListKeys(tenant_id=tenant_id):
            _check_tenant(tenant_id, tenants)
            return {"tenant_id": tenant_id, "keys": [_view(key) for key in tenants.keys_of(tenant_id)]}


def _issue(command: IssueKey, tenants: TenantStore, now: datetime, randomness: bytes) -> dict[str, JsonValue]:
    _check_tenant(command.tenant_id, tenants)
    key, record = new_api_key(command.tenant_id, now, randomness, command.scopes, _end(command, now))
    try:
        tenants.add_key(record)
    except StaleRecordError as error:
        raise TransientError(f"{error}; try again") from error
    return {**_view(record), "api_key": key}


def _rotate(command: RotateKey, tenants: TenantStore, now: datetime, randomness: bytes) -> dict[str, JsonValue]:
    old = _known(command.key_id, tenants)
    if not old.is_live(now):
        raise _refusal("is revoked or has expired; issue a new key")
    if old.rotated_to is not None:
        raise _refusal(f"was rotated to {old.rotated_to} before; rotate that one")
    expires_at = _end(command, now) or old.expires_at
    key, new = new_api_key(old.tenant_id, now, randomness, old.scopes, expires_at)
    replaced = old.replaced_by(new.key_id, now + timedelta(seconds=command.overlap_s))
    try:
        tenants.rotate_key(replaced, new)
    except StaleRecordError as error:
        raise TransientError(f"{error}; look with list-keys before you repeat it") from error
    return {
        **_view(new),
        "api_key": key,
        "replaces": {"key_id": old.key_id, "expires_at": rfc3339(replaced.expires_at)},
    }


def _end(command: IssueKey | RotateKey, now: datetime) -> datetime | None:
    """When a new key expires, or None."""
    if command.expires_at is not None and command.days is not None:
        raise InvalidRequestError([FieldError("/days", "must be left out beside expires_at")])
    end = now + timedelta(days=command.days) if command.days is not None else command.expires_at
    if end is not None and end <= now:
        raise InvalidRequestError([FieldError("/expires_at", f"must lie in the future, got {rfc3339(end)}")])
    return end


def _view(key: ApiKey) -> dict[str, JsonValue]:
    return {
        "tenant_id": key.tenant_id,
        "key_id": key.key_id,
        "scopes": [scope.value for scope in key.scopes],
        "created_at": rfc3339(key.created_at),
        "expires_at": rfc3339(key.expires_at),
        "revoked_at": rfc3339(key.revoked_at),
        "rotated_to": key.rotated_to,
        "last_used_at": rfc3339(key.last_used_at),
    }


def _known(key_id: str, tenants: TenantStore) -> ApiKey:
    key = tenants.find_key(key_id)
    if key is None:
        # The given id is not repeated: it may be a whole key, and this message is logged.
        raise NotFoundError("there is no key of this id, which is the part between fk_ and the next _")
    return key


def _check_tenant(tenant_id: str, tenants: TenantStore) -> None:
    if tenants.find_tenant(tenant_id) is None:
        raise NotFoundError(f"there is no tenant {tenant_id}; create it first")


def _refusal(message: str) -> InvalidRequestError:
    return InvalidRequestError([FieldError("/key_id", message)])
