"""Stores, each built once per execution environment."""

from functools import lru_cache
from typing import TYPE_CHECKING

from fermata import config
from fermata.adapters import aws
from fermata.adapters.dynamodb.transactions import DynamoTransactions
from fermata.wiring import runtime

if TYPE_CHECKING:
    from fermata.domain.catalogue.models import Catalogue
    from fermata.ports.audio import AnswerStore, OriginalStore, ReferenceIds, ReferenceStore, TrackStore
    from fermata.ports.jobs import DueJobs, JobStore, RecoverableJobs, RescueSlots, TenantJobs
    from fermata.ports.live import LivePieces, LiveStreams
    from fermata.ports.money import KeyCounters, LedgerStore, Purchases, UsageStore, WalletStore
    from fermata.ports.operator import RestoredTable, SettingsStore
    from fermata.ports.providers import BrakeStore, CallbackStore, Estimates, ProviderStates, VoiceStore
    from fermata.ports.sound import SoundFiles
    from fermata.ports.tenants import CallCounts, TenantStore, WaitingPlaces
    from fermata.ports.triggers import InboxStore, OpenBatches, TriggerStore
    from fermata.ports.webhooks import WebhookDeliveries, WebhookStore


@lru_cache(maxsize=1)
def transactions() -> DynamoTransactions:
    """Transactions on the table."""
    return DynamoTransactions(aws.dynamodb(), config.load(config.TableSettings).table_name)


@lru_cache(maxsize=1)
def job_store() -> "JobStore":
    """The job records."""
    from fermata.adapters.dynamodb.jobs.job_store import DynamoJobStore

    return DynamoJobStore(transactions(), config.load(config.TableSettings).table_restored_at)


def due_jobs() -> "DueJobs":
    """The jobs that are due for a check by the reaper."""
    from fermata.adapters.dynamodb.jobs.due_jobs import DynamoDueJobs

    return DynamoDueJobs(transactions())


def tenant_jobs() -> "TenantJobs":
    """The jobs of each tenant, newest first."""
    from fermata.adapters.dynamodb.jobs.tenant_jobs import DynamoTenantJobs

    return DynamoTenantJobs(transactions())


def recoverable_jobs() -> "RecoverableJobs":
    """The jobs whose songs may still be rescued."""
    from fermata.adapters.dynamodb.jobs.recoverable_jobs import DynamoRecoverableJobs

    return DynamoRecoverableJobs(transactions())


def rescue_slots(most: int) -> "RescueSlots":
    """The slots that limit concurrent rescues to `most`."""
    from fermata.adapters.dynamodb.jobs.rescue_slots import DynamoRescueSlots

    return DynamoRescueSlots(aws.dynamodb(), config.load(config.TableSettings).table_name, most)


def purchases() -> "Purchases":
    """The attempts by provider, for comparison with its bill."""
    from fermata.adapters.dynamodb.money.purchases import DynamoPurchases

    return DynamoPurchases(transactions())


@lru_cache(maxsize=1)
def settings_store() -> "SettingsStore":
    """The operator's settings."""
    from fermata.adapters.dynamodb.providers.settings_store import DynamoSettingsStore

    return DynamoSettingsStore(aws.dynamodb(), config.load(config.TableSettings).table_name)


def restored_table() -> "RestoredTable":
    """The table, as a deployment prepares it after a restore."""
    from fermata.adapters.dynamodb.restored_table import DynamoRestoredTable

    return DynamoRestoredTable(transactions())


@lru_cache(maxsize=1)
def catalogue() -> "Catalogue":
    """The catalogue with the operator's settings of this deployment, read once."""
    version = config.load(config.CatalogueSettings).settings_version
    return settings_store().load(version).applied_to(runtime.catalogue())


def budget_micro_usd(provider: str) -> int:
    """The operator's daily budget for a provider, in millionths of a USD; 0 means no limit."""
    return catalogue().settings_of(provider).budget_micro_usd


@lru_cache(maxsize=1)
def estimates() -> "Estimates":
    """The measured latencies of each model's latest songs."""
    from fermata.adapters.dynamodb.providers.estimates import DynamoEstimates

    return DynamoEstimates(aws.dynamodb(), config.load(config.TableSettings).table_name)


@lru_cache(maxsize=1)
def voice_store() -> "VoiceStore":
    """The voices that providers named."""
    from fermata.adapters.dynamodb.providers.voice_store import DynamoVoiceStore

    return DynamoVoiceStore(aws.dynamodb(), config.load(config.TableSettings).table_name)


@lru_cache(maxsize=1)
def tenant_store() -> "TenantStore":
    """The tenants and keys."""
    from fermata.adapters.dynamodb.tenants.tenant_store import DynamoTenantStore

    return DynamoTenantStore(transactions(), aws.low_latency_dynamodb)


@lru_cache(maxsize=1)
def provider_states() -> "ProviderStates":
    """The state of each provider that all runs share."""
    from fermata.adapters.dynamodb.providers.provider_states import DynamoProviderStates

    return DynamoProviderStates(aws.dynamodb(), config.load(config.TableSettings).table_name)


@lru_cache(maxsize=1)
def brake_store() -> "BrakeStore":
    """The operator's pauses and budgets of providers."""
    from fermata.adapters.dynamodb.providers.brake_store import DynamoBrakeStore

    return DynamoBrakeStore(transactions())


@lru_cache(maxsize=1)
def wallet_store() -> "WalletStore":
    """The tenants' credits."""
    from fermata.adapters.dynamodb.money.wallet_store import DynamoWalletStore

    return DynamoWalletStore(transactions())


def key_counters() -> "KeyCounters":
    """What capped keys count."""
    from fermata.adapters.dynamodb.money.key_counters import DynamoKeyCounters

    return DynamoKeyCounters(transactions())


@lru_cache(maxsize=1)
def ledger_store() -> "LedgerStore":
    """The tenants' ledgers by time."""
    from fermata.adapters.dynamodb.money.ledger_store import DynamoLedgerStore

    return DynamoLedgerStore(transactions())


@lru_cache(maxsize=1)
def trigger_store() -> "TriggerStore":
    """The triggers of each tenant."""
    from fermata.adapters.dynamodb.triggers.trigger_store import DynamoTriggerStore

    return DynamoTriggerStore(transactions())


@lru_cache(maxsize=1)
def webhook_store() -> "WebhookStore":
    """The tenants' webhook endpoints and their secrets."""
    from fermata.adapters.dynamodb.webhooks.webhook_store import DynamoWebhookStore

    return DynamoWebhookStore(transactions())


@lru_cache(maxsize=1)
def webhook_deliveries() -> "WebhookDeliveries":
    """The tries of each webhook."""
    from fermata.adapters.dynamodb.webhooks.webhook_deliveries import DynamoWebhookDeliveries

    return DynamoWebhookDeliveries(transactions())


@lru_cache(maxsize=1)
def usage_store() -> "UsageStore":
    """The tenants' usage."""
    from fermata.adapters.dynamodb.money.usage_store import DynamoUsageStore

    return DynamoUsageStore(transactions())


@lru_cache(maxsize=1)
def call_counts() -> "CallCounts":
    """The counts of tenants' calls."""
    from fermata.adapters.dynamodb.tenants.call_counts import DynamoCallCounts

    return DynamoCallCounts(aws.dynamodb(), config.load(config.TableSettings).table_name)


def waiting_places() -> "WaitingPlaces":
    """The places of requests that wait for the end of a job."""
    from fermata.adapters.dynamodb.tenants.waiting_places import DynamoWaitingPlaces

    return DynamoWaitingPlaces(transactions())


@lru_cache(maxsize=1)
def inbox_store() -> "InboxStore":
    """The inbox: its files and their results."""
    from fermata.adapters.s3.inbox_store import S3InboxStore

    return S3InboxStore(aws.s3(), config.load(config.InboxSettings).inbox_bucket)


@lru_cache(maxsize=1)
def open_batches() -> "OpenBatches":
    """The batches in progress."""
    from fermata.adapters.dynamodb.triggers.open_batches import DynamoOpenBatches

    return DynamoOpenBatches(transactions())


def answer_store(bucket: str) -> "AnswerStore":
    """The providers' staged answers in a bucket."""
    from fermata.adapters.s3.answer_store import S3AnswerStore

    return S3AnswerStore(aws.s3(), bucket)


def track_store(bucket: str) -> "TrackStore":
    """The files of songs in a bucket."""
    from fermata.adapters.s3.track_store import S3TrackStore

    return S3TrackStore(aws.s3(), bucket)


def sound_files(bucket: str) -> "SoundFiles":
    """The songs to measure in a bucket, and their waveforms."""
    from fermata.adapters.s3.sound_files import S3SoundFiles

    return S3SoundFiles(aws.s3(), bucket)


def original_store(bucket: str) -> "OriginalStore":
    """The restored files of providers in a bucket."""
    from fermata.adapters.s3.original_store import S3OriginalStore

    return S3OriginalStore(aws.s3(), bucket)


def reference_store(bucket: str) -> "ReferenceStore":
    """The reference recordings in a bucket."""
    from fermata.adapters.s3.reference_store import S3ReferenceStore

    return S3ReferenceStore(aws.s3(), bucket)


@lru_cache(maxsize=1)
def live_streams() -> "LiveStreams":
    """The records of live songs."""
    from fermata.adapters.dynamodb.jobs.live_streams import DynamoLiveStreams

    return DynamoLiveStreams(aws.dynamodb(), config.load(config.TableSettings).table_name)


def live_pieces(bucket: str) -> "LivePieces":
    """The pieces of live songs in a bucket."""
    from fermata.adapters.s3.live_pieces import S3LivePieces

    return S3LivePieces(aws.s3(), bucket)


@lru_cache(maxsize=1)
def reference_ids() -> "ReferenceIds":
    """The providers' ids of each tenant's recordings."""
    from fermata.adapters.dynamodb.tenants.reference_ids import DynamoReferenceIds

    return DynamoReferenceIds(transactions())


def callback_store() -> "CallbackStore":
    """The callback addresses of providers' tasks."""
    from fermata.adapters.dynamodb.providers.callback_store import DynamoCallbackStore

    return DynamoCallbackStore(aws.dynamodb(), config.load(config.TableSettings).table_name)
