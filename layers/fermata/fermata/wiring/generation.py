"""Wires the use cases between an order and its files."""

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from fermata import config
from fermata.wiring import live, orders, outward, runtime, stores, webhooks

if TYPE_CHECKING:
    from fermata.domain.finish.rescue import RescuePolicy
    from fermata.use_cases.generation.finish.measure_tracks import MeasurePorts
    from fermata.use_cases.generation.finish.reap_jobs import ReapPorts
    from fermata.use_cases.generation.finish.rescue_round import RescuePorts
    from fermata.use_cases.generation.finish.resume_generation import ResumePorts
    from fermata.use_cases.generation.finish.settle_job import SettlePorts
    from fermata.use_cases.generation.finish.store_audio import StorePorts
    from fermata.use_cases.generation.follow.await_callback import CallbackPorts
    from fermata.use_cases.generation.follow.poll_generation import PollPorts, PollRun
    from fermata.use_cases.generation.purchase.prepare_reference import PreparePorts
    from fermata.use_cases.generation.purchase.provider_queue import QueuePorts
    from fermata.use_cases.generation.purchase.receive_answer import ReceivePorts
    from fermata.use_cases.generation.purchase.run import OpenCallbackPorts, StartPorts


@lru_cache(maxsize=1)
def resume_ports() -> "ResumePorts":
    """Return the ports of a resume; none of them can order a song."""
    from fermata.use_cases.generation.finish.resume_generation import ResumePorts

    settings = config.load(config.StartSettings)
    answers = stores.answer_store(settings.audio_bucket)
    catalogue = stores.catalogue()
    return ResumePorts(
        stores.job_store(),
        answers,
        outward.provider,
        catalogue,
        stores.estimates(),
        runtime.metrics(),
        settings.retry_later_seconds,
    )


def start_ports(remaining_ms: Callable[[], int]) -> "StartPorts":
    """Return the ports of `start_generation`; `remaining_ms` returns the milliseconds left to the invocation."""
    from fermata.use_cases.generation.purchase.run import StartPorts
    from fermata.use_cases.generation.purchase.spending_controls import SpendingPorts

    settings = config.load(config.StartSettings)
    queue = queue_ports()
    spending = SpendingPorts(stores.brake_store(), stores.budget_micro_usd, queue.metrics, settings.retry_later_seconds)
    return StartPorts(
        resume=resume_ports(),
        receiving=receive_ports(),
        queue=queue,
        spending=spending,
        wallets=stores.wallet_store(),
        upstream=outward.upstream(settings, settings.read_gap_seconds),
        keys=outward.provider_keys(),
        references=stores.reference_store(settings.audio_bucket),
        clock=runtime.now,
        remaining_s=lambda: remaining_ms() / 1000,
        post_reserve_s=settings.post_reserve_seconds,
        claim_margin_s=settings.claim_margin_seconds,
        callback=open_callback_ports(),
        reference_link_s=settings.reference_link_seconds,
        listening=live.listening(),
    )


@lru_cache(maxsize=1)
def receive_ports() -> "ReceivePorts":
    """Return the ports of `receive`; what measures and marks songs is loaded with the first song."""
    from fermata.domain.audio.marks import Marking
    from fermata.use_cases.generation.purchase.receive_answer import ReceivePorts

    settings = config.load(config.StartSettings)
    # The key that signs songs is not for this function.
    marking = Marking.OFF if settings.marking is Marking.C2PA else settings.marking
    return ReceivePorts(
        answers=stores.answer_store(settings.audio_bucket),
        make_meter=outward.audio_meter,
        make_marker=lambda: outward.audio_marker(marking, ""),
        marking=marking,
        metrics=runtime.metrics(),
        scratch=runtime.scratch(),
    )


@lru_cache(maxsize=1)
def prepare_ports() -> "PreparePorts":
    """Return the ports of `prepare_reference`."""
    from fermata.use_cases.generation.purchase.prepare_reference import UPLOAD_WITHIN_S, PreparePorts

    settings = config.load(config.PrepareSettings)
    return PreparePorts(
        jobs=stores.job_store(),
        references=stores.reference_store(settings.audio_bucket),
        reference_ids=stores.reference_ids(),
        links=outward.reference_links(settings.trusted_local_origins, settings.connect_timeout_seconds),
        meter=outward.audio_meter(),
        upstream=outward.upstream(settings, UPLOAD_WITHIN_S),
        # Never from the cache: after the removal of a key, a reference uploaded under it would need another upload at
        # once.
        keys=outward.fresh_provider_keys(settings.provider_keys_secret_arn),
        takers=outward.reference_taker,
        catalogue=stores.catalogue(),
        estimates=stores.estimates(),
        clock=runtime.now,
        scratch=runtime.scratch(),
        retry_later_s=settings.retry_later_seconds,
    )


@lru_cache(maxsize=1)
def queue_ports() -> "QueuePorts":
    """Return the ports of a provider's queue."""
    from fermata.use_cases.generation.purchase.provider_queue import QueuePorts

    settings = config.load(config.CircuitSettings)
    return QueuePorts(
        states=stores.provider_states(),
        limits=lambda provider: stores.catalogue().settings_of(provider).limits,
        rules=settings.circuit_rules,
        metrics=runtime.metrics(),
        clock=runtime.now,
        pause=runtime.pause,
        chance=runtime.chance,
    )


@lru_cache(maxsize=1)
def poll_ports() -> "PollPorts":
    """Return the ports of `poll_generation`."""
    from fermata.use_cases.generation.follow.ask_task import POLL_WITHIN_S
    from fermata.use_cases.generation.follow.poll_generation import PollPorts

    settings = config.load(config.PollSettings)
    return PollPorts(
        jobs=stores.job_store(),
        upstream=outward.upstream(settings, POLL_WITHIN_S),
        keys=outward.provider_keys(),
        providers=outward.provider,
        answers=lambda: stores.answer_store(settings.audio_bucket),
        catalogue=stores.catalogue(),
        estimates=stores.estimates(),
        metrics=runtime.metrics(),
        clock=runtime.now,
        scratch=runtime.scratch(),
        patience=settings.patience,
        generation_timeout_s=settings.generation_timeout_seconds,
    )


def poll_run(remaining_ms: Callable[[], int]) -> "PollRun":
    """Return the time of a run of `poll_generation`; `remaining_ms` returns the milliseconds left to the invocation."""
    from fermata.use_cases.generation.follow.poll_generation import PollRun

    settings = config.load(config.PollSettings)
    return PollRun(
        pause=lambda seconds: runtime.pause(seconds / settings.time_scale),
        remaining_s=lambda: remaining_ms() / 1000,
        longest_pauses_s=settings.poll_pauses_seconds,
    )


@lru_cache(maxsize=1)
def callback_ports() -> "CallbackPorts":
    """Return the ports of `await_callback` and `receive_callback`."""
    from fermata.use_cases.generation.follow.await_callback import CallbackPorts

    return CallbackPorts(stores.job_store(), stores.callback_store(), outward.machine_waits(), runtime.now)


def store_ports(remaining_ms: Callable[[], int]) -> "StorePorts":
    """Return the ports of `store_audio`; `remaining_ms` returns the milliseconds left to the invocation."""
    from fermata.use_cases.generation.finish.store_audio import StorePorts

    settings = config.load(config.StoreSettings)
    return StorePorts(
        jobs=stores.job_store(),
        answers=stores.answer_store(settings.audio_bucket),
        links=outward.audio_links(settings),
        tracks=stores.track_store(settings.audio_bucket),
        meter=outward.audio_meter(),
        marker=outward.audio_marker(settings.marking, settings.signing_secret_arn),
        marking=settings.marking,
        metrics=runtime.metrics(),
        clock=runtime.now,
        remaining_s=lambda: remaining_ms() / 1000,
        scratch=runtime.scratch(),
        patience=settings.patience,
        retention_days=settings.track_retention_days,
    )


@lru_cache(maxsize=1)
def open_callback_ports() -> "OpenCallbackPorts":
    """Return the ports of `open_callback`."""
    from fermata.use_cases.generation.purchase.run import OpenCallbackPorts
    from fermata.use_cases.orders.estimates import first_poll_s

    settings = config.load(config.StartSettings)
    return OpenCallbackPorts(
        callbacks=stores.callback_store(),
        api_url=outward.api_url(settings.api_url_parameter),
        randomness=runtime.callback_randomness,
        timeout_s=settings.callback_timeout_seconds,
        first_poll_s=lambda model_id: first_poll_s(model_id, stores.catalogue()),
    )


@lru_cache(maxsize=1)
def settle_ports() -> "SettlePorts":
    """Return the ports of `settle_job`."""
    from fermata.use_cases.generation.finish.settle_job import SettlePorts

    return SettlePorts(
        jobs=stores.job_store(),
        events=outward.job_events(),
        estimates=stores.estimates(),
        providers=stores.provider_states(),
        metrics=runtime.metrics(),
        delivery_start=webhooks.start_delivery_ports(),
        references=stores.reference_store(config.load(config.FileSettings).audio_bucket),
    )


def reap_ports(lost: Callable[[str, Exception], object]) -> "ReapPorts":
    """Return the ports of `reap_jobs`."""
    from fermata.domain.finish.overdue import Patience
    from fermata.use_cases.generation.finish.reap_jobs import ReapPorts

    settings = config.load(config.ReapSettings)
    return ReapPorts(
        settle=settle_ports(),
        due=stores.due_jobs(),
        machine=outward.job_machine(settings.music_job_machine_arn),
        patience=Patience(settings.reaper_idle_seconds, settings.reaper_absent_gap_seconds),
        rescues=outward.rescue_machine(settings.rescue_machine_arn),
        rescue=_rescue_policy(settings),
        delete=orders.delete_ports(),
        lost=lost,
        clock=runtime.now,
    )


def measure_ports(remaining_ms: Callable[[], int]) -> "MeasurePorts":
    """Return the ports of `measure_tracks`; `remaining_ms` returns the milliseconds left to the invocation."""
    from fermata.use_cases.generation.finish.measure_tracks import MeasurePorts

    return MeasurePorts(
        jobs=stores.job_store(),
        files=stores.sound_files(config.load(config.FileSettings).audio_bucket),
        meter=outward.sound_meter(),
        metrics=runtime.metrics(),
        remaining_s=lambda: remaining_ms() / 1000,
        scratch=runtime.scratch(),
    )


def rescue_ports(remaining_ms: Callable[[], int]) -> "RescuePorts":
    """Return the ports of `rescue_audio`; `remaining_ms` returns the milliseconds left to the invocation."""
    from fermata.use_cases.generation.finish.rescue_round import RescuePorts
    from fermata.use_cases.generation.follow.ask_task import POLL_WITHIN_S

    settings = config.load(config.RescueSettings)
    return RescuePorts(
        jobs=stores.job_store(),
        due=stores.due_jobs(),
        slots=stores.rescue_slots(settings.rescue_concurrency),
        upstream=outward.upstream(settings, POLL_WITHIN_S),
        keys=outward.provider_keys(),
        providers=outward.provider,
        answers=lambda: stores.answer_store(settings.audio_bucket),
        links=outward.audio_links(settings),
        meter=outward.audio_meter(),
        metrics=runtime.metrics(),
        clock=runtime.now,
        remaining_s=lambda: remaining_ms() / 1000,
        holder=runtime.claim_id,
        scratch=runtime.scratch(),
        policy=_rescue_policy(settings),
    )


def _rescue_policy(settings: config.RescueBoundsSettings) -> "RescuePolicy":
    from fermata.domain.finish.rescue import RescuePolicy

    return RescuePolicy(settings.result_life_seconds, settings.rescue_longest_pause_seconds)
