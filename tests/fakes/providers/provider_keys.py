"""A fake of the provider keys."""

from collections.abc import Callable, Mapping
from typing import Final

from fermata.errors import (
    ConfigurationError,
)
from tests.fakes.settings import PROVIDERS

KEY: Final = "sk-canary-of-the-provider-key"


class FixedProviderKeys:
    def __init__(self, keys: Mapping[str, Mapping[str, str]] | None = None) -> None:
        self.keys = {name: {"default": KEY} for name in PROVIDERS} if keys is None else dict(keys)
        self.on_use: Callable[[], object] | None = None

    def current(self, provider: str) -> tuple[str, str]:
        if self.on_use is not None:
            self.on_use()
        for alias, key in self.keys.get(provider, {}).items():
            return alias, key
        raise ConfigurationError(f"there is no key for {provider}; add one to the secret")

    def aliases(self, provider: str) -> tuple[str, ...]:
        return tuple(self.keys.get(provider, {}))

    def by_alias(self, provider: str, alias: str) -> str:
        key = self.keys.get(provider, {}).get(alias)
        if key is None:
            raise ConfigurationError(f"there is no key {alias} for {provider}; keep it until its jobs ended")
        return key
