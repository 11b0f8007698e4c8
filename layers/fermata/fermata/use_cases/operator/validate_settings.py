"""Check the operator's settings against the catalogue during a deployment, and store them for the functions."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_pascal

from fermata.domain.catalogue.models import Catalogue
from fermata.domain.catalogue.operator_settings import GivenSettings, read_settings
from fermata.domain.operator.stack_events import RequestType, StackAnswer, StackEvent, refused
from fermata.errors import ConfigurationError, FermataError
from fermata.ports.operator import SettingsStore

VERSION: Final = "Version"
"""The attribute from which the template passes the version of the settings to the functions that read them."""


@dataclass(frozen=True)
class SettingsPorts:
    """Ports of `validate_settings`."""

    settings: SettingsStore
    catalogue: Catalogue
    trusted_origins: Collection[str]


class _Properties(BaseModel):
    """The properties of the custom resource. `single_settings` are the parameters of single settings, by provider and
    setting; an empty one is not set.
    """

    model_config = ConfigDict(defer_build=True, alias_generator=to_pascal, hide_input_in_errors=True)

    provider_settings: str
    model_latency_priors: str
    price_overrides: str
    single_settings: Mapping[str, Mapping[str, str]]


def validate_settings(event: StackEvent, ports: SettingsPorts) -> StackAnswer:
    """Return the answer to CloudFormation: the version of the stored settings, or the reason why the deployment fails.

    A version is a hash of its settings. An update that rolls back finds the previous version, because CloudFormation
    requests its deletion only after the update is complete.
    """
    try:
        if event.request_type is RequestType.DELETE:
            return _forget(event, ports.settings)
        given = _given(event)
        settings = read_settings(given, ports.catalogue, ports.trusted_origins)
        ports.settings.keep(settings)
    except FermataError as error:
        return refused(event, str(error))
    return StackAnswer(settings.version, attributes={VERSION: settings.version})


def _given(event: StackEvent) -> GivenSettings:
    try:
        properties = _Properties.model_validate(event.resource_properties)
    except ValidationError as error:
        names = ", ".join(sorted({str(part["loc"][0]) for part in error.errors()}))
        raise ConfigurationError(f"the template gives this resource wrong properties: {names}") from None
    return GivenSettings(
        properties.provider_settings,
        properties.model_latency_priors,
        properties.price_overrides,
        properties.single_settings,
    )


def _forget(event: StackEvent, settings: SettingsStore) -> StackAnswer:
    settings.forget(event.physical_resource_id)
    return StackAnswer(event.physical_resource_id)
