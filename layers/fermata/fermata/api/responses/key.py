"""A tenant's API keys."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import Field

from fermata.api.responses.body import Body, Credits
from fermata.domain.tenants.api_keys import KEY_ID_PATTERN, ApiKey, Scope
from fermata.domain.tenants.shown_key import IssuedKey, ShownKey
from fermata.domain.web.formats import Moment, rfc3339

KeyId = Annotated[str, Field(pattern=KEY_ID_PATTERN)]


class _Key(Body):
    id: KeyId
    object: Literal["api_key"]
    name: str | None
    scopes: list[Scope]
    monthly_credits: Annotated[int, Field(ge=1)] | None
    created_at: Moment
    expires_at: Moment | None
    revoked_at: Moment | None
    rotated_to: KeyId | None
    last_used_at: Moment | None


class Key(_Key):
    """A key without its secret. `monthly_credits` is its cap per calendar month in UTC, `used_credits` what counts in
    it now, spent and held, with its predecessors and successors; both are null without a cap. `last_used_at` is exact
    to a minute.
    """

    used_credits: Credits | None

    @classmethod
    def of(cls, shown: ShownKey) -> "Key":
        """A key in a list."""
        return cls.model_construct(**_facts(shown.record), used_credits=shown.used_credits)


class KeyList(Body):
    """A page of keys, newest first."""

    data: list[Key]
    next_cursor: str | None

    @classmethod
    def of(cls, shown: Iterable[ShownKey], next_cursor: str | None) -> "KeyList":
        """One page, and the cursor of the next."""
        return cls.model_construct(data=[Key.of(key) for key in shown], next_cursor=next_cursor)


class ReplacedKey(Body):
    """A key that was rotated, and its end."""

    id: KeyId
    expires_at: Moment | None

    @classmethod
    def of(cls, key: ApiKey) -> "ReplacedKey":
        """The key and when it ends."""
        return cls.model_construct(id=key.key_id, expires_at=rfc3339(key.expires_at))


class NewKey(_Key):
    """A new key. `api_key` is the key itself, which no other answer shows."""

    api_key: str
    replaces: ReplacedKey | None

    @classmethod
    def of(cls, issued: IssuedKey) -> "NewKey":
        """The answer to the request that made the key."""
        replaces = ReplacedKey.of(issued.replaced) if issued.replaced else None
        return cls.model_construct(**_facts(issued.record), api_key=issued.api_key, replaces=replaces)


def _facts(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.key_id,
        "object": "api_key",
        "name": key.name,
        "scopes": list(key.scopes),
        "monthly_credits": key.monthly_credits,
        "created_at": rfc3339(key.created_at),
        "expires_at": rfc3339(key.expires_at),
        "revoked_at": rfc3339(key.revoked_at),
        "rotated_to": key.rotated_to,
        "last_used_at": rfc3339(key.last_used_at),
    }
