"""A tenant's own keys over HTTP: issue, list, rotate and revoke, within what the key of the request may do itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from fermata.domain.money.key_counter import KeyCounter
from fermata.domain.orders.order_request import Moment
from fermata.domain.tenants.api_keys import KEPT_AFTER_END, USUAL_SCOPES, ApiKey, Scope, is_key_id
from fermata.domain.tenants.delegation import refuse_beyond, refuse_to_change
from fermata.domain.tenants.key_page import parse_key_page
from fermata.domain.tenants.shown_key import IssuedKey, ShownKey
from fermata.domain.tenants.tenant import Caller
from fermata.domain.web.json_body import read_body, read_optional_body
from fermata.errors import BeyondOwnKeyError, FieldError, InvalidRequestError, NotFoundError, TooManyKeysError
from fermata.log import logger
from fermata.ports.money import KeyCounters
from fermata.ports.tenants import TenantStore
from fermata.use_cases.accounts.issue_keys import (
    DEFAULT_OVERLAP_S,
    KeyName,
    KeyTerms,
    MonthlyCredits,
    Overlap,
    check_rotation,
    issue_key,
    rotate_key,
    terms_after_rotation,
)

MOST_KEYS: Final = 1_000
"""Most keys of a tenant that it may add to itself, those included that ended within `KEPT_AFTER_END`. Simultaneous
requests may exceed it by their number.
"""


class _Body(BaseModel):
    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")


class KeyRequest(_Body):
    """A key to issue."""

    name: KeyName | None = None
    """A name for people; none by default."""
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=len(Scope))] | None = None
    """What the key may do; by default those of `account:read`, `jobs:read` and `jobs:write` that the key of this
    request has.
    """
    expires_at: Moment | None = None
    """When the key ends, in UTC; by default when the key of this request does. Null means no end."""
    monthly_credits: MonthlyCredits | None = None
    """Most credits that its orders may spend and hold per calendar month (UTC); by default that of the key of this
    request. Null means no cap.
    """


class KeyRotation(_Body):
    """How a key is replaced."""

    overlap_s: Overlap = DEFAULT_OVERLAP_S
    """For how many seconds the old key stays valid; a day (86,400) by default."""
    expires_at: Moment | None = None
    """When the new key ends, in UTC; by default when the old one would. Null means no end."""
    monthly_credits: MonthlyCredits | None = None
    """The new key's cap in credits per calendar month (UTC); by default that of the old one. Null means no cap."""


@dataclass(frozen=True)
class KeyPorts:
    """Ports of a tenant's own keys."""

    tenants: TenantStore
    counters: KeyCounters


def issue_own_key(body: bytes, caller: Caller, ports: KeyPorts, now: datetime, randomness: bytes) -> IssuedKey:
    """Store a key of the caller's tenant. Raises a `RequestRefusedError` before anything is stored: a
    `BeyondOwnKeyError` for a key that would do more, spend more or last longer than the caller's own. Raises
    `TransientError`.
    """
    own, wanted = _own(caller, ports, now), read_body(body, KeyRequest)
    terms = _terms(wanted, own)
    terms.check(now)
    refuse_beyond(own, terms.scopes, terms.expires_at, terms.monthly_credits)
    _refuse_too_many(caller.tenant_id, ports)
    return _noted("issue_key", caller, issue_key(caller.tenant_id, terms, ports.tenants, now, randomness))


def rotate_own_key(
    key_id: str, body: bytes, caller: Caller, ports: KeyPorts, now: datetime, randomness: bytes
) -> IssuedKey:
    """Replace a key of the caller's tenant; raises as `issue_own_key` does, `NotFoundError` and `NotRotatableError`."""
    own, wanted = _own(caller, ports, now), read_optional_body(body, KeyRotation)
    old = _changeable(key_id, own, ports)
    check_rotation(old, now)
    terms = terms_after_rotation(old, *_bounds(wanted, old))
    terms.check(now)
    refuse_beyond(own, terms.scopes, terms.expires_at, terms.monthly_credits)
    _refuse_too_many(caller.tenant_id, ports)
    return _noted("rotate_key", caller, rotate_key(old, terms, wanted.overlap_s, ports.tenants, now, randomness))


def revoke_own_key(key_id: str, caller: Caller, ports: KeyPorts, now: datetime) -> None:
    """Revoke a key of the caller's tenant; a revoked one stays as it is. Raises `NotFoundError`, `BeyondOwnKeyError`
    and `TransientError`.
    """
    key = _changeable(key_id, _own(caller, ports, now), ports)
    ports.tenants.revoke_key(key, now)
    _note("revoke_key", caller, key)


def list_own_keys(
    tenant_id: str, parameters: Mapping[str, str], ports: KeyPorts, now: datetime
) -> tuple[list[ShownKey], str | None]:
    """The page of a tenant's keys, newest first, that the query parameters request, and the cursor of the next. Raises
    `InvalidRequestError` and `TransientError`.
    """
    page = parse_key_page(tenant_id, parameters)
    shown, cursor = page.of(ports.tenants.keys_of(tenant_id))
    counters = ports.counters.of(tenant_id, {key.cap.counter_id for key in shown if key.cap})
    return [ShownKey(key, _used(key, counters, now)) for key in shown], cursor


def _noted(action: str, caller: Caller, issued: IssuedKey) -> IssuedKey:
    _note(action, caller, issued.record)
    return issued


def _note(action: str, caller: Caller, key: ApiKey) -> None:
    """Leave a line of the audit, as the operator's commands do; here the authorizer saw who it was."""
    about = {"action": action, "tenant_id": key.tenant_id, "key_id": key.key_id}
    logger.info("audit", extra={"by_key": caller.key_id, **about, "outcome": "done"})


def _used(key: ApiKey, counters: Mapping[str, KeyCounter], now: datetime) -> int | None:
    cap = key.cap
    if cap is None:
        return None
    counter = counters.get(cap.counter_id)
    return counter.in_month_of(now).committed if counter else 0


def _own(caller: Caller, ports: KeyPorts, now: datetime) -> ApiKey:
    """The caller's own key as it is now, because API Gateway remembers its authorization for a while."""
    own = ports.tenants.find_key(caller.key_id)
    if own is None or not own.is_live(now):
        raise BeyondOwnKeyError([FieldError("", "was sent with a key that is revoked or has expired; use another")])
    return own


def _terms(wanted: KeyRequest, own: ApiKey) -> KeyTerms:
    scopes = tuple(wanted.scopes or [scope for scope in USUAL_SCOPES if scope in own.scopes])
    if not scopes:
        raise InvalidRequestError([FieldError("/scopes", f"is required; allowed: {', '.join(own.scopes)}")])
    expires_at, monthly_credits = _bounds(wanted, own)
    return KeyTerms(scopes, expires_at, wanted.name, monthly_credits)


def _bounds(wanted: KeyRequest | KeyRotation, else_of: ApiKey) -> tuple[datetime | None, int | None]:
    """The end and the cap that a request gives, null included, or those of another key where it leaves them out."""
    given = wanted.model_fields_set
    return (
        wanted.expires_at if "expires_at" in given else else_of.expires_at,
        wanted.monthly_credits if "monthly_credits" in given else else_of.monthly_credits,
    )


def _changeable(key_id: str, own: ApiKey, ports: KeyPorts) -> ApiKey:
    key = ports.tenants.find_key(key_id) if is_key_id(key_id) else None
    if key is None or key.tenant_id != own.tenant_id:
        # The given id is not repeated: it may be a whole key.
        raise NotFoundError("there is no key of this id; the id of fk_aaaaaaaa_... is aaaaaaaa")
    refuse_to_change(own, key)
    return key


def _refuse_too_many(tenant_id: str, ports: KeyPorts) -> None:
    if len(ports.tenants.keys_of(tenant_id)) >= MOST_KEYS:
        raise TooManyKeysError(MOST_KEYS, KEPT_AFTER_END.days)
