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


def box_changes(window: ByteWindow, start: int, about: SongFacts) -> list[Change] | None:
    """The change that adds a box behind the last one of the M4A file at `start`; None if the last one is open or cut,
    or the file has XMP already.
    """
    boxes = [*BoxReader(window).between(start, window.size)]
    if not boxes or any(_id_of(window, box) == _XMP for box in boxes):
        return None
    last = boxes[-1]
    if last.announced_end != window.size or _is_open(window, last):
        return None
    body = _OWN_ID + _XMP + xmp_packet(about)
    return [Change(window.size, 0, (4 + len(body)).to_bytes(4, "big") + body)]


def _id_of(window: ByteWindow, box: Box) -> bytes | None:
    return window.read(box.at, len(_XMP)) if box.name == _OWN_ID else None


def _is_open(window: ByteWindow, box: Box) -> bool:
    """Whether a box says that it reaches to the end of the file; its header then has the size 0."""
    return window.number(box.at - 8, 4) == 0
