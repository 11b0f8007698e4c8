"""XMP in a box at the end of an M4A file (XMP Specification, part 3), so that no offset within the file moves."""

from typing import Final

from fermata.adapters.audio.marking.changes import Change
from fermata.adapters.audio.marking.xmp import xmp_packet
from fermata.adapters.audio.mp4.boxes import Box, BoxReader
from fermata.adapters.audio.window import ByteWindow
from fermata.domain.audio.marks import SongFacts

_XMP: Final = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_MANIFEST: Final = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_OWN_ID: Final = b"uuid"


def has_manifest(window: ByteWindow, start: int) -> bool:
    """Whether the M4A file at `start` has a C2PA manifest."""
    return any(_id_of(window, box) == _MANIFEST for box in BoxReader(window).between(start, window.size))


def box_changes(window: ByteWindow, start: int, about: SongFacts, manifest: bytes = b"") -> list[Change] | None:
    """The change that adds boxes behind the last one of the M4A file at `start`: XMP, unless the file has it already,
    and the box of a C2PA manifest, if there is one. None if the last one is open or cut, or nothing is to be added.
    """
    boxes = [*BoxReader(window).between(start, window.size)]
    if not boxes or boxes[-1].announced_end != window.size or _is_open(window, boxes[-1]):
        return None
    has_xmp = any(_id_of(window, box) == _XMP for box in boxes)
    body = _OWN_ID + _XMP + xmp_packet(about)
    put = (b"" if has_xmp else (4 + len(body)).to_bytes(4, "big") + body) + manifest
    return [Change(window.size, 0, put)] if put else None


def _id_of(window: ByteWindow, box: Box) -> bytes | None:
    return window.read(box.at, len(_XMP)) if box.name == _OWN_ID else None


def _is_open(window: ByteWindow, box: Box) -> bool:
    """Whether a box says that it reaches to the end of the file; its header then has the size 0."""
    return window.number(box.at - 8, 4) == 0
