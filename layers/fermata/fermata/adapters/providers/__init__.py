"""One module per dialect, imported only when a job needs it. A provider may have several dialects."""

from collections.abc import Mapping
from importlib import import_module
from typing import Final

from fermata.domain.providers.calls import Provider, ReferenceTaker, VoiceLister
from fermata.errors import ConfigurationError

_MODULES: Final[Mapping[str, str]] = {
    "minimax": "fermata.adapters.providers.minimax",
    "minimax_speech": "fermata.adapters.providers.speech.minimax_speech",
    "skillboss": "fermata.adapters.providers.skillboss",
    "apiinone": "fermata.adapters.providers.apiinone",
    "aimlapi": "fermata.adapters.providers.aimlapi",
    "aimlapi_music01": "fermata.adapters.providers.aimlapi_music01",
    "aimlapi_speech": "fermata.adapters.providers.speech.aimlapi_speech",
}


def load_provider(dialect: str) -> Provider:
    """The adapter for a dialect; raises `ConfigurationError` for an unknown one."""
    module = _MODULES.get(dialect)
    if module is None:
        raise ConfigurationError(
            f"expected a dialect among {', '.join(sorted(_MODULES))}, found '{dialect}'; correct the catalogue"
        )
    provider: Provider = import_module(module).PROVIDER
    return provider


def load_reference_taker(dialect: str) -> ReferenceTaker:
    """The adapter for a dialect with uploads of recordings; raises `ConfigurationError` for any other."""
    provider = load_provider(dialect)
    if not isinstance(provider, ReferenceTaker):
        raise ConfigurationError(
            f"expected a dialect that takes uploads of recordings, found '{dialect}'; correct the catalogue"
        )
    return provider


def load_voice_lister(dialect: str) -> VoiceLister | None:
    """The adapter for a dialect whose provider lists its voices; None for any other dialect."""
    provider = load_provider(dialect)
    return provider if isinstance(provider, VoiceLister) else None
