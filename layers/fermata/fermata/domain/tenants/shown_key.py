"""API keys as their tenant sees them."""

from dataclasses import dataclass

from fermata.domain.tenants.api_keys import ApiKey


@dataclass(frozen=True)
class IssuedKey:
    """A new key with its record. `api_key` is shown in the answer to this request and stored nowhere. `replaced` is the
    key that it takes the place of.
    """

    api_key: str
    record: ApiKey
    replaced: ApiKey | None = None


@dataclass(frozen=True)
class ShownKey:
    """A key in a list; `used_credits` count in its cap in this month, None without a cap."""

    record: ApiKey
    used_credits: int | None
