"""Wires what lets listeners hear a song while it is made."""

from functools import lru_cache, partial
from typing import TYPE_CHECKING

from fermata import config
from fermata.wiring import outward, runtime, stores

if TYPE_CHECKING:
    from fermata.use_cases.live.live_address import LiveAddressPorts
    from fermata.use_cases.live.publish_pieces import Listening, LivePorts
    from fermata.use_cases.live.read_live import ReadLivePorts


@lru_cache(maxsize=1)
def publish_ports() -> "LivePorts":
    """Return the ports that publish the pieces of a song while its stream arrives."""
    from fermata.use_cases.live.publish_pieces import LivePorts

    settings = config.load(config.StartSettings)
    return LivePorts(
        jobs=stores.job_store(),
        streams=stores.live_streams(),
        pieces=stores.live_pieces(settings.audio_bucket),
        secret=outward.live_secret(settings.live_secret_arn),
        cutter=outward.piece_cutter,
        background=runtime.in_background,
        clock=runtime.now,
    )


@lru_cache(maxsize=1)
def listening() -> "Listening":
    """Return what publishes the pieces of an attempt's answer."""
    from fermata.use_cases.live.publish_pieces import listening

    return partial(listening, ports=publish_ports())


@lru_cache(maxsize=1)
def address_ports() -> "LiveAddressPorts":
    """Return the ports that show the address of a live song."""
    from fermata.use_cases.live.live_address import LiveAddressPorts

    settings = config.load(config.LiveAddressSettings)
    return LiveAddressPorts(stores.live_streams(), outward.live_secret(settings.live_secret_arn), settings.live_url)


@lru_cache(maxsize=1)
def read_live_ports() -> "ReadLivePorts":
    """Return the ports of `read_live`."""
    from fermata.use_cases.live.read_live import ReadLivePorts

    settings = config.load(config.ReadLiveSettings)
    return ReadLivePorts(
        jobs=stores.job_store(),
        streams=stores.live_streams(),
        pieces=stores.live_pieces(settings.audio_bucket),
        clock=runtime.now,
        grace_s=settings.live_grace_seconds,
        link_ttl_s=settings.link_ttl_seconds,
    )
