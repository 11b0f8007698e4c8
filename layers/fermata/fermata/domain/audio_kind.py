"""Tells audio from anything else by its first bytes; a provider's content type and file name are only claims."""

from dataclasses import dataclass
from typing import Final

from fermata.errors import BadAudioError

MINIMUM_AUDIO_BYTES: Final = 1024
HEAD_BYTES: Final = 12


@dataclass(frozen=True)
class AudioKind:
    """One container: its name, its media type, and the file extension without a dot."""

    container: str
    content_type: str
    extension: str


MP3: Final = AudioKind("mp3", "audio/mpeg", "mp3")
WAV: Final = AudioKind("wav", "audio/wav", "wav")
FLAC: Final = AudioKind("flac", "audio/flac", "flac")
OGG: Final = AudioKind("ogg", "audio/ogg", "ogg")


def recognise_audio(head: bytes, size_bytes: int) -> AudioKind:
    """The kind of a file, from its first `HEAD_BYTES` bytes and its size; raises `BadAudioError` if it is no song."""
    if size_bytes < MINIMUM_AUDIO_BYTES:
        raise BadAudioError(
            f"expected at least {MINIMUM_AUDIO_BYTES} bytes of audio, found {size_bytes}; there is no song in it"
        )
    kind = _kind_of(head)
    if kind is None:
        found = head[:HEAD_BYTES].hex(" ")
        raise BadAudioError(f"expected MP3, WAV, FLAC or Ogg, found a file starting with {found}; it is no song")
    return kind


def begins_as_audio(head: bytes) -> bool:
    """Whether a file's first bytes are those of a song; a short or cut file may still be none."""
    return _kind_of(head) is not None


def _kind_of(head: bytes) -> AudioKind | None:
    if head.startswith(b"ID3") or _is_frame_sync(head):
        return MP3
    if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        return WAV
    if head.startswith(b"fLaC"):
        return FLAC
    return OGG if head.startswith(b"OggS") else None


def _is_frame_sync(head: bytes) -> bool:
    # Eleven set bits, then version and layer. Only Layer III: AAC has layer 0, a UTF-16 byte order mark seems layer I.
    return len(head) > 1 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2
