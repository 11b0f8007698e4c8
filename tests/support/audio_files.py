"""Makes small audio files of every kind, whole and odd, for what measures them."""

import io
import struct
import wave
from collections.abc import Callable
from functools import cache
from typing import Final

import lameenc
import miniaudio
import numpy as np

from fermata.ports.audio import AudioFacts
from tests.fixtures.http_answers import FIXTURES

Measure = Callable[[bytes], AudioFacts]

ID3V2: Final = b"ID3\x04\x00\x00\x00\x00\x07\x68" + bytes(1000)
ID3V2_WITH_FOOTER: Final = b"ID3\x04\x00\x10\x00\x00\x07\x68" + bytes(1000) + b"3DI\x04\x00\x10\x00\x00\x07\x68"
LONG_ID3V2: Final = b"ID3\x04\x00\x00\x00\x04\x22\x70" + bytes(70_000)
ID3V1: Final = b"TAG" + bytes(125)
NOISE: Final = np.random.default_rng(3).bytes(50_000)
MP3_FRAME_MS: Final = 1152 / 44.1


def kept(name: str) -> bytes:
    """One of the files in `tests/fixtures/audio`."""
    return (FIXTURES / "audio" / name).read_bytes()


def samples(seconds: float, rate: int, channels: int) -> bytes:
    """A tone of changing loudness, 16 bits a sample."""
    moments = np.arange(int(seconds * rate)) / rate
    loudness = 4000 * (1 + np.floor(moments * 2) % 4)
    tune = (loudness * np.sin(2 * np.pi * 330 * moments)).astype(np.int16)
    return np.repeat(tune[:, None], channels, axis=1).tobytes()


@cache
def mp3(rate: int = 44100, channels: int = 2, kbps: int | None = 128, seconds: float = 3.3) -> bytes:
    """An MP3 file without a Xing header; of variable bit rate where `kbps` is None."""
    encoder = lameenc.Encoder()
    encoder.silence()
    encoder.set_channels(channels)
    encoder.set_in_sample_rate(rate)
    encoder.set_out_sample_rate(rate)
    encoder.set_quality(7)
    if kbps is None:
        encoder.set_vbr(4)
        encoder.set_vbr_quality(2)
    else:
        encoder.set_bit_rate(kbps)
    return bytes(encoder.encode(samples(seconds, rate, channels)) + encoder.flush())


def wav(rate: int = 44100, channels: int = 2, seconds: float = 1.5) -> bytes:
    """A WAV file of 16 bits as Python's own writer makes it: 44 bytes, then the samples."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes(samples(seconds, rate, channels))
    return file.getvalue()


def with_xing_header(
    song: bytes,
    frames: int | None,
    padding: tuple[int, int] = (576, 700),
    kind: bytes = b"Info",
    octets: int | None = None,
    checksum: int = 0,
) -> bytes:
    """The song (44.1 kHz stereo) behind a frame that says how many frames and bytes there are and how they are padded;
    `checksum` is the room in bytes that is left for one.
    """
    lame = b"LAME3.100".ljust(21, b"\0") + (padding[0] << 12 | padding[1]).to_bytes(3, "big")
    counts = struct.pack(">I", 0x8 | (frames is not None) | (octets is not None) << 1)
    counts += b"".join(struct.pack(">I", each) for each in (frames, octets) if each is not None)
    tag = kind + counts + bytes(4) + lame
    return (b"\xff\xfb\x90\x64" + bytes(32 + checksum) + tag).ljust(417, b"\0") + song


def with_vbri_header(song: bytes, frames: int, octets: int = 0) -> bytes:
    """The song (44.1 kHz stereo) behind a frame of Fraunhofer's that says how many frames and bytes there are."""
    tag = b"VBRI" + struct.pack(">HHHII", 1, 0, 75, octets, frames)
    return (b"\xff\xfb\x90\x64" + bytes(32) + tag).ljust(417, b"\0") + song


def frames_of(song: bytes) -> int:
    """How many frames an MP3 of 44.1 kHz has."""
    return round(decoded_ms(song) / MP3_FRAME_MS)


def riff(*chunks: tuple[bytes, bytes], name: bytes = b"RIFF", size: int | None = None) -> bytes:
    """A WAV file of these chunks, each padded to an even length."""
    body = b"WAVE" + b"".join(
        kind + struct.pack("<I", len(content)) + content + bytes(len(content) % 2) for kind, content in chunks
    )
    return name + struct.pack("<I", len(body) if size is None else size) + body


def fmt(
    coding: int = 1, channels: int = 2, rate: int = 44100, block: int = 4, bits: int = 16, more: bytes = b""
) -> tuple[bytes, bytes]:
    """A WAV file's description of its samples."""
    return b"fmt ", struct.pack("<HHIIHH", coding, channels, rate, rate * block, block, bits) + more


def box(name: bytes, *content: bytes) -> bytes:
    """A box of an MP4 file."""
    body = b"".join(content)
    return struct.pack(">I", 8 + len(body)) + name + body


def ogg_page(packets: list[bytes], position: int, serial: int = 7, flags: int = 0) -> bytes:
    """A page of whole packets; nobody here looks at its checksum."""
    lacing = b"".join(bytes([255] * (len(each) // 255) + [len(each) % 255]) for each in packets)
    head = b"OggS\0" + bytes([flags]) + struct.pack("<QIII", position, serial, 0, 0)
    return head + bytes([len(lacing)]) + lacing + b"".join(packets)


def decoded_ms(song: bytes) -> float:
    """How long an independent decoder plays it."""
    decoded = miniaudio.decode(song)
    return float(decoded.num_frames / decoded.sample_rate * 1000)


class CountingFile(io.BytesIO):
    """A file in memory that counts how often it is read, and how many bytes."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.reads = 0
        self.read_bytes = 0

    def read(self, size: int | None = -1, /) -> bytes:
        found = super().read(size)
        self.reads += 1
        self.read_bytes += len(found)
        return found
