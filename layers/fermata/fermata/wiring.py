"""Puts adapters behind ports, once per execution environment. Imports sit inside the functions so that none pays for
what it does not use.
"""

import random
import secrets
import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from fermata import config
from fermata.adapters import aws
from fermata.adapters.dynamodb.jobs.job_store import DynamoJobStore
from fermata.adapters.dynamodb.transactions import DynamoTransactions
from fermata.domain.catalogue.models import Catalogue, read_catalogue
from fermata.domain.orders.job_id import RANDOM_BYTES
from fermata.domain.providers.callbacks import TOKEN_RANDOM_BYTES
from fermata.domain.tenants.api_keys import KEY_RANDOM_BYTES
from fermata.domain.tenants.plan_limits import (
    CANCELS,
    CHANGES,
    READS,
    REFUSED_ORDERS,
    TRIGGER_CALLS,
    WEBHOOK_REPEATS,
    Allowance,
    CallKind,
)
from fermata.ports.audio import AnswerStore, ReferenceStore
from fermata.ports.jobs import JobStore
from fermata.ports.metrics import Metrics
from fermata.ports.money import UsageStore, WalletStore
from fermata.ports.providers import BrakeStore, CallbackStore, Estimates, ProviderKeys, ProviderStates, Upstream
from fermata.ports.tenants import CallCounts, TenantStore
from fermata.ports.triggers import InboxStore, OpenBatches, TriggerStore
from fermata.ports.webhooks import WebhookDeliveries, WebhookStore
from fermata.scratch import disk

if TYPE_CHECKING:
    from fermata.domain.finish.rescue import RescuePolicy
    from fermata.domain.money.wallet_audit import Drift
    from fermata.use_cases.accounts.audit_wallets import AuditPorts
    from fermata.use_cases.accounts.count_calls import CallMeter, FreeCalls
    from fermata.use_cases.generation.finish.reap_jobs import ReapPorts
    from fermata.use_cases.generation.finish.rescue_round import RescuePorts
    from fermata.use_cases.generation.finish.resume_generation import ResumePorts
    from fermata.use_cases.generation.finish.settle_job import SettlePorts
    from fermata.use_cases.generation.finish.store_audio import StorePorts
    from fermata.use_cases.generation.follow.await_callback import CallbackPorts
    from fermata.use_cases.generation.follow.poll_generation import PollPorts
    from fermata.use_cases.generation.purchase.open_callback import OpenCallbackPorts
    from fermata.use_cases.generation.purchase.prepare_reference import PreparePorts
    from fermata.use_cases.generation.purchase.provider_queue import TurnPorts
    from fermata.use_cases.generation.purchase.start_generation import StartPorts
    from fermata.use_cases.operator.manage_tenants import ManagePorts
    from fermata.use_cases.orders.create_reference import CreateReferencePorts
    from fermata.use_cases.orders.delete_job import DeletePorts
    from fermata.use_cases.orders.list_jobs import ListPorts
    from fermata.use_cases.orders.read_jobs import ReadPorts, ShowPorts
    from fermata.use_cases.orders.submit_job import SubmitPorts
    from fermata.use_cases.orders.wait_for_end import WaitPorts
    from fermata.use_cases.triggers.ingest_event import EventPorts
    from fermata.use_cases.triggers.ingest_file import FilePorts
    from fermata.use_cases.triggers.submit_line import LinePorts
    from fermata.use_cases.webhooks.deliver_webhook import DeliverPorts
    from fermata.use_cases.webhooks.replay_webhook import ReplayPorts
    from fermata.use_cases.webhooks.start_delivery import TellPorts


def now() -> datetime:
    """The present moment in UTC, to the millisecond that records keep."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def job_randomness() -> bytes:
    """Randomness for one job id or reference id."""
    return secrets.token_bytes(RANDOM_BYTES)


def key_randomness() -> bytes:
    """Randomness for one API key."""
    return secrets.token_bytes(KEY_RANDOM_BYTES)


def claim_id() -> str:
    """A name for one run's claim that no other run has."""
    return secrets.token_hex(16)


def callback_randomness() -> bytes:
    """Randomness for one callback's token."""
    return secrets.token_bytes(TOKEN_RANDOM_BYTES)


@lru_cache(maxsize=1)
def _transactions() -> DynamoTransactions:
    return DynamoTransactions(aws.dynamodb(), config.load(config.TableSettings).table_name)


@lru_cache(maxsize=1)
def job_store() -> JobStore:
    """The job records."""
    return DynamoJobStore(_transactions())


@lru_cache(maxsize=1)
def estimates() -> Estimates:
    """What the last songs of each model took."""
    from fermata.adapters.dynamodb.providers.estimates import DynamoEstimates

    return DynamoEstimates(aws.dynamodb(), config.load(config.TableSettings).table_name)


@lru_cache(maxsize=1)
def tenant_store() -> TenantStore:
    """The tenants and keys."""
    from fermata.adapters.dynamodb.tenants.tenant_store import DynamoTenantStore

    return DynamoTenantStore(_transactions(), aws.hurried_dynamodb)


@lru_cache(maxsize=1)
def provider_states() -> ProviderStates:
    """What all runs share of each provider."""
    from fermata.adapters.dynamodb.providers.provider_states import DynamoProviderStates

    return DynamoProviderStates(aws.dynamodb(), config.load(config.TableSettings).table_name)


@lru_cache(maxsize=1)
def brake_store() -> BrakeStore:
    """What the operator holds providers back with."""
    from fermata.adapters.dynamodb.providers.brake_store import DynamoBrakeStore

    return DynamoBrakeStore(_transactions())


@lru_cache(maxsize=1)
def wallet_store() -> WalletStore:
    """The tenants' credits."""
    from fermata.adapters.dynamodb.money.wallet_store import DynamoWalletStore

    return DynamoWalletStore(_transactions())


@lru_cache(maxsize=1)
def trigger_store() -> TriggerStore:
    """What of each tenant becomes jobs."""
    from fermata.adapters.dynamodb.triggers.trigger_store import DynamoTriggerStore

    return DynamoTriggerStore(_transactions())


@lru_cache(maxsize=1)
def _webhook_store() -> WebhookStore:
    from fermata.adapters.dynamodb.webhooks.webhook_store import DynamoWebhookStore

    return DynamoWebhookStore(_transactions())


@lru_cache(maxsize=1)
def _webhook_deliveries() -> WebhookDeliveries:
    from fermata.adapters.dynamodb.webhooks.webhook_deliveries import DynamoWebhookDeliveries

    return DynamoWebhookDeliveries(_transactions())


def _tell_ports() -> "TellPorts":
    from fermata.adapters.step_functions.webhook_machine import StepFunctionsWebhookMachine
    from fermata.use_cases.webhooks.start_delivery import TellPorts

    machine_arn = config.load(config.TellSettings).webhook_delivery_machine_arn
    return TellPorts(_webhook_store(), StepFunctionsWebhookMachine(aws.stepfunctions(), machine_arn))


@lru_cache(maxsize=1)
def deliver_ports() -> "DeliverPorts":
    """What `deliver_webhook` works with."""
    from fermata.adapters.http.webhook_sender import HttpWebhookSender
    from fermata.use_cases.webhooks.deliver_webhook import DeliverPorts

    settings = config.load(config.DeliverSettings)
    return DeliverPorts(
        jobs=job_store(),
        webhooks=_webhook_store(),
        deliveries=_webhook_deliveries(),
        sender=HttpWebhookSender(
            settings.trusted_local_origins, settings.connect_timeout_seconds, settings.webhook_timeout_seconds
        ),
        wallets=wallet_store(),
        repeats=_meter(WEBHOOK_REPEATS),
        # Only spreads tries that failed together.
        chance=random.random,
    )


@lru_cache(maxsize=1)
def replay_ports() -> "ReplayPorts":
    """What `replay_webhook` works with."""
    from fermata.use_cases.webhooks.replay_webhook import ReplayPorts

    telling = _tell_ports()
    return ReplayPorts(job_store(), telling.webhooks, _webhook_deliveries(), telling.machine, wallet_store())


@lru_cache(maxsize=1)
def usage_store() -> UsageStore:
    """What tenants used."""
    from fermata.adapters.dynamodb.money.usage_store import DynamoUsageStore

    return DynamoUsageStore(_transactions())


def count_read(tenant_id: str) -> Allowance | None:
    """Count one read of a tenant against its plan."""
    return _meter(READS).count(tenant_id, now())


def count_change(tenant_id: str) -> Allowance | None:
    """Count one deletion, webhook replay or upload of a tenant against its plan."""
    return _meter(CHANGES).count(tenant_id, now())


def refused_orders() -> "FreeCalls":
    """The orders over HTTP that made no job."""
    return _free_calls(REFUSED_ORDERS)


def refused_cancels() -> "FreeCalls":
    """The cancels that took nothing back."""
    return _free_calls(CANCELS)


def submits_left(tenant_id: str) -> Allowance | None:
    """How many orders a tenant's plan still takes."""
    from fermata.use_cases.accounts.rate_limits import submits_left

    return submits_left(tenant_id, wallet_store(), now())


def _free_calls(kind: CallKind) -> "FreeCalls":
    from fermata.use_cases.accounts.count_calls import FreeCalls

    return FreeCalls(_meter(kind), now)


@cache
def _meter(kind: CallKind) -> "CallMeter":
    from fermata.use_cases.accounts.count_calls import CallMeter

    return CallMeter(kind, _call_counts())


@lru_cache(maxsize=1)
def _call_counts() -> CallCounts:
    from fermata.adapters.dynamodb.tenants.call_counts import DynamoCallCounts

    return DynamoCallCounts(aws.dynamodb(), config.load(config.TableSettings).table_name)


def manage_ports() -> "ManagePorts":
    """What `manage_tenants` works with."""
    from fermata.adapters.dynamodb.jobs.recoverable_jobs import DynamoRecoverableJobs
    from fermata.adapters.dynamodb.money.purchases import DynamoPurchases
    from fermata.adapters.providers import load_provider
    from fermata.adapters.step_functions.job_machine import StepFunctionsJobMachine
    from fermata.use_cases.operator.list_recoverable import RecoverablePorts
    from fermata.use_cases.operator.manage_tenants import ManagePorts
    from fermata.use_cases.operator.manage_webhooks import ManageWebhookPorts
    from fermata.use_cases.operator.reconcile import ReconcilePorts
    from fermata.use_cases.operator.redeliver import RedeliverPorts

    settings = config.load(config.ManageSettings)
    return ManagePorts(
        tenants=tenant_store(),
        wallets=wallet_store(),
        provider_states=provider_states(),
        brakes=brake_store(),
        triggers=trigger_store(),
        reconcile=ReconcilePorts(job_store(), DynamoPurchases(_transactions())),
        redeliver=RedeliverPorts(
            jobs=job_store(),
            answers=_answer_store(settings.audio_bucket),
            providers=load_provider,
            machine=StepFunctionsJobMachine(aws.stepfunctions(), settings.music_job_machine_arn),
            first_check_s=settings.reaper_first_check_seconds,
        ),
        recoverable=RecoverablePorts(job_store(), DynamoRecoverableJobs(_transactions())),
        webhooks=ManageWebhookPorts(_webhook_store(), _lower(settings.trusted_local_origins)),
    )


@lru_cache(maxsize=1)
def submit_ports() -> "SubmitPorts":
    """What `submit_job` works with."""
    from fermata.adapters.step_functions.job_machine import StepFunctionsJobMachine
    from fermata.domain.orders.candidates import check_default_fallbacks
    from fermata.use_cases.orders.submit_job import SubmitPorts

    settings = config.load(config.SubmitSettings)
    machine = StepFunctionsJobMachine(aws.stepfunctions(), settings.music_job_machine_arn)
    catalogue = _catalogue(settings.model_latency_priors)
    check_default_fallbacks(settings.default_fallbacks, catalogue)
    return SubmitPorts(
        jobs=job_store(),
        machine=machine,
        catalogue=catalogue,
        estimates=estimates(),
        start_by_s=settings.start_by_seconds,
        default_fallbacks=settings.default_fallbacks,
        references=_reference_store(settings.audio_bucket),
        trusted_origins=_lower(settings.trusted_local_origins),
        first_check_s=settings.reaper_first_check_seconds,
        longest_finish_by_s=settings.longest_finish_by_seconds,
        webhooks=_webhook_store(),
        wallets=wallet_store(),
    )


@lru_cache(maxsize=1)
def event_ports() -> "EventPorts":
    """What `ingest_event` works with; what submits a job is built for the first event that is let through."""
    from fermata.adapters.events import EventBridgeJobEvents
    from fermata.use_cases.triggers.ingest_event import EventPorts

    return EventPorts(submit_ports, trigger_store(), EventBridgeJobEvents(aws.events()), _free_calls(TRIGGER_CALLS))


@lru_cache(maxsize=1)
def inbox_store() -> InboxStore:
    """The inbox, and what is written about its files."""
    from fermata.adapters.s3.inbox_store import S3InboxStore

    return S3InboxStore(aws.s3(), config.load(config.InboxSettings).inbox_bucket)


@lru_cache(maxsize=1)
def open_batches() -> OpenBatches:
    """The files that are being taken."""
    from fermata.adapters.dynamodb.triggers.open_batches import DynamoOpenBatches

    return DynamoOpenBatches(_transactions())


@lru_cache(maxsize=1)
def file_ports() -> "FilePorts":
    """What `ingest_file` works with."""
    from fermata.adapters.events import EventBridgeJobEvents
    from fermata.adapters.step_functions.batch_machine import StepFunctionsBatchMachine
    from fermata.use_cases.triggers.ingest_file import FilePorts
    from fermata.use_cases.triggers.start_batch import BatchPorts

    settings = config.load(config.IngestSettings)
    batch = BatchPorts(
        inbox=inbox_store(),
        open_batches=open_batches(),
        machine=StepFunctionsBatchMachine(aws.stepfunctions(), settings.batch_machine_arn),
        concurrency=settings.batch_concurrency,
        tolerated_failure_percent=settings.batch_tolerated_failure_percent,
    )
    return FilePorts(
        submit=submit_ports,
        triggers=trigger_store(),
        tenants=tenant_store(),
        inbox=batch.inbox,
        events=EventBridgeJobEvents(aws.events()),
        batch=batch,
        calls=_free_calls(TRIGGER_CALLS),
    )


@lru_cache(maxsize=1)
def line_ports() -> "LinePorts":
    """What `submit_line` works with."""
    from fermata.use_cases.triggers.submit_line import LinePorts

    return LinePorts(submit_ports(), trigger_store(), inbox_store(), _free_calls(TRIGGER_CALLS), open_batches())


@lru_cache(maxsize=1)
def create_reference_ports() -> "CreateReferencePorts":
    """What `create_reference` works with."""
    from fermata.use_cases.orders.create_reference import CreateReferencePorts

    settings = config.load(config.UploadSettings)
    references = _reference_store(settings.audio_bucket)
    return CreateReferencePorts(references, read_catalogue(), settings.reference_link_seconds, _call_counts())


@lru_cache(maxsize=1)
def read_ports() -> "ReadPorts":
    """What `read_jobs` works with."""
    from fermata.adapters.s3.track_store import S3TrackStore
    from fermata.use_cases.orders.read_jobs import ReadPorts

    settings = config.load(config.ReadSettings)
    tracks = S3TrackStore(aws.s3(), settings.audio_bucket)
    catalogue = _catalogue(settings.model_latency_priors)
    return ReadPorts(
        jobs=job_store(),
        tracks=tracks,
        catalogue=catalogue,
        estimates=estimates(),
        provider_states=provider_states(),
        brakes=brake_store(),
        budget=settings.budget_micro_usd,
        link_ttl_s=settings.link_ttl_seconds,
    )


@lru_cache(maxsize=1)
def wait_ports() -> "WaitPorts":
    """What `submit_job` holds a request with."""
    from fermata.adapters.dynamodb.tenants.waiting_places import DynamoWaitingPlaces
    from fermata.use_cases.orders.wait_for_end import WaitPorts

    return WaitPorts(
        show=_show_ports(),
        wallets=wallet_store(),
        places=DynamoWaitingPlaces(_transactions()),
        all_places=config.load(config.WaitSettings).waiting_environments,
        holder=claim_id,
        clock=now,
        pause=time.sleep,
    )


@lru_cache(maxsize=1)
def list_ports() -> "ListPorts":
    """What `list_jobs` works with."""
    from fermata.adapters.dynamodb.jobs.tenant_jobs import DynamoTenantJobs
    from fermata.use_cases.orders.list_jobs import ListPorts

    return ListPorts(_show_ports(), DynamoTenantJobs(_transactions()))


def _show_ports() -> "ShowPorts":
    from fermata.adapters.s3.track_store import S3TrackStore
    from fermata.use_cases.orders.read_jobs import ShowPorts

    settings = config.load(config.ShowSettings)
    return ShowPorts(
        jobs=job_store(),
        tracks=S3TrackStore(aws.s3(), settings.audio_bucket),
        catalogue=_catalogue(settings.model_latency_priors),
        estimates=estimates(),
        link_ttl_s=settings.link_ttl_seconds,
    )


@lru_cache(maxsize=1)
def resume_ports() -> "ResumePorts":
    """What a resume works with: nothing that could order a song."""
    from fermata.adapters.providers import load_provider
    from fermata.use_cases.generation.finish.resume_generation import ResumePorts

    settings = config.load(config.StartSettings)
    answers = _answer_store(settings.audio_bucket)
    catalogue = _catalogue(settings.model_latency_priors)
    return ResumePorts(
        job_store(), answers, load_provider, catalogue, estimates(), _metrics(), settings.retry_later_seconds
    )


def start_ports(remaining_ms: Callable[[], int]) -> "StartPorts":
    """What `start_generation` works with; `remaining_ms` is the invocation's own clock."""
    from fermata.use_cases.generation.purchase.spending_controls import BrakePorts
    from fermata.use_cases.generation.purchase.start_generation import StartPorts

    settings = config.load(config.StartSettings)
    turns = _turn_ports()
    return StartPorts(
        resume=resume_ports(),
        turns=turns,
        brakes=BrakePorts(brake_store(), settings.budget_micro_usd, turns.metrics, settings.retry_later_seconds),
        wallets=wallet_store(),
        upstream=_upstream(settings, settings.read_gap_seconds),
        keys=_provider_keys(),
        references=_reference_store(settings.audio_bucket),
        clock=now,
        remaining_s=lambda: remaining_ms() / 1000,
        post_reserve_s=settings.post_reserve_seconds,
        claim_margin_s=settings.claim_margin_seconds,
        callback=_open_callback_ports(),
        reference_link_s=settings.reference_link_seconds,
    )


@lru_cache(maxsize=1)
def prepare_ports() -> "PreparePorts":
    """What `prepare_reference` works with."""
    from fermata.adapters.audio.measurement import FileAudioMeter
    from fermata.adapters.http.audio_links import HttpReferenceLinks
    from fermata.adapters.providers import load_reference_taker
    from fermata.adapters.secrets import SecretProviderKeys
    from fermata.use_cases.generation.purchase.prepare_reference import UPLOAD_WITHIN_S, PreparePorts

    settings = config.load(config.PrepareSettings)
    return PreparePorts(
        jobs=job_store(),
        references=_reference_store(settings.audio_bucket),
        links=HttpReferenceLinks(settings.trusted_local_origins, settings.connect_timeout_seconds),
        meter=FileAudioMeter(),
        upstream=_upstream(settings, UPLOAD_WITHIN_S),
        # Never from memory: a reference registered under a key that was just taken away would have to be uploaded again
        # at once, and again.
        keys=SecretProviderKeys(aws.secretsmanager(), settings.provider_keys_secret_arn, max_age_s=0),
        takers=load_reference_taker,
        catalogue=_catalogue(settings.model_latency_priors),
        estimates=estimates(),
        clock=now,
        scratch=disk(),
        retry_later_s=settings.retry_later_seconds,
    )


@lru_cache(maxsize=1)
def _turn_ports() -> "TurnPorts":
    from fermata.use_cases.generation.purchase.provider_queue import TurnPorts

    settings = config.load(config.TurnSettings)
    return TurnPorts(
        states=provider_states(),
        limits=settings.limits,
        rules=settings.circuit_rules,
        metrics=_metrics(),
        clock=now,
        pause=time.sleep,
        # Only spreads runs that compete for one record.
        chance=random.random,
    )


@lru_cache(maxsize=1)
def poll_ports() -> "PollPorts":
    """What `poll_generation` works with."""
    from fermata.adapters.providers import load_provider
    from fermata.use_cases.generation.follow.ask_task import POLL_WITHIN_S
    from fermata.use_cases.generation.follow.poll_generation import PollPorts

    settings = config.load(config.PollSettings)
    return PollPorts(
        jobs=job_store(),
        upstream=_upstream(settings, POLL_WITHIN_S),
        keys=_provider_keys(),
        providers=load_provider,
        answers=lambda: _answer_store(settings.audio_bucket),
        catalogue=_catalogue(settings.model_latency_priors),
        estimates=estimates(),
        metrics=_metrics(),
        clock=now,
        scratch=disk(),
        patience=settings.patience,
        generation_timeout_s=settings.generation_timeout_seconds,
    )


@lru_cache(maxsize=1)
def callback_ports() -> "CallbackPorts":
    """What `await_callback` and `receive_callback` work with."""
    from fermata.adapters.step_functions.waits import StepFunctionsWaits
    from fermata.use_cases.generation.follow.await_callback import CallbackPorts

    return CallbackPorts(job_store(), _callback_store(), StepFunctionsWaits(aws.stepfunctions()))


def store_ports(remaining_ms: Callable[[], int]) -> "StorePorts":
    """What `store_audio` works with; `remaining_ms` is the invocation's own clock."""
    from fermata.adapters.audio.measurement import FileAudioMeter
    from fermata.adapters.http.audio_links import HttpAudioLinks
    from fermata.adapters.s3.track_store import S3TrackStore
    from fermata.use_cases.generation.finish.store_audio import StorePorts

    settings = config.load(config.StoreSettings)
    return StorePorts(
        jobs=job_store(),
        answers=_answer_store(settings.audio_bucket),
        links=HttpAudioLinks(
            settings.audio_hosts,
            settings.extra_audio_hosts,
            settings.trusted_local_origins,
            settings.connect_timeout_seconds,
        ),
        tracks=S3TrackStore(aws.s3(), settings.audio_bucket),
        meter=FileAudioMeter(),
        clock=now,
        remaining_s=lambda: remaining_ms() / 1000,
        scratch=disk(),
        patience=settings.patience,
        retention_days=settings.track_retention_days,
    )


def _answer_store(bucket: str) -> AnswerStore:
    from fermata.adapters.s3.answer_store import S3AnswerStore

    return S3AnswerStore(aws.s3(), bucket)


def _reference_store(bucket: str) -> ReferenceStore:
    from fermata.adapters.s3.reference_store import S3ReferenceStore

    return S3ReferenceStore(aws.s3(), bucket)


@lru_cache(maxsize=1)
def _open_callback_ports() -> "OpenCallbackPorts":
    from fermata.adapters.ssm import SsmApiUrl
    from fermata.use_cases.generation.purchase.open_callback import OpenCallbackPorts

    settings = config.load(config.StartSettings)
    return OpenCallbackPorts(
        callbacks=_callback_store(),
        api_url=SsmApiUrl(aws.ssm(), settings.api_url_parameter),
        randomness=callback_randomness,
        timeout_s=settings.callback_timeout_seconds,
    )


def _callback_store() -> CallbackStore:
    from fermata.adapters.dynamodb.providers.callback_store import DynamoCallbackStore

    return DynamoCallbackStore(aws.dynamodb(), config.load(config.TableSettings).table_name)


@lru_cache(maxsize=1)
def delete_ports() -> "DeletePorts":
    """What `delete_job` works with."""
    return _delete_ports(config.load(config.FileSettings).audio_bucket)


def _delete_ports(bucket: str) -> "DeletePorts":
    from fermata.adapters.s3.track_store import S3TrackStore
    from fermata.use_cases.orders.delete_job import DeletePorts

    return DeletePorts(
        jobs=job_store(),
        answers=_answer_store(bucket),
        tracks=S3TrackStore(aws.s3(), bucket),
        references=_reference_store(bucket),
        deliveries=_webhook_deliveries(),
    )


@lru_cache(maxsize=1)
def settle_ports() -> "SettlePorts":
    """What `settle_job` works with."""
    from fermata.adapters.events import EventBridgeJobEvents
    from fermata.use_cases.generation.finish.settle_job import SettlePorts

    return SettlePorts(
        jobs=job_store(),
        events=EventBridgeJobEvents(aws.events()),
        estimates=estimates(),
        providers=provider_states(),
        metrics=_metrics(),
        telling=_tell_ports(),
        references=_reference_store(config.load(config.FileSettings).audio_bucket),
    )


def reap_ports(lost: Callable[[str, Exception], object]) -> "ReapPorts":
    """What `reap_jobs` works with."""
    from fermata.adapters.dynamodb.jobs.due_jobs import DynamoDueJobs
    from fermata.adapters.step_functions.job_machine import StepFunctionsJobMachine
    from fermata.adapters.step_functions.rescue_machine import StepFunctionsRescueMachine
    from fermata.domain.finish.overdue import Patience
    from fermata.use_cases.generation.finish.reap_jobs import ReapPorts

    settings = config.load(config.ReapSettings)
    return ReapPorts(
        settle=settle_ports(),
        due=DynamoDueJobs(_transactions()),
        machine=StepFunctionsJobMachine(aws.stepfunctions(), settings.music_job_machine_arn),
        patience=Patience(settings.reaper_idle_seconds, settings.reaper_absent_gap_seconds),
        rescues=StepFunctionsRescueMachine(aws.stepfunctions(), settings.rescue_machine_arn),
        rescue=_rescue_policy(settings),
        delete=_delete_ports(settings.audio_bucket),
        lost=lost,
        clock=now,
    )


def rescue_ports(remaining_ms: Callable[[], int]) -> "RescuePorts":
    """What `rescue_audio` works with; `remaining_ms` is the invocation's own clock."""
    from fermata.adapters.audio.measurement import FileAudioMeter
    from fermata.adapters.dynamodb.jobs.due_jobs import DynamoDueJobs
    from fermata.adapters.dynamodb.jobs.rescue_slots import DynamoRescueSlots
    from fermata.adapters.http.audio_links import HttpAudioLinks
    from fermata.adapters.providers import load_provider
    from fermata.use_cases.generation.finish.rescue_round import RescuePorts
    from fermata.use_cases.generation.follow.ask_task import POLL_WITHIN_S

    settings = config.load(config.RescueSettings)
    return RescuePorts(
        jobs=job_store(),
        due=DynamoDueJobs(_transactions()),
        slots=DynamoRescueSlots(aws.dynamodb(), settings.table_name, settings.rescue_concurrency),
        upstream=_upstream(settings, POLL_WITHIN_S),
        keys=_provider_keys(),
        providers=load_provider,
        answers=lambda: _answer_store(settings.audio_bucket),
        links=HttpAudioLinks(
            settings.audio_hosts,
            settings.extra_audio_hosts,
            settings.trusted_local_origins,
            settings.connect_timeout_seconds,
        ),
        meter=FileAudioMeter(),
        metrics=_metrics(),
        clock=now,
        remaining_s=lambda: remaining_ms() / 1000,
        holder=claim_id,
        scratch=disk(),
        policy=_rescue_policy(settings),
    )


def _rescue_policy(settings: config.RescueBoundsSettings) -> "RescuePolicy":
    from fermata.domain.finish.rescue import RescuePolicy

    return RescuePolicy(settings.result_life_seconds, settings.rescue_longest_pause_seconds)


def audit_ports(drifted: "Callable[[str, Drift], object]", skipped: Callable[[str, str], object]) -> "AuditPorts":
    """What `audit_wallets` works with."""
    from fermata.use_cases.accounts.audit_wallets import AuditPorts

    return AuditPorts(tenant_store(), wallet_store(), _metrics(), drifted, skipped)


@lru_cache(maxsize=1)
def _provider_keys() -> ProviderKeys:
    from fermata.adapters.secrets import SecretProviderKeys

    settings = config.load(config.RememberedKeySettings)
    return SecretProviderKeys(
        aws.secretsmanager(), settings.provider_keys_secret_arn, settings.provider_key_max_age_seconds
    )


def _metrics() -> Metrics:
    from fermata.adapters.metrics import EmfMetrics

    return EmfMetrics()


def _upstream(settings: config.UpstreamSettings, read_gap_s: int) -> Upstream:
    from fermata.adapters.http.upstream import HttpUpstream

    return HttpUpstream(settings.base_url, settings.connect_timeout_seconds, read_gap_s)


def _catalogue(priors: config.LatencyPriors) -> Catalogue:
    return read_catalogue().with_priors(priors)


def _lower(origins: Collection[str]) -> frozenset[str]:
    return frozenset(origin.lower() for origin in origins)
