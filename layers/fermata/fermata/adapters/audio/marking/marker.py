"""Marks a song's file. The sound stays byte for byte, and what cannot be marked safely is left as it is."""

import hashlib
from pathlib import Path
from typing import IO, BinaryIO

from fermata.adapters.audio.lead import find_start
from fermata.adapters.audio.marking import mp4, riff
from fermata.adapters.audio.marking.changes import Change, read_span, write_changed
from fermata.adapters.audio.marking.flac import comment_changes
from fermata.adapters.audio.marking.id3 import find_tag, tag_change
from fermata.adapters.audio.measurement import measure_audio
from fermata.adapters.audio.window import ByteWindow
from fermata.domain.audio.container import AAC, FLAC, HEAD_BYTES, M4A, MP3, WAV, Container, find_audio
from fermata.domain.audio.marks import Edit, Mark, SongFacts, Span, parts_of_source
from fermata.errors import BadAudioError
from fermata.ports.audio import AudioFacts, MarkedFile


class FileMarker:
    """`AudioMarker` for MP3, WAV, FLAC, M4A and AAC."""

    def mark(self, path: Path, facts: AudioFacts, sha256: str, about: SongFacts, into: IO[bytes]) -> MarkedFile:
        """Write the song with its marks. A file that has a C2PA manifest of its provider is left as it is, because any
        change would void it. Raises `BadAudioError` for a marked copy that sounds otherwise or does not lead back to
        the file exactly.
        """
        return _marked(path, facts, sha256, about, into) or MarkedFile((), sha256)


def _marked(path: Path, facts: AudioFacts, sha256: str, about: SongFacts, into: IO[bytes]) -> MarkedFile | None:
    with path.open("rb") as source:
        window = ByteWindow(source, facts.bytes)
        container, start = find_start(window)
        if _has_manifest(window, container, start):
            return MarkedFile((Mark.C2PA,), sha256)
        changes = _changes(window, container, start, about)
        if not changes:
            return None
        edits, marked_sha256 = write_changed(source, changes, into)
    _check(Path(into.name), facts, sha256, edits)
    return MarkedFile((Mark.TAGS,), marked_sha256, edits)


def _has_manifest(window: ByteWindow, container: Container, start: int) -> bool:
    tag = find_tag(window, _lead(window))
    if tag is not None and tag.is_signed:
        return True
    if container is WAV:
        return riff.has_manifest(window, start)
    return container is M4A and mp4.has_manifest(window, start)


def _changes(window: ByteWindow, container: Container, start: int, about: SongFacts) -> list[Change] | None:
    if container in (MP3, AAC):
        return [tag_change(window, _lead(window), about)]
    if container is WAV:
        return riff.chunk_changes(window, start, about)
    if container is FLAC:
        return comment_changes(window, start, about)
    return mp4.box_changes(window, start, about) if container is M4A else None


def _lead(window: ByteWindow) -> int:
    """The offset of the first byte that is no zero or white space."""
    found = find_audio(window.read(0, HEAD_BYTES))
    return found[1] if found is not None else 0


def _check(path: Path, facts: AudioFacts, sha256: str, edits: tuple[Edit, ...]) -> None:
    """Raise `BadAudioError` unless the marked file sounds as its source does, and leads back to it."""
    marked = measure_audio(path)
    if _sound(marked) != _sound(facts):
        raise BadAudioError(f"expected a marked song of {_sound(facts)}, found {_sound(marked)}")
    with path.open("rb") as file:
        if _source_sha256(file, edits, marked.bytes) != sha256:
            raise BadAudioError("expected the provider's file from the marked song, found another one")


def _sound(facts: AudioFacts) -> tuple[str, int, int, int]:
    return facts.content_type, facts.duration_ms, facts.sample_rate_hz, facts.channels


def _source_sha256(file: BinaryIO, edits: tuple[Edit, ...], stored_bytes: int) -> str:
    digest = hashlib.sha256()
    for part in parts_of_source(edits, stored_bytes):
        for piece in read_span(file, part) if isinstance(part, Span) else (part,):
            digest.update(piece)
    return digest.hexdigest()
