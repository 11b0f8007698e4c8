"""What a key with `account:manage` may give to other keys, and which keys it may change: nothing beyond itself."""

from collections.abc import Collection, Iterator
from datetime import datetime

from fermata.domain.tenants.api_keys import ApiKey, Scope
from fermata.domain.web.formats import rfc3339
from fermata.errors import BeyondOwnKeyError, FieldError


def refuse_beyond(
    own: ApiKey, scopes: Collection[Scope], expires_at: datetime | None, monthly_credits: int | None
) -> None:
    """Raise `BeyondOwnKeyError` for a key that would do more, spend more or last longer than the caller's own."""
    wrong = list(_beyond(own, scopes, expires_at, monthly_credits))
    if wrong:
        raise BeyondOwnKeyError(wrong)


def refuse_to_change(own: ApiKey, key: ApiKey) -> None:
    """Raise `BeyondOwnKeyError` for the caller's own key, and for one that does more, spends more or lasts longer."""
    if key.key_id == own.key_id:
        raise BeyondOwnKeyError([FieldError("/id", "is the key of this request, which cannot change itself")])
    wider = [field.pointer.removeprefix("/") for field in _beyond(own, key.scopes, key.expires_at, key.monthly_credits)]
    if wider:
        found = f"is a key that may do more than the key of this request ({', '.join(wider)}); use one that may as much"
        raise BeyondOwnKeyError([FieldError("/id", found)])


def _beyond(
    own: ApiKey, scopes: Collection[Scope], expires_at: datetime | None, monthly_credits: int | None
) -> Iterator[FieldError]:
    lacking = sorted(set(scopes) - set(own.scopes))
    if lacking:
        yield FieldError("/scopes", f"must be among those of the key of this request, which lacks {', '.join(lacking)}")
    if own.expires_at is not None and (expires_at is None or expires_at > own.expires_at):
        yield FieldError("/expires_at", f"must be at most {rfc3339(own.expires_at)}, when the key of this request ends")
    if own.monthly_credits is not None and (monthly_credits is None or monthly_credits > own.monthly_credits):
        found = f"must be at most {own.monthly_credits}, the cap of the key of this request"
        yield FieldError("/monthly_credits", found)
