"""The only module that reads the environment.

Each function loads its own settings (`load(StartSettings)`). One error reports every missing or wrong name, and never a
value. Durations are whole seconds; the template holds their defaults.
"""

import os
from collections.abc import Mapping
from typing import Annotated, Final, Self, TypeVar

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Json,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from fermata.domain.audio.marks import Marking
from fermata.domain.orders.chain import MAX_FALLBACKS
from fermata.domain.providers.circuit import CircuitRules
from fermata.domain.providers.patience import PatiencePolicy
from fermata.domain.web.safe_url import TrustedOrigins
from fermata.errors import ConfigurationError

MACHINE_TIMEOUT_S: Final = 21_600
"""`TimeoutSeconds` of `statemachine/music_job.asl.json`."""


def _split_comma_list(value: str) -> frozenset[str]:
    return frozenset(part.strip() for part in value.split(",") if part.strip())


CommaSet = Annotated[frozenset[str], BeforeValidator(_split_comma_list)]
DefaultFallbacks = Json[dict[str, Annotated[tuple[str, ...], Field(max_length=MAX_FALLBACKS)]]]


class Settings(BaseModel):
    """Base of every function's settings: immutable, with no values in its errors."""

    model_config = ConfigDict(defer_build=True, frozen=True, hide_input_in_errors=True)


class StackSettings(Settings):
    """The name of the stack, which metrics and events carry: an account may have several stacks in a region."""

    stack_name: str


class TableSettings(Settings):
    """The table of records, and when it was restored to an earlier state; None for the stack's own table."""

    table_name: str
    table_restored_at: Annotated[AwareDatetime | None, BeforeValidator(lambda value: value or None)] = None


class CatalogueSettings(TableSettings):
    """Settings of functions that read the catalogue; `settings_version` identifies the operator's settings over it."""

    settings_version: str


class TrustedOriginSettings(TableSettings):
    """Settings of functions that accept addresses."""

    trusted_local_origins: CommaSet


class EndpointSettings(TrustedOriginSettings):
    """Settings of functions that accept or call tenants' webhook endpoints."""

    trusted_webhook_origins: CommaSet

    @property
    def trusted(self) -> TrustedOrigins:
        """The origins besides public https that tenants' links may lead to."""
        links = frozenset(origin.lower() for origin in self.trusted_local_origins)
        return TrustedOrigins(links, links | {origin.lower() for origin in self.trusted_webhook_origins})


class StartDeliverySettings(TableSettings):
    """Settings of functions that start webhook deliveries."""

    webhook_delivery_machine_arn: str


class DeliverSettings(EndpointSettings):
    """Settings of `deliver_webhook`."""

    connect_timeout_seconds: PositiveInt
    webhook_timeout_seconds: PositiveInt


class SubmitSettings(CatalogueSettings, EndpointSettings):
    """Settings of `submit_job`."""

    music_job_machine_arn: str
    audio_bucket: str
    default_fallbacks: DefaultFallbacks
    start_by_seconds: PositiveInt
    reaper_first_check_seconds: PositiveInt
    longest_finish_by_seconds: PositiveInt


class WaitSettings(Settings):
    """Maximum number of requests, over all tenants, that wait for the end of a job at the same time; 0 for none."""

    waiting_environments: NonNegativeInt


class InboxSettings(Settings):
    """The bucket of tenants' request files and of their results."""

    inbox_bucket: str


class IngestSettings(InboxSettings):
    """Settings of `ingest_request` besides `SubmitSettings`."""

    batch_machine_arn: str
    batch_concurrency: PositiveInt
    batch_tolerated_failure_percent: NonNegativeInt


class FileSettings(TableSettings):
    """Settings of functions that delete files of songs or of references, or measure songs."""

    audio_bucket: str


class RescueBoundsSettings(TableSettings):
    """Limits of rescues in seconds: their time after an order, and the maximum pause between two tries."""

    result_life_seconds: PositiveInt
    rescue_longest_pause_seconds: PositiveInt


class ReapSettings(StartDeliverySettings, RescueBoundsSettings):
    """Settings of `reap_jobs`."""

    audio_bucket: str
    music_job_machine_arn: str
    rescue_machine_arn: str
    reaper_idle_seconds: PositiveInt
    reaper_absent_gap_seconds: PositiveInt


class ShowSettings(CatalogueSettings):
    """Settings of functions that show jobs; a link works for at most an hour."""

    audio_bucket: str
    link_ttl_seconds: Annotated[PositiveInt, Field(le=3600)]


class LiveAddressSettings(TableSettings):
    """Settings of functions that show the addresses of live songs; `live_url` is the URL of the live API."""

    live_secret_arn: str
    live_url: str


class ReadLiveSettings(TableSettings):
    """Settings of `read_live`: how long an address answers after its job succeeded, and a link to a piece works."""

    audio_bucket: str
    live_grace_seconds: PositiveInt
    link_ttl_seconds: Annotated[PositiveInt, Field(le=3600)]


class UploadSettings(TableSettings):
    """Settings of `create_reference`."""

    audio_bucket: str
    reference_link_seconds: PositiveInt


class UpstreamSettings(CatalogueSettings):
    """Settings of every call to a provider's API."""

    provider_keys_secret_arn: str
    trusted_local_origins: CommaSet
    connect_timeout_seconds: PositiveInt


class ManageSettings(UpstreamSettings, EndpointSettings):
    """Settings of `manage_tenants`."""

    audio_bucket: str
    music_job_machine_arn: str
    reaper_first_check_seconds: PositiveInt


class CircuitSettings(TableSettings):
    """The rules of the circuit breaker: the failures that open a circuit, and its pauses."""

    circuit_failures: PositiveInt
    circuit_window_seconds: PositiveInt
    circuit_open_seconds: PositiveInt
    circuit_longest_open_seconds: PositiveInt

    @model_validator(mode="after")
    def _the_pause_can_double(self) -> Self:
        if self.circuit_longest_open_seconds < self.circuit_open_seconds:
            raise ValueError(
                f"CIRCUIT_LONGEST_OPEN_SECONDS = {self.circuit_longest_open_seconds} is less than "
                f"CIRCUIT_OPEN_SECONDS = {self.circuit_open_seconds}; lengthen the former or shorten the latter"
            )
        return self

    @property
    def circuit_rules(self) -> CircuitRules:
        """The same rules, with durations in milliseconds."""
        return CircuitRules(
            failures=self.circuit_failures,
            window_ms=1000 * self.circuit_window_seconds,
            open_ms=1000 * self.circuit_open_seconds,
            longest_open_ms=1000 * self.circuit_longest_open_seconds,
        )


class RememberedKeySettings(UpstreamSettings):
    """Settings of functions that cache the providers' keys."""

    provider_key_max_age_seconds: PositiveInt


class StartSettings(RememberedKeySettings, CircuitSettings):
    """Settings of `start_generation`."""

    audio_bucket: str
    read_gap_seconds: PositiveInt
    start_timeout_seconds: PositiveInt
    post_reserve_seconds: PositiveInt
    claim_margin_seconds: PositiveInt
    retry_later_seconds: PositiveInt
    callback_timeout_seconds: PositiveInt
    api_url_parameter: str
    reference_link_seconds: PositiveInt
    live_secret_arn: str
    start_by_seconds: PositiveInt
    generation_timeout_seconds: PositiveInt
    patience_seconds: PositiveInt
    marking: Marking

    @model_validator(mode="after")
    def _a_patient_job_must_fit_into_its_execution(self) -> Self:
        needed = (
            self.start_by_seconds + self.start_timeout_seconds + self.generation_timeout_seconds + self.patience_seconds
        )
        if needed > MACHINE_TIMEOUT_S:
            raise ValueError(
                f"START_BY_SECONDS + START_TIMEOUT_SECONDS + GENERATION_TIMEOUT_SECONDS + PATIENCE_SECONDS = {needed} "
                f"is more than the {MACHINE_TIMEOUT_S} s that an execution may take. Its timeout would lose a paid "
                "song, so shorten one of them"
            )
        return self

    @model_validator(mode="after")
    def _the_answer_must_fit_into_the_function(self) -> Self:
        needed = self.read_gap_seconds + self.post_reserve_seconds
        if needed > self.start_timeout_seconds:
            raise ValueError(
                f"READ_GAP_SECONDS + POST_RESERVE_SECONDS = {needed} is more than "
                f"START_TIMEOUT_SECONDS = {self.start_timeout_seconds}; "
                "shorten the read gap or lengthen the function's timeout"
            )
        return self


class PrepareSettings(UpstreamSettings):
    """Settings of `prepare_reference`."""

    audio_bucket: str
    retry_later_seconds: PositiveInt


class PatienceSettings(TableSettings):
    """Limits of the retries of a job's free steps: their time, and the maximum pause between two tries."""

    patience_seconds: PositiveInt
    patience_longest_pause_seconds: PositiveInt

    @property
    def patience(self) -> PatiencePolicy:
        """The policy of all free steps."""
        return PatiencePolicy(self.patience_seconds, self.patience_longest_pause_seconds)


class PollSettings(RememberedKeySettings, PatienceSettings):
    """Settings of `poll_generation`; only the laptop sets `time_scale`."""

    audio_bucket: str
    generation_timeout_seconds: PositiveInt
    poll_pauses_seconds: NonNegativeInt
    time_scale: PositiveFloat = 1.0


class StoreSettings(PatienceSettings):
    """Settings of `store_audio`."""

    audio_bucket: str
    audio_hosts: CommaSet
    extra_audio_hosts: CommaSet
    trusted_local_origins: CommaSet
    connect_timeout_seconds: PositiveInt
    track_retention_days: NonNegativeInt
    marking: Marking
    signing_secret_arn: str


class RescueSettings(RememberedKeySettings, RescueBoundsSettings):
    """Settings of `rescue_audio`; at most `rescue_concurrency` runs fetch at the same time."""

    audio_bucket: str
    audio_hosts: CommaSet
    extra_audio_hosts: CommaSet
    rescue_concurrency: PositiveInt


SettingsT = TypeVar("SettingsT", bound=Settings)


def load(settings: type[SettingsT], environment: Mapping[str, str] | None = None) -> SettingsT:
    """Read `settings` from `environment`, by default the process's own.

    Raises `ConfigurationError` that names every missing or wrong setting.
    """
    source = os.environ if environment is None else environment
    values = {name: source[name.upper()] for name in settings.model_fields if name.upper() in source}
    try:
        return settings.model_validate(values)
    except ValidationError as error:
        raise ConfigurationError(
            f"{settings.__name__}: " + "; ".join(_describe(part) for part in error.errors())
        ) from None


def _describe(part: ErrorDetails) -> str:
    name = str(part["loc"][0]).upper() if part["loc"] else ""
    if part["type"] == "missing":
        return f"{name} is not set"
    return f"{name} {part['msg'].removeprefix('Value error, ')}".strip()
