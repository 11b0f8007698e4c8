"""List the voices of models that speak: those that ship, and those that providers name.

Providers are asked at most hourly, by one caller at a time. Orders never ask them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from fermata.domain.catalogue.models import Catalogue, Model
from fermata.domain.catalogue.voices import Voice, shipped_voices, with_found
from fermata.domain.orders.order_request import find_model
from fermata.domain.providers.calls import VoiceLister
from fermata.errors import ConfigurationError, FieldError, InvalidRequestError, TransientError, UpstreamCallError
from fermata.log import logger
from fermata.ports.money import WalletStore
from fermata.ports.providers import ProviderKeys, Upstream, VoiceStore
from fermata.use_cases.generation.follow.parse_answer import read_answer

ASK_WITHIN_S: Final = 5
KEPT_FOR: Final = timedelta(hours=1)
ASK_AGAIN_AFTER: Final = timedelta(minutes=5)
"""The pause after a provider was asked in vain."""


@dataclass(frozen=True)
class VoicePorts:
    """Ports of `list_voices`."""

    catalogue: Catalogue
    voices: VoiceStore
    upstream: Upstream
    keys: ProviderKeys
    listers: Callable[[str], VoiceLister | None]
    wallets: WalletStore


@dataclass(frozen=True)
class VoiceQuery:
    """Which voices are wanted: those of one model or, for None, of all, in one language or in all."""

    model_id: str | None = None
    language: str | None = None


def list_voices(query: VoiceQuery, tenant_id: str, ports: VoicePorts, now: datetime) -> tuple[Voice, ...]:
    """The wanted voices, with those of this tenant at the end. Raises `InvalidRequestError` for a model that is not on
    offer or does not speak.
    """
    model_id, language = query.model_id, query.language
    names = _lists(model_id, ports.catalogue)
    voices = {voice.id: voice for name in names for voice in _voices_of(name, ports, now)}
    for own in _own_voices(model_id, tenant_id, ports):
        voices.setdefault(own.id, own)
    wanted = None if language is None else language.lower()
    return tuple(each for each in voices.values() if wanted in (None, (each.language or "").lower()))


def _lists(model_id: str | None, catalogue: Catalogue) -> Iterable[str]:
    if model_id is None:
        return dict.fromkeys(model.speech.voices for model in catalogue.models if model.speech)
    model = find_model(model_id, "/model", catalogue)
    if model.speech is None:
        raise InvalidRequestError([FieldError("/model", f"must be a model that speaks; {model_id} makes songs")])
    return (model.speech.voices,)


def _own_voices(model_id: str | None, tenant_id: str, ports: VoicePorts) -> Iterable[Voice]:
    """The voices that only some tenants may order, if a wanted model has them; nothing while the table is down."""
    models = ports.catalogue.models if model_id is None else (find_model(model_id, "/model", ports.catalogue),)
    if not any(model.speaks_for_itself for model in models):
        return ()
    try:
        wallet = ports.wallets.find(tenant_id)
    except TransientError as error:
        logger.warning("the voices of a tenant are not shown", extra={"cause": str(error)})
        return ()
    return tuple(Voice(id=voice) for voice in (wallet.own_voices if wallet else ()))


def _voices_of(name: str, ports: VoicePorts, now: datetime) -> tuple[Voice, ...]:
    shipped = shipped_voices().get(name, ())
    try:
        known = ports.voices.load(name)
        if known.is_due(now) and ports.voices.take_turn(name, now, now + ASK_AGAIN_AFTER):
            asked = _ask(name, ports)
            if asked is not None:
                ports.voices.save(name, asked, now + KEPT_FOR)
                return with_found(shipped, asked)
    except TransientError as error:
        logger.warning("the voices that a provider named are not shown", extra={"cause": str(error)})
        return shipped
    return with_found(shipped, known.voices)


def _ask(name: str, ports: VoicePorts) -> tuple[Voice, ...] | None:
    """The voices that the provider of this name lists now, or None."""
    model = next((each for each in ports.catalogue.models if _lists_itself(each, name)), None)
    lister = ports.listers(model.spoken) if model is not None else None
    if lister is None:
        return None
    try:
        _, key = ports.keys.current(name)
        with ports.upstream.send(name, lister.voices_call(), key, ASK_WITHIN_S) as answer:
            listed = lister.read_voices(read_answer(answer))
    except (ConfigurationError, UpstreamCallError) as error:
        logger.warning("a provider did not list its voices", extra={"provider": name, "cause": str(error)})
        return None
    if listed is None:
        logger.warning("a provider did not list its voices", extra={"provider": name, "cause": "another answer"})
        return None
    return tuple(Voice(id=voice, name=called or None) for voice, called in listed.items())


def _lists_itself(model: Model, name: str) -> bool:
    """Whether the model speaks with its own provider's list of voices, which has this name."""
    return model.speaks_for_itself and model.provider == name
