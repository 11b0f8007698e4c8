"""Fermata's Python client: order songs and speech, wait for them, and keep the files.

from fermata_client import Fermata

with Fermata() as fermata:
    song = fermata.run("auto", prompt="indie folk", lyrics="[Verse]\\nRain on the window")
    song.tracks[0].save("song.mp3")
"""

from fermata_client import webhooks
from fermata_client.aio import AsyncFermata, AsyncHandle, AsyncTrack
from fermata_client.client import Fermata, Handle, Track
from fermata_client.core.context import Clock
from fermata_client.core.orders import Order
from fermata_client.core.progress import Update
from fermata_client.core.retries import Retries
from fermata_client.errors import FermataError
from fermata_client.version import __version__

__all__ = [
    "AsyncFermata",
    "AsyncHandle",
    "AsyncTrack",
    "Clock",
    "Fermata",
    "FermataError",
    "Handle",
    "Order",
    "Retries",
    "Track",
    "Update",
    "__version__",
    "webhooks",
]
