"""The `audio_setting` of MiniMax and of its resellers."""

from pydantic import JsonValue

from fermata.domain.providers.calls import SongOrder


def audio_setting(order: SongOrder) -> dict[str, JsonValue]:
    """The value of `audio_setting` in a request body: rate in Hz, bit rate in bit/s, and format."""
    return {"sample_rate": order.sample_rate, "bitrate": order.bitrate, "format": order.audio_format}
