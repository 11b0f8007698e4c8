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
    """The key's id, the part between `fk_` and the next `_`; it is no secret."""
    object: Literal["api_key"]
    """What this is."""
    name: str | None
    """The name that was given to the key; null without one."""
    scopes: list[Scope]
    """What the key may do."""
    monthly_credits: Annotated[int, Field(ge=1)] | None
    """Most credits that its orders may spend and hold per calendar month (UTC); null without a cap."""
    created_at: Moment
    """When the key was issued, in UTC."""
    expires_at: Moment | None
    """When the key ends, in UTC; null if it does not."""
    revoked_at: Moment | None
    """When the key was revoked, in UTC; null if it was not."""
    rotated_to: KeyId | None
    """The id of the key that replaced it; null if none did."""
    last_used_at: Moment | None
    """When the key was last used, in UTC, exact to a minute; null if it never was."""


class Key(_Key):
    """A key without its secret."""

    used_credits: Credits | None
    """The credits that count towards `monthly_credits` now, with its predecessors and successors; null without a cap.
    """

    @classmethod
    def of(cls, shown: ShownKey) -> "Key":
        """A key in a list."""
        return cls.model_construct(**_facts(shown.record), used_credits=shown.used_credits)


class KeyList(Body):
    """A page of keys, newest first."""

    data: list[Key]
    """The keys, newest first."""
    next_cursor: str | None
    """The `cursor` of the next page; null on the last one."""

    @classmethod
    def of(cls, shown: Iterable[ShownKey], next_cursor: str | None) -> "KeyList":
        """One page, and the cursor of the next."""
        return cls.model_construct(data=[Key.of(key) for key in shown], next_cursor=next_cursor)


class ReplacedKey(Body):
    """A key that was rotated."""

    id: KeyId
    """The id of the replaced key."""
    expires_at: Moment | None
    """When the replaced key ends, in UTC; null if it does not."""

    @classmethod
    def of(cls, key: ApiKey) -> "ReplacedKey":
        """The key and when it ends."""
        return cls.model_construct(id=key.key_id, expires_at=rfc3339(key.expires_at))


class NewKey(_Key):
    """A new key."""

    api_key: str
    """The key itself, which no other answer shows."""
    replaces: ReplacedKey | None
    """The key that it replaces; null for one that replaces none."""

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
