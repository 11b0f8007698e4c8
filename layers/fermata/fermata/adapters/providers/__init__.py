"""One module per provider's dialect, imported only when a job needs it."""

from collections.abc import Mapping
from importlib import import_module
from typing import Final

from fermata.domain.upstream import Provider
from fermata.errors import ConfigurationError

_MODULES: Final[Mapping[str, str]] = {
    "minimax": "fermata.adapters.providers.minimax",
    "skillboss": "fermata.adapters.providers.skillboss",
    "apiinone": "fermata.adapters.providers.apiinone",
    "aimlapi": "fermata.adapters.providers.aimlapi",
}


def load_provider(provider_id: str) -> Provider:
    """The dialect of a provider; raises `ConfigurationError` where there is none."""
    module = _MODULES.get(provider_id)
    if module is None:
        raise ConfigurationError(
            f"expected a provider among {', '.join(sorted(_MODULES))}, found '{provider_id}'; correct the catalogue"
        )
    provider: Provider = import_module(module).PROVIDER
    return provider
