"""Measures Vorbis (Vorbis I, section A), Opus (RFC 7845) and FLAC (RFC 9639, section 10.1) in Ogg files.

The times in a stream's first and last pages give its length; every stream of a chain counts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from fermata.adapters.audio.flac_frames import STREAMINFO_BYTES, read_streaminfo
from fermata.adapters.audio.ogg_pages import Page, read_pages
from fermata.adapters.audio.sound import Sound, check_whole, damaged
from fermata.adapters.audio.window import ByteWindow

_OPUS_RATE_HZ: Final = 48000
_LONGEST_OPUS_PACKET: Final = 5760
# Samples of a frame by the last bits of an Opus packet's configuration.
_SILK: Final = (480, 960, 1920, 2880)
_HYBRID: Final = (480, 960)
_CELT: Final = (120, 240, 480, 960)
_IDENTIFICATION_BYTES: Final = 64
_FLAC_HEAD: Final = 13


@dataclass
class _Stream:
    """One stream of a chain. `skipped` samples at its beginning are not played, `longest_packet` is in samples, and
    `announced` is the announced total of samples (0: none). The other fields grow with its pages.
    """

    serial: int
    sample_rate_hz: int
    channels: int
    skipped: int
    longest_packet: int
    header_packets: int
    announced: int = 0
    packets: int = 0
    began_at: int | None = None
    ended_at: int = 0

    def add(self, page: Page, window: ByteWindow) -> None:
        """Count a page. The first one with sound gives the stream's time at its beginning."""
        self.packets += page.packets
        sounding = self.packets - self.header_packets
        if page.position is None or sounding <= 0:
            return
        if self.began_at is None:
            self.began_at = max(0, page.position - sounding * self._usual_packet(window.read(page.body_at, 2)))
        self.ended_at = max(self.ended_at, page.position)

    @property
    def samples(self) -> int:
        """The played samples per channel, at most what the packets can hold."""
        elapsed = self.ended_at - (self.began_at or 0)
        held = max(0, self.packets - self.header_packets) * self.longest_packet
        return max(0, min(elapsed, held) - self.skipped)

    def _usual_packet(self, packet: bytes) -> int:
        """The samples of a packet; an Opus packet states them in its first bytes (RFC 6716, section 3.1)."""
        if self.longest_packet != _LONGEST_OPUS_PACKET or len(packet) < 2:
            return self.longest_packet
        config, code = packet[0] >> 3, packet[0] & 3
        frame = _CELT[config & 3] if config >= 16 else _HYBRID[config & 1] if config >= 12 else _SILK[config & 3]
        return int(frame * (1, 2, 2, packet[1] & 0x3F)[code])


def measure_ogg(window: ByteWindow, start: int) -> Sound:
    """The sound that a decoder plays from the Ogg file at `start`, with or without an end-of-stream mark. Raises
    `CutAudioError` where it ends too early, `BadAudioError` where it is damaged.
    """
    stream, first, seconds = None, None, 0.0
    for page in read_pages(window, start):
        # Of multiplexed streams, the first with sound counts; a stream that begins later belongs to a chain.
        if page.begins_stream and (stream is None or stream.packets > stream.header_packets):
            following = _identify(window, page)
            seconds += _seconds(stream) if following else 0
            stream = following or stream
            first = first or following
        if stream is not None and page.serial == stream.serial:
            stream.add(page, window)
    if first is None:
        raise damaged("Ogg", "found no Vorbis, Opus or FLAC sound")
    return Sound(seconds + _seconds(stream), first.sample_rate_hz, first.channels)


def _seconds(stream: _Stream | None) -> float:
    if stream is None:
        return 0
    check_whole(stream.announced, stream.samples, "samples")
    return stream.samples / stream.sample_rate_hz


def _identify(window: ByteWindow, page: Page) -> _Stream | None:
    """The stream that a first page opens, or None where it holds no sound."""
    packet = window.read(page.body_at, min(page.end - page.body_at, _IDENTIFICATION_BYTES))
    for mark, (shortest, read) in _READERS.items():
        if packet.startswith(mark):
            if len(packet) < shortest:
                raise damaged("Ogg", "found too short a description of its sound")
            stream = read(page.serial, packet)
            if not (stream.sample_rate_hz and stream.channels and stream.longest_packet):
                raise damaged("Ogg", f"found {stream.channels} channels at {stream.sample_rate_hz} Hz")
            return stream
    return None


def _read_opus(serial: int, packet: bytes) -> _Stream:
    channels, pre_skip = int.from_bytes(packet[9:10]), int.from_bytes(packet[10:12], "little")
    return _Stream(serial, _OPUS_RATE_HZ, channels, pre_skip, _LONGEST_OPUS_PACKET, header_packets=2)


def _read_vorbis(serial: int, packet: bytes) -> _Stream:
    channels, rate = int.from_bytes(packet[11:12]), int.from_bytes(packet[12:16], "little")
    longest_block = 1 << (int.from_bytes(packet[28:29]) >> 4)
    # Blocks overlap by half.
    return _Stream(serial, rate, channels, 0, longest_block // 2, header_packets=3)


def _read_flac(serial: int, packet: bytes) -> _Stream:
    info = read_streaminfo(packet[_FLAC_HEAD + 4 : _FLAC_HEAD + 4 + STREAMINFO_BYTES])
    more_headers = int.from_bytes(packet[7:9], "big")
    return _Stream(serial, info.sample_rate_hz, info.channels, 0, info.blocksize, 1 + more_headers, info.total_samples)


# For the magic bytes of each coding: the least size of its first packet, and its parser.
_READERS: Final[dict[bytes, tuple[int, Callable[[int, bytes], _Stream]]]] = {
    b"OpusHead": (19, _read_opus),
    b"\x01vorbis": (30, _read_vorbis),
    b"\x7fFLAC": (51, _read_flac),
}
