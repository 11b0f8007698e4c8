"""What the use cases between an order and its files work with."""

import random
import time
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from fermata import config
from fermata.adapters import aws
from fermata.scratch import disk
from fermata.wiring import orders, runtime, stores, webhooks

if TYPE_CHECKING:
    from fermata.domain.finish.rescue import RescuePolicy
    from fermata.use_cases.generation.finish.reap_jobs import ReapPorts
    from fermata.use_cases.generation.finish.rescue_round import RescuePorts
    from fermata.use_cases.generation.finish.resume_generation import ResumePorts
    from fermata.use_cases.generation.finish.settle_job import SettlePorts
    from fermata.use_cases.generation.finish.store_audio import StorePorts
    from fermata.use_cases.generation.follow.await_callback import CallbackPorts
    from fermata.use_cases.generation.follow.poll_generation import PollPorts
    from fermata.use_cases.generation.purchase.prepare_reference import PreparePorts
    from fermata.use_cases.generation.purchase.provider_queue import QueuePorts
    from fermata.use_cases.generation.purchase.run import OpenCallbackPorts, StartPorts


@lru_cache(maxsize=1)
def resume_ports() -> "ResumePorts":
    """What a resume works with: nothing that could order a song."""
    from fermata.adapters.providers import load_provider
    from fermata.use_cases.generation.finish.resume_generation import ResumePorts

    settings = config.load(config.StartSettings)
    answers = stores.answer_store(settings.audio_bucket)
    catalogue = stores.catalogue()
    return ResumePorts(
        stores.job_store(),
        answers,
        load_provider,
        catalogue,
        stores.estimates(),
        runtime.metrics(),
        settings.retry_later_seconds,
    )


def start_ports(remaining_ms: Callable[[], int]) -> "StartPorts":
    """What `start_generation` works with; `remaining_ms` is the invocation's own clock."""
    from fermata.use_cases.generation.purchase.run import StartPorts
    from fermata.use_cases.generation.purchase.spending_controls import SpendingPorts

    settings = config.load(config.StartSettings)
    queue = queue_ports()
    spending = SpendingPorts(stores.brake_store(), stores.budget_micro_usd, queue.metrics, settings.retry_later_seconds)
    return StartPorts(
        resume=resume_ports(),
        queue=queue,
        spending=spending,
        wallets=stores.wallet_store(),
        upstream=stores.upstream(settings, settings.read_gap_seconds),
        keys=stores.provider_keys(),
        references=stores.reference_store(settings.audio_bucket),
        clock=runtime.now,
        remaining_s=lambda: remaining_ms() / 1000,
        post_reserve_s=settings.post_reserve_seconds,
        claim_margin_s=settings.claim_margin_seconds,
        callback=open_callback_ports(),
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
        jobs=stores.job_store(),
        references=stores.reference_store(settings.audio_bucket),
        links=HttpReferenceLinks(settings.trusted_local_origins, settings.connect_timeout_seconds),
        meter=FileAudioMeter(),
        upstream=stores.upstream(settings, UPLOAD_WITHIN_S),
        # Never from memory: a reference registered under a key that was just taken away would have to be uploaded again
        # at once, and again.
        keys=SecretProviderKeys(aws.secretsmanager(), settings.provider_keys_secret_arn, max_age_s=0),
        takers=load_reference_taker,
        catalogue=stores.catalogue(),
        estimates=stores.estimates(),
        clock=runtime.now,
        scratch=disk(),
        retry_later_s=settings.retry_later_seconds,
    )


@lru_cache(maxsize=1)
def queue_ports() -> "QueuePorts":
    """What the queue of a provider works with."""
    from fermata.use_cases.generation.purchase.provider_queue import QueuePorts

    settings = config.load(config.CircuitSettings)
    return QueuePorts(
        states=stores.provider_states(),
        limits=lambda provider: stores.catalogue().settings_of(provider).limits,
        rules=settings.circuit_rules,
        metrics=runtime.metrics(),
        clock=runtime.now,
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
        jobs=stores.job_store(),
        upstream=stores.upstream(settings, POLL_WITHIN_S),
        keys=stores.provider_keys(),
        providers=load_provider,
        answers=lambda: stores.answer_store(settings.audio_bucket),
        catalogue=stores.catalogue(),
        estimates=stores.estimates(),
        metrics=runtime.metrics(),
        clock=runtime.now,
        scratch=disk(),
        patience=settings.patience,
        generation_timeout_s=settings.generation_timeout_seconds,
    )


@lru_cache(maxsize=1)
def callback_ports() -> "CallbackPorts":
    """What `await_callback` and `receive_callback` work with."""
    from fermata.adapters.step_functions.waits import StepFunctionsWaits
    from fermata.use_cases.generation.follow.await_callback import CallbackPorts

    return CallbackPorts(stores.job_store(), stores.callback_store(), StepFunctionsWaits(aws.stepfunctions()))


def store_ports(remaining_ms: Callable[[], int]) -> "StorePorts":
    """What `store_audio` works with; `remaining_ms` is the invocation's own clock."""
    from fermata.adapters.audio.measurement import FileAudioMeter
    from fermata.adapters.http.audio_links import HttpAudioLinks
    from fermata.adapters.s3.track_store import S3TrackStore
    from fermata.use_cases.generation.finish.store_audio import StorePorts

    settings = config.load(config.StoreSettings)
    return StorePorts(
        jobs=stores.job_store(),
        answers=stores.answer_store(settings.audio_bucket),
        links=HttpAudioLinks(
            settings.audio_hosts,
            settings.extra_audio_hosts,
            settings.trusted_local_origins,
            settings.connect_timeout_seconds,
        ),
        tracks=S3TrackStore(aws.s3(), settings.audio_bucket),
        meter=FileAudioMeter(),
        clock=runtime.now,
        remaining_s=lambda: remaining_ms() / 1000,
        scratch=disk(),
        patience=settings.patience,
        retention_days=settings.track_retention_days,
    )


@lru_cache(maxsize=1)
def open_callback_ports() -> "OpenCallbackPorts":
    """What `open_callback` works with."""
    from fermata.adapters.ssm import SsmApiUrl
    from fermata.use_cases.generation.purchase.run import OpenCallbackPorts

    settings = config.load(config.StartSettings)
    return OpenCallbackPorts(
        callbacks=stores.callback_store(),
        api_url=SsmApiUrl(aws.ssm(), settings.api_url_parameter),
        randomness=runtime.callback_randomness,
        timeout_s=settings.callback_timeout_seconds,
    )


@lru_cache(maxsize=1)
def settle_ports() -> "SettlePorts":
    """What `settle_job` works with."""
    from fermata.adapters.events import EventBridgeJobEvents
    from fermata.use_cases.generation.finish.settle_job import SettlePorts

    return SettlePorts(
        jobs=stores.job_store(),
        events=EventBridgeJobEvents(aws.events()),
        estimates=stores.estimates(),
        providers=stores.provider_states(),
        metrics=runtime.metrics(),
        telling=webhooks.tell_ports(),
        references=stores.reference_store(config.load(config.FileSettings).audio_bucket),
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
        due=DynamoDueJobs(stores.transactions()),
        machine=StepFunctionsJobMachine(aws.stepfunctions(), settings.music_job_machine_arn),
        patience=Patience(settings.reaper_idle_seconds, settings.reaper_absent_gap_seconds),
        rescues=StepFunctionsRescueMachine(aws.stepfunctions(), settings.rescue_machine_arn),
        rescue=_rescue_policy(settings),
        delete=orders.delete_ports(),
        lost=lost,
        clock=runtime.now,
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
        jobs=stores.job_store(),
        due=DynamoDueJobs(stores.transactions()),
        slots=DynamoRescueSlots(aws.dynamodb(), settings.table_name, settings.rescue_concurrency),
        upstream=stores.upstream(settings, POLL_WITHIN_S),
        keys=stores.provider_keys(),
        providers=load_provider,
        answers=lambda: stores.answer_store(settings.audio_bucket),
        links=HttpAudioLinks(
            settings.audio_hosts,
            settings.extra_audio_hosts,
            settings.trusted_local_origins,
            settings.connect_timeout_seconds,
        ),
        meter=FileAudioMeter(),
        metrics=runtime.metrics(),
        clock=runtime.now,
        remaining_s=lambda: remaining_ms() / 1000,
        holder=runtime.claim_id,
        scratch=disk(),
        policy=_rescue_policy(settings),
    )


def _rescue_policy(settings: config.RescueBoundsSettings) -> "RescuePolicy":
    from fermata.domain.finish.rescue import RescuePolicy

    return RescuePolicy(settings.result_life_seconds, settings.rescue_longest_pause_seconds)
