"""Issue and rotate API keys, for an operator's command and for a tenant's own request alike."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final

from pydantic import AfterValidator, Field, StrictStr, WithJsonSchema

from fermata.domain.tenants.api_keys import ApiKey, Scope, new_api_key
from fermata.domain.tenants.plan_limits import MAX_AMOUNT, Credits
from fermata.domain.tenants.shown_key import IssuedKey
from fermata.domain.web.formats import rfc3339
from fermata.domain.web.visible_text import is_blank
from fermata.domain.web.whole_number import WholeNumber
from fermata.errors import FieldError, InvalidRequestError, NotRotatableError, StaleRecordError, TransientError
from fermata.ports.tenants import TenantStore

DEFAULT_OVERLAP_S: Final = 86_400
LONGEST_OVERLAP_S: Final = 30 * 86_400
LONGEST_NAME: Final = 80
LONGEST_LIFE: Final = timedelta(days=3650)


def _printable(text: str) -> str:
    if is_blank(text) or not text.isprintable():
        raise ValueError("must have a visible character and none that cannot be printed, such as a line break")
    return text


KeyName = Annotated[StrictStr, Field(max_length=LONGEST_NAME), AfterValidator(_printable)]
Overlap = Annotated[
    WholeNumber,
    Field(ge=0, le=LONGEST_OVERLAP_S),
    WithJsonSchema({"type": "integer", "minimum": 0, "maximum": LONGEST_OVERLAP_S}),
]
MonthlyCredits = Annotated[Credits, WithJsonSchema({"type": "integer", "minimum": 1, "maximum": MAX_AMOUNT})]


@dataclass(frozen=True)
class KeyTerms:
    """What a new key may do and until when; `monthly_credits` is its cap per calendar month in UTC, None for none."""

    scopes: tuple[Scope, ...]
    expires_at: datetime | None
    name: str | None = None
    monthly_credits: int | None = None

    def check(self, now: datetime) -> None:
        """Raise `InvalidRequestError` for a key that would have no time, or more than any key may have."""
        latest = now + LONGEST_LIFE
        if self.expires_at is not None and not now < self.expires_at <= latest:
            found = f"must lie in the future, at most at {rfc3339(latest)}, got {rfc3339(self.expires_at)}"
            raise InvalidRequestError([FieldError("/expires_at", found)])


def terms_after_rotation(old: ApiKey, expires_at: datetime | None, monthly_credits: int | None) -> KeyTerms:
    """The terms of a key that takes the place of `old` with this end and this cap."""
    return KeyTerms(old.scopes, expires_at, old.name, monthly_credits)


def issue_key(tenant_id: str, terms: KeyTerms, tenants: TenantStore, now: datetime, randomness: bytes) -> IssuedKey:
    """Store a new key of an existing tenant. Raises `InvalidRequestError` and `TransientError`."""
    issued = _made(tenant_id, terms, now, randomness)
    try:
        tenants.add_key(issued.record)
    except StaleRecordError as error:
        raise TransientError(f"{error}; try again") from error
    return issued


def rotate_key(
    old: ApiKey, terms: KeyTerms, overlap_s: int, tenants: TenantStore, now: datetime, randomness: bytes
) -> IssuedKey:
    """Store a key that takes the place of `old`, which stays valid for `overlap_s` seconds; both count their credits
    together. Raises `NotRotatableError`, `InvalidRequestError` and `TransientError`.
    """
    check_rotation(old, now)
    issued = _made(old.tenant_id, terms, now, randomness)
    record = issued.record.model_copy(update={"counter_id": old.counter_id or old.key_id})
    replaced = old.replaced_by(record.key_id, now + timedelta(seconds=overlap_s))
    try:
        tenants.rotate_key(replaced, record)
    except StaleRecordError as error:
        raise TransientError(f"{error}; look at the list of keys before you repeat it") from error
    return IssuedKey(issued.api_key, record, replaced)


def check_rotation(old: ApiKey, now: datetime) -> None:
    """Raise `NotRotatableError` for a key that has ended or was rotated before."""
    if not old.is_live(now):
        raise NotRotatableError("the key is revoked or has expired; issue a new key")
    if old.rotated_to is not None:
        raise NotRotatableError(f"the key was rotated to {old.rotated_to} before; rotate that one")


def _made(tenant_id: str, terms: KeyTerms, now: datetime, randomness: bytes) -> IssuedKey:
    terms.check(now)
    key, record = new_api_key(tenant_id, now, randomness, terms.scopes, terms.expires_at)
    return IssuedKey(key, record.model_copy(update={"name": terms.name, "monthly_credits": terms.monthly_credits}))
