"""Changes to a file: what the changed file is made of, or a copy that is written in one pass."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, BinaryIO, Final

from fermata.domain.audio.marks import Edit, Part, Span, bytes_of, parts_of_source

_READ_BYTES: Final = 1024 * 1024


@dataclass(frozen=True)
class Change:
    """The bytes `put` in place of `removed` bytes at the offset `at` of the provider's file."""

    at: int
    removed: int
    put: bytes


def splice(source: BinaryIO, source_bytes: int, changes: Sequence[Change]) -> tuple[tuple[Edit, ...], tuple[Part, ...]]:
    """How to undo the changes, which are in order, and the parts of the changed file, whose spans are of `source`."""
    edits, parts, at, written = [], list[Part](), 0, 0
    for change in changes:
        parts += [Span(at, change.at - at), change.put]
        written += change.at - at
        was = b"".join(read_span(source, Span(change.at, change.removed)))
        edits.append(Edit(at=written, length=len(change.put), was=was.hex()))
        written, at = written + len(change.put), change.at + change.removed
    return tuple(edits), (*parts, Span(at, source_bytes - at))


def leads_back(edits: Sequence[Edit], parts: Sequence[Part], source: BinaryIO, source_bytes: int) -> bool:
    """Whether undoing the edits of a file of these parts gives the source. Spans of the source are known to be itself
    and need not be read.
    """
    at = 0
    for wanted in parts_of_source(edits, bytes_of(parts)):
        for part in _cut_out(parts, wanted) if isinstance(wanted, Span) else (wanted,):
            if isinstance(part, bytes):
                if b"".join(read_span(source, Span(at, len(part)))) != part:
                    return False
                at += len(part)
            elif part.at != at:
                return False
            else:
                at += part.length
    return at == source_bytes


def _cut_out(parts: Sequence[Part], wanted: Span) -> Iterator[Part]:
    """The parts of a span of the file that `parts` make."""
    begins = 0
    for part in parts:
        length = bytes_of((part,))
        start, end = max(0, wanted.at - begins), min(length, wanted.at + wanted.length - begins)
        if start < end:
            yield part[start:end] if isinstance(part, bytes) else Span(part.at + start, end - start)
        begins += length


def write_changed(source: BinaryIO, changes: Sequence[Change], into: IO[bytes]) -> tuple[tuple[Edit, ...], str]:
    """Write the source with its changes, which are in order. Return how to undo them, and the SHA-256 of the result."""
    digest, edits, at, written = hashlib.sha256(), [], 0, 0
    for change in changes:
        for piece in read_span(source, Span(at, change.at - at)):
            into.write(piece)
            digest.update(piece)
        written += change.at - at
        was = b"".join(read_span(source, Span(change.at, change.removed)))
        edits.append(Edit(at=written, length=len(change.put), was=was.hex()))
        into.write(change.put)
        digest.update(change.put)
        written, at = written + len(change.put), change.at + change.removed
    source.seek(at)
    while piece := source.read(_READ_BYTES):
        into.write(piece)
        digest.update(piece)
    into.flush()
    return tuple(edits), digest.hexdigest()


def read_span(file: BinaryIO, span: Span) -> Iterator[bytes]:
    """The bytes of a span in pieces of at most a MiB."""
    file.seek(span.at)
    left = span.length
    while left > 0 and (piece := file.read(min(left, _READ_BYTES))):
        left -= len(piece)
        yield piece


def sha256_outside(file: BinaryIO, left_out: Span) -> bytes:
    """The SHA-256 of a file's bytes without those of a span."""
    digest = hashlib.sha256()
    for piece in read_span(file, Span(0, left_out.at)):
        digest.update(piece)
    file.seek(left_out.at + left_out.length)
    while piece := file.read(_READ_BYTES):
        digest.update(piece)
    return digest.digest()
