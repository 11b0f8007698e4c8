"""Stores and outward ways, each built once per execution environment."""

from functools import lru_cache

from fermata import config
from fermata.adapters import aws
from fermata.adapters.dynamodb.jobs.job_store import DynamoJobStore
from fermata.adapters.dynamodb.transactions import DynamoTransactions
from fermata.domain.catalogue.models import Catalogue, read_catalogue
from fermata.ports.audio import AnswerStore, ReferenceStore
from fermata.ports.jobs import JobStore
from fermata.ports.money import UsageStore, WalletStore
from fermata.ports.operator import SettingsStore
from fermata.ports.providers import BrakeStore, CallbackStore, Estimates, ProviderKeys, ProviderStates, Upstream
from fermata.ports.tenants import CallCounts, TenantStore
from fermata.ports.triggers import InboxStore, OpenBatches, TriggerStore
from fermata.ports.webhooks import WebhookDeliveries, WebhookStore


@lru_cache(maxsize=1)
def transactions() -> DynamoTransactions:
    """Transactions on the table."""
    return DynamoTransactions(aws.dynamodb(), config.load(config.TableSettings).table_name)


@lru_cache(maxsize=1)
def job_store() -> JobStore:
    """The job records."""
    return DynamoJobStore(transactions())


@lru_cache(maxsize=1)
def settings_store() -> SettingsStore:
    """What the operator has set."""
    from fermata.adapters.dynamodb.providers.settings_store import DynamoSettingsStore

    return DynamoSettingsStore(aws.dynamodb(), config.load(config.TableSettings).table_name)


@lru_cache(maxsize=1)
def catalogue() -> Catalogue:
    """The catalogue as this deployment has it: with what the operator has set, read once."""
    version = config.load(config.CatalogueSettings).settings_version
    return settings_store().load(version).applied_to(read_catalogue())


def budget_micro_usd(provider: str) -> int:
    """The operator's budget of a day for a provider, in millionths of a USD; 0 is none."""
    return catalogue().settings_of(provider).budget_micro_usd


@lru_cache(maxsize=1)
def estimates() -> Estimates:
    """What the last songs of each model took."""
    from fermata.adapters.dynamodb.providers.estimates import DynamoEstimates

    return DynamoEstimates(aws.dynamodb(), config.load(config.TableSettings).table_name)


@lru_cache(maxsize=1)
def tenant_store() -> TenantStore:
    """The tenants and keys."""
    from fermata.adapters.dynamodb.tenants.tenant_store import DynamoTenantStore

    return DynamoTenantStore(transactions(), aws.low_latency_dynamodb)


@lru_cache(maxsize=1)
def provider_states() -> ProviderStates:
    """What all runs share of each provider."""
    from fermata.adapters.dynamodb.providers.provider_states import DynamoProviderStates

    return DynamoProviderStates(aws.dynamodb(), config.load(config.TableSettings).table_name)


@lru_cache(maxsize=1)
def brake_store() -> BrakeStore:
    """What the operator holds providers back with."""
    from fermata.adapters.dynamodb.providers.brake_store import DynamoBrakeStore

    return DynamoBrakeStore(transactions())


@lru_cache(maxsize=1)
def wallet_store() -> WalletStore:
    """The tenants' credits."""
    from fermata.adapters.dynamodb.money.wallet_store import DynamoWalletStore

    return DynamoWalletStore(transactions())


@lru_cache(maxsize=1)
def trigger_store() -> TriggerStore:
    """What of each tenant becomes jobs."""
    from fermata.adapters.dynamodb.triggers.trigger_store import DynamoTriggerStore

    return DynamoTriggerStore(transactions())


@lru_cache(maxsize=1)
def webhook_store() -> WebhookStore:
    """The endpoints that tenants are notified at, and their secrets."""
    from fermata.adapters.dynamodb.webhooks.webhook_store import DynamoWebhookStore

    return DynamoWebhookStore(transactions())


@lru_cache(maxsize=1)
def webhook_deliveries() -> WebhookDeliveries:
    """The tries of each webhook."""
    from fermata.adapters.dynamodb.webhooks.webhook_deliveries import DynamoWebhookDeliveries

    return DynamoWebhookDeliveries(transactions())


@lru_cache(maxsize=1)
def usage_store() -> UsageStore:
    """What tenants used."""
    from fermata.adapters.dynamodb.money.usage_store import DynamoUsageStore

    return DynamoUsageStore(transactions())


@lru_cache(maxsize=1)
def call_counts() -> CallCounts:
    """How often tenants call."""
    from fermata.adapters.dynamodb.tenants.call_counts import DynamoCallCounts

    return DynamoCallCounts(aws.dynamodb(), config.load(config.TableSettings).table_name)


@lru_cache(maxsize=1)
def inbox_store() -> InboxStore:
    """The inbox, and what is written about its files."""
    from fermata.adapters.s3.inbox_store import S3InboxStore

    return S3InboxStore(aws.s3(), config.load(config.InboxSettings).inbox_bucket)


@lru_cache(maxsize=1)
def open_batches() -> OpenBatches:
    """The files that are being taken."""
    from fermata.adapters.dynamodb.triggers.open_batches import DynamoOpenBatches

    return DynamoOpenBatches(transactions())


def answer_store(bucket: str) -> AnswerStore:
    """The providers' staged answers in a bucket."""
    from fermata.adapters.s3.answer_store import S3AnswerStore

    return S3AnswerStore(aws.s3(), bucket)


def reference_store(bucket: str) -> ReferenceStore:
    """The reference recordings in a bucket."""
    from fermata.adapters.s3.reference_store import S3ReferenceStore

    return S3ReferenceStore(aws.s3(), bucket)


def callback_store() -> CallbackStore:
    """The addresses that providers post to."""
    from fermata.adapters.dynamodb.providers.callback_store import DynamoCallbackStore

    return DynamoCallbackStore(aws.dynamodb(), config.load(config.TableSettings).table_name)


@lru_cache(maxsize=1)
def provider_keys() -> ProviderKeys:
    """The operator's keys for the providers."""
    from fermata.adapters.secrets import SecretProviderKeys

    settings = config.load(config.RememberedKeySettings)
    return SecretProviderKeys(
        aws.secretsmanager(), settings.provider_keys_secret_arn, settings.provider_key_max_age_seconds
    )


def upstream(settings: config.UpstreamSettings, read_gap_s: int) -> Upstream:
    """The way to the providers' APIs; `read_gap_s` is the longest silence of an answer, in seconds."""
    from fermata.adapters.http.upstream import HttpUpstream
    from fermata.domain.catalogue.operator_settings import refuse_plain_addresses

    used = catalogue()
    refuse_plain_addresses(used, settings.trusted_local_origins)
    return HttpUpstream(
        lambda provider: used.settings_of(provider).origin, settings.connect_timeout_seconds, read_gap_s
    )
