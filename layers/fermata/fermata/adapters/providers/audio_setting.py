"""How MiniMax, and whoever passes orders on to it, is told of the file that is wanted."""

from pydantic import JsonValue

from fermata.domain.providers.calls import SongOrder


def audio_setting(order: SongOrder) -> dict[str, JsonValue]:
    """The value of `audio_setting` in an order's body."""
    return {"sample_rate": order.sample_rate, "bitrate": order.bitrate, "format": order.audio_format}
