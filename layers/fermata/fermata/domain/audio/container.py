"""The table of audio containers and their first bytes. A provider's content type and file name are not trusted."""

from dataclasses import dataclass
from typing import Final, Literal

from fermata.errors import BadAudioError

ContentType = Literal["audio/mpeg", "audio/wav", "audio/flac", "audio/ogg", "audio/mp4", "audio/aac"]
"""The media types of stored songs, as the served document lists them."""

MINIMUM_AUDIO_BYTES: Final = 1024
MAX_AUDIO_BYTES: Final = 256 * 1024 * 1024
"""The largest file that Fermata accepts; a header that announces more holds a placeholder."""

LONGEST_LEAD_BYTES: Final = 64 * 1024
_MAGIC_BYTES: Final = 12
HEAD_BYTES: Final = LONGEST_LEAD_BYTES + _MAGIC_BYTES
"""How many first bytes of a file suffice to recognise audio."""

# Some servers put zeros or line ends before the first byte of a file; no container begins with a printable blank.
_LEAD: Final = b"\0\r\n\t "
_TEXTS: Final = {b"<": "a web page or XML", b"{": "JSON", b"[": "JSON"}


@dataclass(frozen=True)
class Container:
    """One kind of file: its display name, its media type, and its file extension without a dot."""

    name: str
    content_type: ContentType
    extension: str


MP3: Final = Container("MP3", "audio/mpeg", "mp3")
WAV: Final = Container("WAV", "audio/wav", "wav")
FLAC: Final = Container("FLAC", "audio/flac", "flac")
OGG: Final = Container("Ogg", "audio/ogg", "ogg")
M4A: Final = Container("M4A", "audio/mp4", "m4a")
AAC: Final = Container("AAC", "audio/aac", "aac")

CONTAINERS: Final = (MP3, WAV, FLAC, OGG, M4A, AAC)
"""MP3; WAV with any coding; FLAC; Vorbis, Opus or FLAC in Ogg; AAC or ALAC in MP4; AAC frames with ADTS headers."""


def recognise_audio(head: bytes, size_bytes: int) -> Container:
    """The container of a file, by its first `HEAD_BYTES` bytes and its size; raises `BadAudioError` without one."""
    if size_bytes < MINIMUM_AUDIO_BYTES:
        raise BadAudioError(f"expected at least {MINIMUM_AUDIO_BYTES} bytes of audio, found {size_bytes}")
    found = find_audio(head)
    if found is None:
        known = f"{', '.join(each.name for each in CONTAINERS[:-1])} or {CONTAINERS[-1].name}"
        raise BadAudioError(f"expected audio in {known}, found {_describe(head)}")
    return found[0]


def begins_as_audio(head: bytes) -> bool:
    """Whether a file's first `HEAD_BYTES` bytes are those of a song; the file may still be too short or cut."""
    return find_audio(head) is not None


def find_audio(head: bytes) -> tuple[Container, int] | None:
    """The container that begins in a file's first `HEAD_BYTES` bytes and its byte offset, or None.

    Up to `LONGEST_LEAD_BYTES` zeros, line ends and blanks before it are skipped. A tag (ID3) counts as MP3.
    """
    at = len(head) - len(head.lstrip(_LEAD))
    # The four bytes before this name are its length, which begins with zeros and may be 32, a blank.
    box = head.find(b"ftyp", at, at + 8) - 4
    if 0 <= box <= LONGEST_LEAD_BYTES and 0 < int.from_bytes(head[box : box + 4], "big") <= LONGEST_LEAD_BYTES:
        return M4A, box
    if at > LONGEST_LEAD_BYTES:
        return None
    container = _container_at(head[at : at + _MAGIC_BYTES])
    return None if container is None else (container, at)


def _container_at(magic: bytes) -> Container | None:
    if magic.startswith(b"ID3") or _is_mp3_frame(magic):
        return MP3
    if magic.startswith((b"RIFF", b"RF64", b"BW64")) and magic[8:12] == b"WAVE":
        return WAV
    if magic.startswith(b"fLaC"):
        return FLAC
    if magic.startswith(b"OggS"):
        return OGG
    return AAC if _is_adts_frame(magic) else None


def _is_mp3_frame(magic: bytes) -> bool:
    # Eleven set bits, then version and layer. Only Layer III: AAC has layer 0, a UTF-16 byte order mark seems layer I.
    return len(magic) > 1 and magic[0] == 0xFF and magic[1] & 0xE6 == 0xE2 and magic[1] & 0x18 != 0x08


def _is_adts_frame(magic: bytes) -> bool:
    # Twelve set bits, either version, layer 0, with or without a checksum; the rate has 13 known codes.
    return len(magic) > 2 and magic[0] == 0xFF and magic[1] & 0xF6 == 0xF0 and magic[2] >> 2 & 0xF <= 12


def _describe(head: bytes) -> str:
    text = head.lstrip(_LEAD)
    if not text:
        return f"{len(head)} bytes of nothing"
    return _TEXTS.get(text[:1], f"a file starting with {text[:_MAGIC_BYTES].hex(' ')}")
