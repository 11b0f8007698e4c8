"""ID3 tags (https://id3.org/id3v2.4.0-structure, https://id3.org/id3v2.3.0): a tag of our own, or our frames in the tag
of a provider.
"""

from dataclasses import dataclass
from typing import Final

from fermata.adapters.audio.marking.changes import Change
from fermata.adapters.audio.marking.xmp import xmp_packet
from fermata.adapters.audio.tags import TAG_HEADER_BYTES, end_of_tag
from fermata.adapters.audio.window import ByteWindow
from fermata.domain.audio.marks import SongFacts

_UTF_16, _UTF_8 = b"\x01", b"\x03"
_BOM: Final = b"\xff\xfe"
_SIZE_AT: Final = 6
_FLAGS_AT: Final = 5
_LARGEST_TAG: Final = (1 << 28) - 1
_FRAME_HEADER_BYTES: Final = 10
_MOST_FRAMES: Final = 1000
# GEOB begins with an encoding and a media type.
_MEDIA_TYPE_BYTES: Final = 64
_MANIFEST: Final = b"c2pa"
# An encoding, a media type, a file name and a description (C2PA 2.4, A.3.4).
_BEFORE_MANIFEST: Final = b"\0application/c2pa\0c2pa\0c2pa manifest store\0"
_LANGUAGE: Final = b"eng"
_UNKNOWN_LANGUAGE: Final = b"XXX"


@dataclass(frozen=True)
class FoundTag:
    """A tag at the offset `at` that ends at `end`. `frames` are the ids of its frames, None if it cannot take more of
    them. A tag that `is_signed` has a C2PA manifest.
    """

    at: int
    end: int
    version: int
    frames: frozenset[bytes] | None
    is_signed: bool


def find_tag(window: ByteWindow, at: int) -> FoundTag | None:
    """The tag at an offset, or None."""
    header, end = window.read(at, TAG_HEADER_BYTES), end_of_tag(window, at)
    if end is None:
        return None
    ids, is_whole, is_signed = _walk(window, at, min(end, window.size), header[3])
    takes_more = is_whole and header[3] in (3, 4) and not header[_FLAGS_AT] and end < window.size
    return FoundTag(at, end, header[3], frozenset(ids) if takes_more else None, is_signed)


def tag_change(window: ByteWindow, at: int, about: SongFacts | None, manifest: bytes = b"") -> Change:
    """The change that tags a file of frames: new frames in the tag at `at`, which keeps all of its own, or a tag of our
    own at the beginning of the file where there is none, or one that cannot be extended safely. The last of the new
    frames holds the C2PA manifest, if there is one; without facts it is the only one.
    """
    found = find_tag(window, at)
    if found is not None and found.frames is not None:
        frames = _new_frames(about, found.version, found.frames, manifest)
        size = found.end - at - TAG_HEADER_BYTES + len(frames)
        if size <= _LARGEST_TAG:
            return Change(at + _SIZE_AT, TAG_HEADER_BYTES - _SIZE_AT, _syncsafe(size) + frames)
    return Change(0, 0, new_tag(about, manifest))


def new_tag(about: SongFacts | None, manifest: bytes = b"") -> bytes:
    """A tag of version 2.4."""
    frames = _new_frames(about, 4, frozenset(), manifest)
    return b"ID3\x04\x00\x00" + _syncsafe(len(frames)) + frames


def _walk(window: ByteWindow, at: int, end: int, version: int) -> tuple[set[bytes], bool, bool]:
    """The ids of a tag's frames, whether all of them could be read, and whether one holds a C2PA manifest."""
    ids: set[bytes] = set()
    is_signed, at = False, at + TAG_HEADER_BYTES
    for _ in range(_MOST_FRAMES):
        header = window.read(at, min(_FRAME_HEADER_BYTES, end - at))
        if not header.strip(b"\0"):
            return ids, True, is_signed
        name, size = header[:4], header[4:8]
        length = _plain_or_syncsafe(size, version)
        if len(header) < _FRAME_HEADER_BYTES or not _is_frame_name(name) or length is None:
            return ids, False, is_signed
        body, at = at + _FRAME_HEADER_BYTES, at + _FRAME_HEADER_BYTES + length
        if at > end:
            return ids, False, is_signed
        ids.add(name)
        is_signed = is_signed or (name == b"GEOB" and _MANIFEST in window.read(body, min(length, _MEDIA_TYPE_BYTES)))
    return ids, False, is_signed


def _is_frame_name(name: bytes) -> bool:
    return all(octet in b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789" for octet in name)


def _plain_or_syncsafe(size: bytes, version: int) -> int | None:
    if version != 4:
        return int.from_bytes(size, "big")
    if any(octet & 0x80 for octet in size):
        return None
    return sum(octet << shift for octet, shift in zip(size, (21, 14, 7, 0), strict=True))


# ---- writing


def _new_frames(about: SongFacts | None, version: int, there: frozenset[bytes], manifest: bytes) -> bytes:
    frames = b"" if about is None else _frames(about, version, there)
    return frames + (_frame(b"GEOB", _BEFORE_MANIFEST + manifest, version) if manifest else b"")


def _frames(about: SongFacts, version: int, there: frozenset[bytes]) -> bytes:
    """Our frames, without those of which a tag may have only one and that are there already."""
    single: dict[bytes, bytes] = {}
    if about.title:
        single[b"TIT2"] = _encoded(about.title, version)
    day = about.made_on
    dates = {b"TDRC": f"{day:%Y-%m-%d}"} if version == 4 else {b"TYER": f"{day:%Y}", b"TDAT": f"{day:%d%m}"}
    single |= {name: _encoded(text, version) for name, text in dates.items() if not there & dates.keys()}
    single[b"COMM"] = _described(about.statement, version, _LANGUAGE)
    if about.text:
        single[b"USLT"] = _described(about.text, version, _UNKNOWN_LANGUAGE)
    written = [_frame(name, body, version) for name, body in single.items() if name not in there]
    for name, value in about.named.items():
        named = _encoded(name, version, ended=True) + _encoded(value, version)[1:]
        written.append(_frame(b"TXXX", named, version))
    written.append(_frame(b"PRIV", b"XMP\0" + xmp_packet(about), version))
    return b"".join(written)


def _frame(name: bytes, body: bytes, version: int) -> bytes:
    size = _syncsafe(len(body)) if version == 4 else len(body).to_bytes(4, "big")
    return name + size + b"\0\0" + body


def _encoded(text: str, version: int, *, ended: bool = False) -> bytes:
    text = text.replace("\0", "") + ("\0" if ended else "")
    if version == 4:
        return _UTF_8 + text.encode("utf-8", "replace")
    return _UTF_16 + _BOM + text.encode("utf-16-le", "replace")


def _described(text: str, version: int, language: bytes) -> bytes:
    """A text with its language and an empty description."""
    encoded, empty = _encoded(text, version), _encoded("", version, ended=True)
    return encoded[:1] + language + empty[1:] + encoded[1:]


def _syncsafe(number: int) -> bytes:
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))
