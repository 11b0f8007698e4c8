"""Wires the outgoing connections besides stores: providers and their keys, file hosts, state machines and events."""

from functools import lru_cache
from typing import TYPE_CHECKING

from fermata import config
from fermata.adapters import aws
from fermata.wiring import stores

if TYPE_CHECKING:
    from collections.abc import Collection

    from fermata.domain.audio.marks import Marking
    from fermata.domain.providers.calls import Provider, ReferenceTaker, VoiceLister
    from fermata.ports.audio import AudioLinks, AudioMarker, AudioMeter, ReferenceLinks
    from fermata.ports.jobs import JobEvents, JobMachine, MachineWaits, RescueMachine
    from fermata.ports.live import LiveSecret, PieceCutter
    from fermata.ports.operator import StackAnswers
    from fermata.ports.providers import ApiUrl, KeyCheck, ProviderKeys, Upstream
    from fermata.ports.sound import SoundMeter
    from fermata.ports.triggers import BatchMachine
    from fermata.ports.webhooks import WebhookMachine, WebhookSender


def upstream(settings: config.UpstreamSettings, read_gap_s: int) -> "Upstream":
    """The client of the providers' APIs; `read_gap_s` is the maximum silence within an answer, in seconds."""
    from fermata.adapters.http.upstream import HttpUpstream
    from fermata.domain.catalogue.operator_settings import refuse_plain_addresses

    used = stores.catalogue()
    refuse_plain_addresses(used, settings.trusted_local_origins)
    return HttpUpstream(
        lambda provider: used.settings_of(provider).origin, settings.connect_timeout_seconds, read_gap_s
    )


def provider(dialect: str) -> "Provider":
    """The provider of a dialect; raises `ConfigurationError` if the dialect has none."""
    from fermata.adapters.providers import load_provider

    return load_provider(dialect)


def reference_taker(dialect: str) -> "ReferenceTaker":
    """The provider of a dialect that accepts uploads of recordings; raises `ConfigurationError` if it accepts none."""
    from fermata.adapters.providers import load_reference_taker

    return load_reference_taker(dialect)


def voice_lister(dialect: str) -> "VoiceLister | None":
    """The provider of a dialect that lists its voices; None if it lists none."""
    from fermata.adapters.providers import load_voice_lister

    return load_voice_lister(dialect)


def key_check(provider_id: str) -> "KeyCheck | None":
    """The free call that shows whether a key of a provider works; None if the provider documents none."""
    from fermata.adapters import key_checks

    return key_checks.key_check(provider_id)


@lru_cache(maxsize=1)
def provider_keys() -> "ProviderKeys":
    """The operator's keys for the providers, cached for `PROVIDER_KEY_MAX_AGE_SECONDS`."""
    from fermata.adapters.secrets import SecretProviderKeys

    settings = config.load(config.RememberedKeySettings)
    return SecretProviderKeys(
        aws.secretsmanager(), settings.provider_keys_secret_arn, settings.provider_key_max_age_seconds
    )


def fresh_provider_keys(secret_arn: str) -> "ProviderKeys":
    """The operator's keys for the providers, read again for each use."""
    from fermata.adapters.secrets import SecretProviderKeys

    return SecretProviderKeys(aws.secretsmanager(), secret_arn, max_age_s=0)


@lru_cache(maxsize=1)
def live_secret(secret_arn: str) -> "LiveSecret":
    """The secret that makes the tokens of live songs, read once."""
    from fermata.adapters.secrets import SecretBytes

    return SecretBytes(aws.secretsmanager, secret_arn)


def piece_cutter() -> "PieceCutter":
    """A cutter of one MP3 file into pieces for listeners."""
    from fermata.adapters.audio.mp3_pieces import Mp3PieceCutter
    from fermata.domain.live.stream import FIRST_S, TARGET_S

    return Mp3PieceCutter(TARGET_S, FIRST_S)


def audio_links(settings: config.StoreSettings | config.RescueSettings) -> "AudioLinks":
    """The downloader of files that providers link to."""
    from fermata.adapters.http.audio_links import HttpAudioLinks

    return HttpAudioLinks(
        settings.audio_hosts,
        settings.extra_audio_hosts,
        settings.trusted_local_origins,
        settings.connect_timeout_seconds,
    )


def reference_links(trusted_origins: "Collection[str]", connect_timeout_s: int) -> "ReferenceLinks":
    """The downloader of recordings that callers link to."""
    from fermata.adapters.http.audio_links import HttpReferenceLinks

    return HttpReferenceLinks(trusted_origins, connect_timeout_s)


def audio_meter() -> "AudioMeter":
    """The meter of audio files."""
    from fermata.adapters.audio.measurement import FileAudioMeter

    return FileAudioMeter()


def sound_meter() -> "SoundMeter":
    """The meter of loudness; needs the media layer."""
    from fermata.adapters.loudness.sound_meter import SndfileSoundMeter

    return SndfileSoundMeter()


def audio_marker(marking: "Marking", signing_secret_arn: str) -> "AudioMarker | None":
    """What marks songs; None where they stay as they are. Only `c2pa` reads the secret."""
    from fermata.adapters.audio.marking.marker import FileMarker, SigningMarker
    from fermata.domain.audio.marks import Marking

    if marking is Marking.C2PA:
        from fermata.adapters.audio.marking.signer import ProcessSigner
        from fermata.adapters.secrets import SecretSigningKey

        return SigningMarker(ProcessSigner(SecretSigningKey(aws.secretsmanager, signing_secret_arn).read))
    return None if marking is Marking.OFF else FileMarker()


def api_url(parameter: str) -> "ApiUrl":
    """The base URL of this API for providers' callbacks, from a parameter of Systems Manager."""
    from fermata.adapters.ssm import SsmApiUrl

    return SsmApiUrl(aws.ssm(), parameter)


def job_events() -> "JobEvents":
    """The bus for job events."""
    from fermata.adapters.events import EventBridgeJobEvents

    return EventBridgeJobEvents(aws.events(), config.load(config.StackSettings).stack_name)


def job_machine(arn: str) -> "JobMachine":
    """The state machine of jobs."""
    from fermata.adapters.step_functions.job_machine import StepFunctionsJobMachine

    return StepFunctionsJobMachine(aws.stepfunctions(), arn)


def machine_waits() -> "MachineWaits":
    """The executions that wait for a callback."""
    from fermata.adapters.step_functions.waits import StepFunctionsWaits

    return StepFunctionsWaits(aws.stepfunctions())


def rescue_machine(arn: str) -> "RescueMachine":
    """The state machine of rescues."""
    from fermata.adapters.step_functions.rescue_machine import StepFunctionsRescueMachine

    return StepFunctionsRescueMachine(aws.stepfunctions(), arn)


def batch_machine(arn: str) -> "BatchMachine":
    """The state machine of batches."""
    from fermata.adapters.step_functions.batch_machine import StepFunctionsBatchMachine

    return StepFunctionsBatchMachine(aws.stepfunctions(), arn)


def webhook_machine(arn: str) -> "WebhookMachine":
    """The state machine of webhook deliveries."""
    from fermata.adapters.step_functions.webhook_machine import StepFunctionsWebhookMachine

    return StepFunctionsWebhookMachine(aws.stepfunctions(), arn)


def webhook_sender(settings: config.DeliverSettings) -> "WebhookSender":
    """The sender of webhooks to tenants' servers."""
    from fermata.adapters.http.webhook_sender import HttpWebhookSender

    return HttpWebhookSender(
        settings.trusted.webhooks, settings.connect_timeout_seconds, settings.webhook_timeout_seconds
    )


def stack_answers() -> "StackAnswers":
    """The sender of answers to CloudFormation."""
    from fermata.adapters.http.stack_answers import HttpStackAnswers

    return HttpStackAnswers()
