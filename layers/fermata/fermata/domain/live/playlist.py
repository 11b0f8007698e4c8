"""The playlist of a live song (RFC 8216): a list that only grows, of pieces with addresses that never change."""

from typing import Final

from fermata.domain.live.stream import LiveStream

MEDIA_TYPE: Final = "application/vnd.apple.mpegurl"


def playlist(stream: LiveStream, *, ended: bool) -> str:
    """The playlist so far; its addresses are relative to its own."""
    head = (
        "#EXTM3U",
        "#EXT-X-VERSION:3",
        f"#EXT-X-TARGETDURATION:{stream.target_s}",
        "#EXT-X-MEDIA-SEQUENCE:1",
        "#EXT-X-PLAYLIST-TYPE:EVENT",
    )
    pieces = (
        f"#EXTINF:{duration_ms / 1000:.3f},\n{number}.mp3" for number, duration_ms in enumerate(stream.durations_ms, 1)
    )
    return "\n".join((*head, *pieces, *(("#EXT-X-ENDLIST",) if ended else ()), ""))
