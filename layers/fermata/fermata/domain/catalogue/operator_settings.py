"""The operator's settings over the catalogue: reads them from a deployment's parameters, checks and applies them."""

import hashlib
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_pascal
from pydantic_core import ErrorDetails

from fermata.domain.catalogue.models import Catalogue, Estimate, Price
from fermata.domain.providers.settings import ProviderChanges
from fermata.domain.web.json_body import read_object
from fermata.errors import ConfigurationError, RequestRefusedError

NOTHING_SET: Final = "none"
"""The version of settings that change nothing; no record stores it."""

PROVIDER_SETTINGS: Final = "ProviderSettings"
MODEL_LATENCY_PRIORS: Final = "ModelLatencyPriors"
PRICE_OVERRIDES: Final = "PriceOverrides"
_ORIGIN: Final = re.compile(r"https?://[^/?#\s]+")
_LONGEST_NAME: Final = 60
_Entry = TypeVar("_Entry", Estimate, Price)


class OperatorSettings(BaseModel):
    """The differences from the catalogue: settings by provider id, expected seconds and prices by model id."""

    model_config = ConfigDict(defer_build=True, frozen=True, hide_input_in_errors=True)

    providers: Mapping[str, ProviderChanges] = {}
    priors: Mapping[str, Estimate] = {}
    prices: Mapping[str, Price] = {}

    def as_json(self) -> str:
        """Return the settings as text; equal settings give equal text."""
        ordered = OperatorSettings(
            providers=dict(sorted(self.providers.items())),
            priors=dict(sorted(self.priors.items())),
            prices=dict(sorted(self.prices.items())),
        )
        return ordered.model_dump_json(exclude_none=True)

    @property
    def version(self) -> str:
        """A unique name of these settings."""
        if not self.providers and not self.priors and not self.prices:
            return NOTHING_SET
        return hashlib.sha256(self.as_json().encode()).hexdigest()[:32]

    def applied_to(self, catalogue: Catalogue) -> Catalogue:
        """Return the catalogue with these settings; names that the catalogue lacks have no effect."""
        unchanged = ProviderChanges()
        providers = {
            provider: settings.changed_by(self.providers.get(provider, unchanged))
            for provider, settings in catalogue.providers.items()
        }
        return catalogue.model_copy(update={"providers": providers}).with_priors(self.priors).with_prices(self.prices)


@dataclass(frozen=True)
class GivenSettings:
    """A deployment's parameters: three JSON objects, and single settings by provider and name. An empty single setting
    is not set.
    """

    provider_settings: str
    model_latency_priors: str
    price_overrides: str
    single: Mapping[str, Mapping[str, str]]


def read_settings(given: GivenSettings, catalogue: Catalogue, trusted_origins: Collection[str]) -> OperatorSettings:
    """Return the settings of the parameters; `ProviderSettings` overrides a single parameter.

    Raises `ConfigurationError` that names every wrong parameter, provider, model and setting, and no value.
    """
    problems: list[str] = []
    earlier = _changes(_given(given.single), _parameter, catalogue, problems)
    later = _changes(_object(PROVIDER_SETTINGS, given.provider_settings, problems), _setting, catalogue, problems)
    unchanged = ProviderChanges()
    merged = {name: earlier.get(name, unchanged).then(later.get(name, unchanged)) for name in {**earlier, **later}}
    priors = _by_model(MODEL_LATENCY_PRIORS, given.model_latency_priors, Estimate, catalogue, problems)
    prices = _by_model(PRICE_OVERRIDES, given.price_overrides, Price, catalogue, problems)
    settings = OperatorSettings(
        providers={name: changes for name, changes in merged.items() if changes.as_set()}, priors=priors, prices=prices
    )
    problems.extend(_no_origins(settings))
    problems.extend(_plain_addresses(settings.applied_to(catalogue), trusted_origins))
    if problems:
        raise ConfigurationError("; ".join(problems))
    return settings


def refuse_plain_addresses(catalogue: Catalogue, trusted_origins: Collection[str]) -> None:
    """Raise `ConfigurationError` if a call would send a provider's key unencrypted to an untrusted origin."""
    problems = list(_plain_addresses(catalogue, trusted_origins))
    if problems:
        raise ConfigurationError("; ".join(problems))


def _given(single: Mapping[str, Mapping[str, str]]) -> Mapping[str, Mapping[str, str]]:
    return {provider: {name: text for name, text in settings.items() if text} for provider, settings in single.items()}


def _object(parameter: str, text: str, problems: list[str]) -> Mapping[str, Any]:
    try:
        return read_object(text.encode())
    except RequestRefusedError:
        problems.append(f"{parameter} must be one JSON object without duplicate names")
        return {}


def _changes(
    document: Mapping[str, object], name_of: "_NameOf", catalogue: Catalogue, problems: list[str]
) -> dict[str, ProviderChanges]:
    """Return the changes by provider; each provider that the catalogue lacks adds a problem."""
    found = {}
    for provider, settings in document.items():
        if provider not in catalogue.providers:
            known = ", ".join(sorted(catalogue.providers))
            problems.append(f"{PROVIDER_SETTINGS}: there is no provider {_shown(provider)}; expected one of {known}")
            continue
        try:
            found[provider] = ProviderChanges.model_validate(settings)
        except ValidationError as error:
            problems.extend(f"{name_of(provider, _step(part))} {_wrong(part)}" for part in error.errors())
    return found


def _by_model(
    parameter: str, text: str, entry: type[_Entry], catalogue: Catalogue, problems: list[str]
) -> dict[str, _Entry]:
    """Return a parameter's entries by model id; each model that the catalogue lacks adds a problem."""
    offered = set(catalogue.offered_ids())
    found = {}
    for model_id, value in _object(parameter, text, problems).items():
        if model_id not in offered:
            problems.append(f"{parameter}: there is no model {_shown(model_id)} in the catalogue")
            continue
        try:
            found[model_id] = entry.model_validate(value)
        except ValidationError as error:
            problems.extend(_sentences([parameter, model_id], error))
    return found


def _sentences(name: Sequence[str], error: ValidationError) -> Iterator[str]:
    """Return one sentence for every wrong part of the setting of this name."""
    for part in error.errors():
        yield f"{'.'.join([*name, *_step(part)])} {_wrong(part)}"


_NameOf: TypeAlias = Callable[[str, Sequence[str]], str]
"""Returns the operator's name for a setting, from its provider and its path; an empty path names the whole provider."""


def _setting(provider: str, name: Sequence[str]) -> str:
    return ".".join([PROVIDER_SETTINGS, provider, *name])


def _parameter(provider: str, name: Sequence[str]) -> str:
    return provider.capitalize() + "".join(to_pascal(step) for step in name)


def _step(part: ErrorDetails) -> list[str]:
    return [_shown(str(step)) for step in part["loc"][:1]]


def _wrong(part: ErrorDetails) -> str:
    if part["type"] == "extra_forbidden":
        return "is not a setting"
    if part["type"] == "missing":
        return "is required"
    return part["msg"].removeprefix("Value error, ")


def _shown(name: str) -> str:
    """Return a name from the operator's input, shortened if it exceeds every valid length."""
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}..."


def _no_origins(settings: OperatorSettings) -> Iterator[str]:
    for provider, changes in settings.providers.items():
        if changes.base_url is not None and not _ORIGIN.fullmatch(changes.base_url):
            yield f"the base_url of {provider} must be scheme://host[:port], without a path"


def _plain_addresses(catalogue: Catalogue, trusted_origins: Collection[str]) -> Iterator[str]:
    for provider, settings in catalogue.providers.items():
        origin = settings.origin.lower()
        if not origin.startswith("https://") and not {origin, f"{origin}:80"} & {*trusted_origins}:
            yield (
                f"the base_url of {provider} must begin with https://, because calls send the provider's key "
                "there; only the exact origins in TrustedLocalOrigins may use http"
            )
