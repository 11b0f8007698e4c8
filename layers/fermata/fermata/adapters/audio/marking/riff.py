"""Chunks of WAV files that say what they hold: LIST INFO (Multimedia Programming Interface and Data Specifications
1.0), `id3 `, and `_PMX` for XMP (XMP Specification, part 3).
"""

from collections.abc import Iterator
from typing import Final

from fermata.adapters.audio.marking.changes import Change
from fermata.adapters.audio.marking.id3 import new_tag
from fermata.adapters.audio.marking.xmp import xmp_packet
from fermata.adapters.audio.sound import is_placeholder
from fermata.adapters.audio.wav_chunks import Chunk, chunks_of
from fermata.adapters.audio.window import ByteWindow
from fermata.domain.audio.marks import SongFacts

CHUNK_HEADER_BYTES: Final = 8
_RIFF_SIZE_AT: Final = 4
# The first chunk of RF64 begins with the size of the file (EBU Tech 3306).
_WIDE_SIZES: Final = b"ds64"
_LARGEST_RIFF: Final = 0xFFFFFFFE
_TAGS: Final = (b"id3 ", b"ID3 ")
_XMP: Final = b"_PMX"
_MANIFEST: Final = b"C2PA"
_LONGEST_INFO: Final = 64 * 1024


def has_manifest(window: ByteWindow, start: int) -> bool:
    """Whether the WAV file at `start` has a C2PA manifest."""
    return any(chunk.name == _MANIFEST for chunk in _chunks(window, start))


def chunk_changes(window: ByteWindow, start: int, about: SongFacts, manifest: bytes = b"") -> list[Change] | None:
    """The changes that put chunks before the samples of the WAV or RF64 file at `start`, where a size of the samples
    that the writer did not know does not matter. A chunk that the file has already gets no second one. The last of the
    new chunks holds the C2PA manifest, if there is one. None for an RF64 file without its sizes; with a manifest also
    for other RF64 and for a file of unknown size, where readers of manifests find none.
    """
    chunks = [*_chunks(window, start)]
    data = next((chunk for chunk in chunks if chunk.name == b"data"), None)
    if data is None:
        return None
    put = _new_chunks(window, chunks, about) + (_chunk(_MANIFEST, manifest) if manifest else b"")
    insertion = Change(data.at - CHUNK_HEADER_BYTES, 0, put)
    if window.read(start, 4) != b"RIFF":
        wide = chunks[0]
        return None if manifest or wide.name != _WIDE_SIZES else [_grown(window, wide.at, 8, len(put)), insertion]
    announced = int.from_bytes(window.read(start + _RIFF_SIZE_AT, 4), "little")
    if is_placeholder(announced):
        return None if manifest else [insertion]
    if announced + len(put) > _LARGEST_RIFF:
        return None
    return [_grown(window, start + _RIFF_SIZE_AT, 4, len(put)), insertion]


def _grown(window: ByteWindow, at: int, width: int, by: int) -> Change:
    """The change to the size of the whole file, a number of `width` bytes."""
    size = int.from_bytes(window.read(at, width), "little")
    return Change(at, width, ((size + by) % (1 << 8 * width)).to_bytes(width, "little"))


def _chunks(window: ByteWindow, start: int) -> Iterator[Chunk]:
    """The chunks of a WAV file, up to samples of unknown size, which look like chunks."""
    for chunk in chunks_of(window, start):
        yield chunk
        if chunk.name == b"data" and is_placeholder(chunk.size):
            return


def _new_chunks(window: ByteWindow, chunks: list[Chunk], about: SongFacts) -> bytes:
    names = {chunk.name for chunk in chunks}
    info = _chunk(b"LIST", b"INFO" + _info(about, _info_fields(window, chunks)))
    tag = b"" if names & {*_TAGS} else _chunk(b"id3 ", new_tag(about))
    return info + tag + (b"" if _XMP in names else _chunk(_XMP, xmp_packet(about)))


def _info_fields(window: ByteWindow, chunks: list[Chunk]) -> set[bytes]:
    """The names of the fields that the file's LIST INFO chunks have."""
    fields: set[bytes] = set()
    for chunk in chunks:
        if chunk.name != b"LIST" or window.read(chunk.at, 4) != b"INFO":
            continue
        at, end = chunk.at + 4, chunk.at + min(chunk.size, _LONGEST_INFO)
        while at + CHUNK_HEADER_BYTES <= end:
            header = window.read(at, CHUNK_HEADER_BYTES)
            fields.add(header[:4])
            size = int.from_bytes(header[4:], "little")
            at += CHUNK_HEADER_BYTES + size + size % 2
    return fields


def _info(about: SongFacts, there: set[bytes]) -> bytes:
    fields = {
        b"INAM": about.title or "",
        b"ICMT": about.statement,
        b"ICRD": about.made_on.isoformat(),
        b"IKEY": "; ".join(f"{name}={value}" for name, value in about.named.items()),
    }
    texts = {name: text.replace("\0", "").encode("utf-8", "replace") for name, text in fields.items()}
    return b"".join(_chunk(name, text + b"\0") for name, text in texts.items() if text and name not in there)


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + len(body).to_bytes(4, "little") + body + b"\0" * (len(body) % 2)
