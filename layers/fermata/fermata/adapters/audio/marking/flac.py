"""Vorbis comments in FLAC files (RFC 9639, sections 8.1 and 8.6; https://www.xiph.org/vorbis/doc/v-comment.html)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from fermata.adapters.audio.flac_frames import STREAMINFO_BYTES
from fermata.adapters.audio.marking.changes import Change
from fermata.adapters.audio.window import ByteWindow
from fermata.domain.audio.marks import SongFacts

_MARK_BYTES: Final = 4
_HEADER_BYTES: Final = 4
_COMMENTS: Final = 4
_LAST: Final = 0x80
_KIND: Final = 0x7F
# The first byte of a frame looks like this kind of block.
_FORBIDDEN: Final = 127
_LARGEST_BLOCK: Final = (1 << 24) - 1
_MOST_BLOCKS: Final = 1000
_MOST_COMMENTS: Final = 1000
_LONGEST_NAME: Final = 64
_OURS_ALONE: Final = b"Fermata"


@dataclass(frozen=True)
class _Block:
    """A metadata block; `at` is the offset of its header."""

    kind: int
    at: int
    size: int
    is_last: bool

    @property
    def body(self) -> int:
        return self.at + _HEADER_BYTES

    @property
    def end(self) -> int:
        return self.body + self.size


def comment_changes(window: ByteWindow, start: int, about: SongFacts) -> list[Change] | None:
    """The changes that add comments to the FLAC file at `start`, to those that it has; None if its blocks or comments
    cannot be read or have no room.
    """
    blocks = [*_blocks(window, start + _MARK_BYTES)]
    if not blocks or not blocks[-1].is_last or blocks[0].size != STREAMINFO_BYTES:
        return None
    found = next((block for block in blocks if block.kind == _COMMENTS), None)
    return _new_block(blocks[0], about) if found is None else _longer_block(window, found, about)


def _blocks(window: ByteWindow, at: int) -> Iterator[_Block]:
    for _ in range(_MOST_BLOCKS):
        header = window.read(at, _HEADER_BYTES)
        if len(header) < _HEADER_BYTES:
            return
        block = _Block(header[0] & _KIND, at, int.from_bytes(header[1:], "big"), bool(header[0] & _LAST))
        if block.kind == _FORBIDDEN or block.end > window.size:
            return
        yield block
        if block.is_last:
            return
        at = block.end


def _new_block(first: _Block, about: SongFacts) -> list[Change] | None:
    ours = _comments(about, frozenset())
    body = _counted(_OURS_ALONE) + len(ours).to_bytes(4, "little") + b"".join(ours)
    if len(body) > _LARGEST_BLOCK:
        return None
    kind = _COMMENTS | (_LAST if first.is_last else 0)
    block = bytes([kind]) + len(body).to_bytes(3, "big") + body
    unmarked = [Change(first.at, 1, bytes([first.kind]))] if first.is_last else []
    return [*unmarked, Change(first.end, 0, block)]


def _longer_block(window: ByteWindow, found: _Block, about: SongFacts) -> list[Change] | None:
    count_at = found.body + 4 + int.from_bytes(window.read(found.body, 4), "little")
    if count_at + 4 > found.end:
        return None
    count = int.from_bytes(window.read(count_at, 4), "little")
    names = _names(window, count_at + 4, found.end, count)
    if names is None:
        return None
    ours = _comments(about, names)
    put = b"".join(ours)
    if found.size + len(put) > _LARGEST_BLOCK:
        return None
    return [
        Change(found.at + 1, 3, (found.size + len(put)).to_bytes(3, "big")),
        Change(count_at, 4, (count + len(ours)).to_bytes(4, "little")),
        Change(found.end, 0, put),
    ]


def _names(window: ByteWindow, at: int, end: int, count: int) -> frozenset[str] | None:
    """The upper-case names of a block's comments; None if they do not fill it exactly, or are too many."""
    names = set()
    if count > _MOST_COMMENTS:
        return None
    for _ in range(count):
        length = int.from_bytes(window.read(at, 4), "little")
        name = window.read(at + 4, min(length, _LONGEST_NAME)).partition(b"=")[0]
        names.add(name.decode("ascii", "replace").upper())
        at += 4 + length
        if at > end:
            return None
    return frozenset(names) if at == end else None


def _comments(about: SongFacts, there: frozenset[str]) -> list[bytes]:
    """Our comments, without those whose name is taken."""
    fields = {"DATE": about.made_on.isoformat(), "COMMENT": about.statement, **about.named}
    fields |= {"TITLE": about.title} if about.title else {}
    fields |= {"LYRICS": about.text} if about.text else {}
    ours = about.named.keys()
    wanted = {name: value for name, value in fields.items() if name in ours or name not in there}
    return [_counted(f"{name}={value}".encode("utf-8", "replace")) for name, value in wanted.items()]


def _counted(text: bytes) -> bytes:
    return len(text).to_bytes(4, "little") + text
