"""XMP in a box at the end of an M4A file (XMP Specification, part 3), so that no offset within the file moves. And a
C2PA manifest in a box near its beginning, so that all do.
"""

from typing import Final

from fermata.adapters.audio.marking.changes import Change
from fermata.adapters.audio.marking.xmp import xmp_packet
from fermata.adapters.audio.mp4.boxes import Box, BoxReader
from fermata.adapters.audio.window import ByteWindow
from fermata.domain.audio.marks import SongFacts

_XMP: Final = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_MANIFEST: Final = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_OWN_ID: Final = b"uuid"
_OF_FRAGMENTS: Final = frozenset({b"moof", b"sidx", b"mfra"})
# Version, flags and the number of places.
_BEFORE_PLACES: Final = 8
_MOST_TABLE_BYTES: Final = 16 * 1024


def has_manifest(window: ByteWindow, start: int) -> bool:
    """Whether the M4A file at `start` has a C2PA manifest."""
    return any(_id_of(window, box) == _MANIFEST for box in BoxReader(window).between(start, window.size))


def box_changes(window: ByteWindow, start: int, about: SongFacts) -> list[Change] | None:
    """The change that adds a box behind the last one of the M4A file at `start`; None if the last one is open or cut,
    or the file has XMP already.
    """
    boxes = [*BoxReader(window).between(start, window.size)]
    if not _is_closed(window, boxes) or any(_id_of(window, box) == _XMP for box in boxes):
        return None
    body = _OWN_ID + _XMP + xmp_packet(about)
    return [Change(window.size, 0, (4 + len(body)).to_bytes(4, "big") + body)]


def signed_changes(window: ByteWindow, start: int, about: SongFacts, manifest: bytes) -> list[Change] | None:
    """The changes that put the box of a manifest where C2PA wants it (2.4, A.5.3), behind the first box, and add XMP as
    `box_changes` does. The tables of places in the file follow the bytes that move. None if the last box is open or
    cut, the file is in fragments, or its tables are too large to be kept with the record.
    """
    reader = BoxReader(window)
    boxes = [*reader.between(start, window.size)]
    names = [box.name for box in boxes]
    if not _is_closed(window, boxes) or names[0] != b"ftyp" or {*names} & _OF_FRAGMENTS:
        return None
    tables = [
        table
        for box in boxes
        if box.name == b"moov"
        for trak in reader.inside(box)
        for name in (b"stco", b"co64")
        if (table := reader.child(trak, b"mdia", b"minf", b"stbl", name)) is not None
    ]
    moved = [_moved(window, table, len(manifest)) for table in tables]
    if sum(change.removed for change in moved) > _MOST_TABLE_BYTES:
        return None
    changes = [Change(boxes[0].end, 0, manifest), *moved, *(box_changes(window, start, about) or [])]
    return sorted(changes, key=lambda change: change.at)


def _moved(window: ByteWindow, table: Box, by: int) -> Change:
    """The change to a table of places in the file that are further back by some bytes (ISO 14496-12, 8.7.5)."""
    width = 8 if table.name == b"co64" else 4
    at = table.at + _BEFORE_PLACES
    count = min(window.number(at - 4, 4), _MOST_TABLE_BYTES, (table.end - at) // width)
    places = [window.number(at + width * each, width) + by for each in range(count)]
    return Change(at, width * count, b"".join(place.to_bytes(width, "big") for place in places))


def _is_closed(window: ByteWindow, boxes: list[Box]) -> bool:
    """Whether more may follow the last of a file's boxes."""
    return bool(boxes) and boxes[-1].announced_end == window.size and not _is_open(window, boxes[-1])


def _id_of(window: ByteWindow, box: Box) -> bytes | None:
    return window.read(box.at, len(_XMP)) if box.name == _OWN_ID else None


def _is_open(window: ByteWindow, box: Box) -> bool:
    """Whether a box says that it reaches to the end of the file; its header then has the size 0."""
    return window.number(box.at - 8, 4) == 0
