"""Wires the use cases of callers' orders."""

from functools import lru_cache
from typing import TYPE_CHECKING

from fermata import config
from fermata.wiring import live, outward, runtime, stores

if TYPE_CHECKING:
    from fermata.use_cases.live.live_address import LiveAddressPorts
    from fermata.use_cases.orders.availability import AvailabilityPorts
    from fermata.use_cases.orders.create_reference import CreateReferencePorts
    from fermata.use_cases.orders.delete_job import DeletePorts
    from fermata.use_cases.orders.list_jobs import ListPorts
    from fermata.use_cases.orders.list_voices import VoicePorts
    from fermata.use_cases.orders.read_jobs import OriginalPorts, ReadPorts, ShowPorts
    from fermata.use_cases.orders.read_timeline import TimelinePorts
    from fermata.use_cases.orders.submit_job import SubmitPorts
    from fermata.use_cases.orders.wait_for_end import WaitPorts


@lru_cache(maxsize=1)
def submit_ports() -> "SubmitPorts":
    """Return the ports of `submit_job`."""
    from fermata.domain.orders.candidates import check_default_fallbacks
    from fermata.use_cases.orders.submit_job import SubmitPorts

    settings = config.load(config.SubmitSettings)
    machine = outward.job_machine(settings.music_job_machine_arn)
    catalogue = stores.catalogue()
    check_default_fallbacks(settings.default_fallbacks, catalogue)
    return SubmitPorts(
        jobs=stores.job_store(),
        machine=machine,
        catalogue=catalogue,
        estimates=stores.estimates(),
        start_by_s=settings.start_by_seconds,
        default_fallbacks=settings.default_fallbacks,
        references=stores.reference_store(settings.audio_bucket),
        reference_ids=stores.reference_ids(),
        trusted=settings.trusted,
        first_check_s=settings.reaper_first_check_seconds,
        longest_finish_by_s=settings.longest_finish_by_seconds,
        webhooks=stores.webhook_store(),
        wallets=stores.wallet_store(),
        key_counters=stores.key_counters(),
        availability=_availability_ports(),
        voices=stores.voice_store(),
    )


def _availability_ports() -> "AvailabilityPorts":
    from fermata.use_cases.orders.availability import AvailabilityPorts

    return AvailabilityPorts(
        provider_states=stores.provider_states(), brakes=stores.brake_store(), budget=stores.budget_micro_usd
    )


@lru_cache(maxsize=1)
def voice_ports() -> "VoicePorts":
    """Return the ports of `list_voices`."""
    from fermata.use_cases.orders.list_voices import ASK_WITHIN_S, VoicePorts

    settings = config.load(config.RememberedKeySettings)
    return VoicePorts(
        catalogue=stores.catalogue(),
        voices=stores.voice_store(),
        upstream=outward.upstream(settings, ASK_WITHIN_S),
        keys=outward.provider_keys(),
        listers=outward.voice_lister,
        wallets=stores.wallet_store(),
    )


@lru_cache(maxsize=1)
def create_reference_ports() -> "CreateReferencePorts":
    """Return the ports of `create_reference`."""
    from fermata.use_cases.orders.create_reference import CreateReferencePorts

    settings = config.load(config.UploadSettings)
    references = stores.reference_store(settings.audio_bucket)
    return CreateReferencePorts(references, runtime.catalogue(), settings.reference_link_seconds, stores.call_counts())


@lru_cache(maxsize=1)
def read_ports() -> "ReadPorts":
    """Return the ports of `read_jobs`."""
    from fermata.use_cases.orders.read_jobs import ReadPorts

    settings = config.load(config.ShowSettings)
    tracks = stores.track_store(settings.audio_bucket)
    catalogue = stores.catalogue()
    return ReadPorts(
        jobs=stores.job_store(),
        tracks=tracks,
        catalogue=catalogue,
        estimates=stores.estimates(),
        availability=_availability_ports(),
        link_ttl_s=settings.link_ttl_seconds,
        live=live.address_ports(),
    )


@lru_cache(maxsize=1)
def original_ports() -> "OriginalPorts":
    """Return the ports of `link_to_audio`."""
    from fermata.use_cases.orders.read_jobs import OriginalPorts

    return OriginalPorts(read_ports(), stores.original_store(config.load(config.ShowSettings).audio_bucket))


@lru_cache(maxsize=1)
def wait_ports() -> "WaitPorts":
    """Return the ports with which `submit_job` lets a request wait for the end of its job."""
    from fermata.use_cases.orders.wait_for_end import WaitPorts

    return WaitPorts(
        show=show_ports(),
        wallets=stores.wallet_store(),
        places=stores.waiting_places(),
        all_places=config.load(config.WaitSettings).waiting_environments,
        holder=runtime.claim_id,
        clock=runtime.now,
        pause=runtime.pause,
    )


@lru_cache(maxsize=1)
def list_ports() -> "ListPorts":
    """Return the ports of `list_jobs`."""
    from fermata.use_cases.orders.list_jobs import ListPorts

    return ListPorts(show_ports(live.address_ports()), stores.tenant_jobs())


def show_ports(live_address: "LiveAddressPorts | None" = None) -> "ShowPorts":
    """Return the ports that show a job, without its live address where nothing gives one."""
    from fermata.use_cases.orders.read_jobs import ShowPorts

    settings = config.load(config.ShowSettings)
    return ShowPorts(
        jobs=stores.job_store(),
        tracks=stores.track_store(settings.audio_bucket),
        catalogue=stores.catalogue(),
        estimates=stores.estimates(),
        link_ttl_s=settings.link_ttl_seconds,
        live=live_address,
    )


@lru_cache(maxsize=1)
def timeline_ports() -> "TimelinePorts":
    """Return the ports of `read_timeline`."""
    from fermata.use_cases.orders.read_timeline import TimelinePorts

    return TimelinePorts(stores.job_store(), stores.webhook_deliveries())


@lru_cache(maxsize=1)
def delete_ports() -> "DeletePorts":
    """Return the ports of `delete_job`."""
    from fermata.use_cases.orders.delete_job import DeletePorts

    bucket = config.load(config.FileSettings).audio_bucket
    return DeletePorts(
        jobs=stores.job_store(),
        answers=stores.answer_store(bucket),
        tracks=stores.track_store(bucket),
        originals=stores.original_store(bucket),
        references=stores.reference_store(bucket),
        deliveries=stores.webhook_deliveries(),
        live_pieces=stores.live_pieces(bucket),
        live_streams=stores.live_streams(),
    )
