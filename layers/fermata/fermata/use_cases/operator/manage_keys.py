"""Commands for API keys. A key is shown only in the answer to the command that creates it."""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from fermata.domain.operator.key_view import key_view
from fermata.domain.tenants.api_keys import USUAL_SCOPES, ApiKey, Scope
from fermata.domain.tenants.tenant import TENANT_ID
from fermata.domain.web.formats import rfc3339
from fermata.domain.web.whole_number import WholeNumber
from fermata.errors import FieldError, InvalidRequestError, NotFoundError
from fermata.ports.tenants import TenantStore
from fermata.use_cases.accounts.issue_keys import (
    DEFAULT_OVERLAP_S,
    LONGEST_LIFE,
    KeyName,
    KeyTerms,
    MonthlyCredits,
    Overlap,
    check_rotation,
    issue_key,
    rotate_key,
    terms_after_rotation,
)

TenantId = Annotated[str, Field(pattern=f"^{TENANT_ID.pattern}$")]
Days = Annotated[WholeNumber, Field(ge=1, le=LONGEST_LIFE.days)]


class _Command(BaseModel):
    model_config = ConfigDict(defer_build=True, extra="forbid")


class IssueKey(_Command):
    """Issue an API key with the usual scopes or the named ones, without an end or until a given time, and perhaps with
    a cap on the credits of a calendar month.
    """

    action: Literal["issue_key"]
    tenant_id: TenantId
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1)] = USUAL_SCOPES
    expires_at: AwareDatetime | None = None
    days: Days | None = None
    name: KeyName | None = None
    monthly_credits: MonthlyCredits | None = None


class RotateKey(_Command):
    """Replace a key by a new one with the same scopes and name. The old key stays valid for `overlap_s` seconds. The
    new one expires when the old one would have, unless `expires_at` or `days` is given, and has the same cap, unless
    `monthly_credits` is given. Both count the month's credits together.
    """

    action: Literal["rotate_key"]
    key_id: str
    overlap_s: Overlap = DEFAULT_OVERLAP_S
    expires_at: AwareDatetime | None = None
    days: Days | None = None
    monthly_credits: MonthlyCredits | None = None


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
            changed = tenants.revoke_key(_known(key_id, tenants), now)
            return {**key_view(_known(key_id, tenants)), "changed": changed}
        case ListKeys(tenant_id=tenant_id):
            _check_tenant(tenant_id, tenants)
            return {"tenant_id": tenant_id, "keys": [key_view(key) for key in tenants.keys_of(tenant_id)]}


def _issue(command: IssueKey, tenants: TenantStore, now: datetime, randomness: bytes) -> dict[str, JsonValue]:
    _check_tenant(command.tenant_id, tenants)
    terms = KeyTerms(command.scopes, _end(command, now), command.name, command.monthly_credits)
    issued = issue_key(command.tenant_id, terms, tenants, now, randomness)
    return {**key_view(issued.record), "api_key": issued.api_key}


def _rotate(command: RotateKey, tenants: TenantStore, now: datetime, randomness: bytes) -> dict[str, JsonValue]:
    old = _known(command.key_id, tenants)
    check_rotation(old, now)
    terms = terms_after_rotation(
        old, _end(command, now) or old.expires_at, command.monthly_credits or old.monthly_credits
    )
    issued = rotate_key(old, terms, command.overlap_s, tenants, now, randomness)
    ends = rfc3339(issued.replaced.expires_at) if issued.replaced else None
    return {
        **key_view(issued.record),
        "api_key": issued.api_key,
        "replaces": {"key_id": old.key_id, "expires_at": ends},
    }


def _end(command: IssueKey | RotateKey, now: datetime) -> datetime | None:
    """When a new key expires, or None."""
    if command.expires_at is not None and command.days is not None:
        raise InvalidRequestError([FieldError("/days", "must be left out beside expires_at")])
    return now + timedelta(days=command.days) if command.days is not None else command.expires_at


def _known(key_id: str, tenants: TenantStore) -> ApiKey:
    key = tenants.find_key(key_id)
    if key is None:
        # The given id is not repeated: it may be a whole key, and this message is logged.
        raise NotFoundError("there is no key of this id, which is the part between fk_ and the next _")
    return key


def _check_tenant(tenant_id: str, tenants: TenantStore) -> None:
    if tenants.find_tenant(tenant_id) is None:
        raise NotFoundError(f"there is no tenant {tenant_id}; create it first")
