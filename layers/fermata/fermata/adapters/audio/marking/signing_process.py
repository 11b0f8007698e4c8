"""Signs one song in a process of its own, which may crash, hang or fill its memory without costing the song.

Usage: python -m fermata.adapters.audio.marking.signing_process, with a request in JSON on its standard input; the
answer is a line of JSON.
"""

import json
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import BinaryIO

from fermata.adapters.audio.lead import find_start
from fermata.adapters.audio.marking.changes import Change, sha256_outside, write_changed
from fermata.adapters.audio.marking.containers import (
    NotSignedError,
    bytes_outside_the_hash,
    signed_changes,
    tag_changes,
)
from fermata.adapters.audio.window import ByteWindow
from fermata.domain.audio.container import FLAC, M4A, MP3, WAV
from fermata.domain.audio.marks import Edit, Mark, NotSigned, SongFacts, Span
from fermata.ports.audio import MarkedFile, SigningKey


@dataclass(frozen=True)
class Request:
    """A song at `path`, what to say of it, the key, and the existing file to write."""

    path: Path
    into: Path
    about: SongFacts
    key: SigningKey

    def as_json(self) -> str:
        """The request for another process. It holds the private key."""
        about, key = self.about, self.key
        return json.dumps(
            {
                "path": str(self.path),
                "into": str(self.into),
                "about": {**vars(about), "made_on": about.made_on.isoformat()},
                "key": vars(key),
            }
        )

    @classmethod
    def of_json(cls, text: str) -> "Request":
        """The request in the text of `as_json`."""
        read = json.loads(text)
        about = SongFacts(**{**read["about"], "made_on": date.fromisoformat(read["about"]["made_on"])})
        return cls(Path(read["path"]), Path(read["into"]), about, SigningKey(**read["key"]))


def answer_of(marked: MarkedFile) -> str:
    """The result for the process that asked."""
    edits = [edit.model_dump() for edit in marked.edits]
    return json.dumps({"marks": marked.marks, "sha256": marked.sha256, "edits": edits, "not_signed": marked.not_signed})


def result_of(answer: str) -> MarkedFile:
    """The result in the text of `answer_of`; raises `ValueError` or `KeyError` for any other text."""
    read = json.loads(answer)
    reason = None if read["not_signed"] is None else NotSigned(read["not_signed"])
    marks = tuple(Mark(mark) for mark in read["marks"])
    return MarkedFile(marks, read["sha256"], tuple(Edit.model_validate(edit) for edit in read["edits"]), reason)


def sign(request: Request) -> MarkedFile:
    """Write the tagged and signed copy, and read its manifest back. A result without edits says why not."""
    try:
        with request.path.open("rb") as source, request.into.open("r+b") as into:
            return _signed(source, into, request)
    except NotSignedError as error:
        return MarkedFile((), "", (), error.reason)


def _signed(source: BinaryIO, into: BinaryIO, request: Request) -> MarkedFile:
    window = ByteWindow(source, request.path.stat().st_size)
    container, start = find_start(window)
    if container not in (MP3, WAV, FLAC, M4A):
        raise NotSignedError(NotSigned.NO_PLACE)
    library = _library()
    manifest = library.manifest_of(library.signer_of(request.key), container, request.about)
    changes = signed_changes(window, container, start, request.about, manifest.placeholder)
    edits, _ = write_changed(source, changes, into)
    place = _place(changes, edits, manifest.placeholder)
    signed = manifest.signed(into, bytes_outside_the_hash(container, place))
    if len(signed) != place.length:
        raise NotSignedError(NotSigned.FAILED)
    into.seek(place.at)
    into.write(signed)
    into.flush()
    into.seek(0)
    if not library.is_valid(into, container.content_type):
        raise NotSignedError(NotSigned.NOT_VALID)
    tags = (Mark.TAGS,) if tag_changes(window, container, start, request.about) else ()
    return MarkedFile((*tags, Mark.C2PA), sha256_outside(into, Span(0, 0)).hex(), edits)


def _library() -> ModuleType:
    try:
        from fermata.adapters.audio.marking import c2pa_library
    except (ImportError, OSError, RuntimeError):
        raise NotSignedError(NotSigned.NO_LIBRARY) from None
    return c2pa_library


def _place(changes: list[Change], edits: tuple[Edit, ...], placeholder: bytes) -> Span:
    """Where in the copy the manifest goes."""
    found = [
        edit.at + at for change, edit in zip(changes, edits, strict=True) if (at := change.put.find(placeholder)) >= 0
    ]
    return Span(found[0], len(placeholder))


if __name__ == "__main__":
    sys.stdout.write(answer_of(sign(Request.of_json(sys.stdin.read()))))
