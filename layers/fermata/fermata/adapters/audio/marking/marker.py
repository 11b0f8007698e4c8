"""Marks a song's file. The sound stays byte for byte, and what cannot be marked safely is left as it is."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import IO, BinaryIO, Protocol

from fermata.adapters.audio.lead import find_start
from fermata.adapters.audio.marking.changes import read_span, write_changed
from fermata.adapters.audio.marking.containers import has_manifest, tag_changes
from fermata.adapters.audio.measurement import measure_audio
from fermata.adapters.audio.window import ByteWindow
from fermata.domain.audio.marks import Edit, Mark, NotSigned, SongFacts, Span, parts_of_source
from fermata.errors import BadAudioError
from fermata.ports.audio import AudioFacts, MarkedFile


class FileMarker:
    """`AudioMarker` for MP3, WAV, FLAC, M4A and AAC."""

    def mark(self, path: Path, facts: AudioFacts, sha256: str, about: SongFacts, into: IO[bytes]) -> MarkedFile:
        """Write the song with its marks. A file that has a C2PA manifest of its provider is left as it is, because any
        change would void it. Raises `BadAudioError` for a marked copy that sounds otherwise or does not lead back to
        the file exactly.
        """
        return _tagged(path, facts, sha256, about, into) or MarkedFile((), sha256)


class Signer(Protocol):
    """Writes tagged and signed copies of songs."""

    def sign(self, path: Path, about: SongFacts, into: IO[bytes]) -> MarkedFile:
        """Write the song at `path` with its tags and a signed manifest, or say in the result why it is not signed;
        `into` may then hold anything.
        """


class SigningMarker:
    """`AudioMarker` that also signs MP3, WAV, FLAC and M4A. A song that cannot be signed gets its tags all the same."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer
        self._tags = FileMarker()

    def mark(self, path: Path, facts: AudioFacts, sha256: str, about: SongFacts, into: IO[bytes]) -> MarkedFile:
        """Write the song with its tags and a signed manifest, or as `FileMarker` does."""
        if _is_signed_by_its_provider(path, facts):
            return MarkedFile((Mark.C2PA,), sha256)
        marked = self._signed(path, facts, sha256, about, into)
        if marked.not_signed is None:
            return marked
        into.seek(0)
        into.truncate()
        return replace(self._tags.mark(path, facts, sha256, about, into), not_signed=marked.not_signed)

    def _signed(self, path: Path, facts: AudioFacts, sha256: str, about: SongFacts, into: IO[bytes]) -> MarkedFile:
        marked = self._signer.sign(path, about, into)
        if marked.not_signed is None:
            try:
                _check(Path(into.name), facts, sha256, marked.edits)
            except BadAudioError:
                return replace(marked, not_signed=NotSigned.FAILED)
        return marked


def _tagged(path: Path, facts: AudioFacts, sha256: str, about: SongFacts, into: IO[bytes]) -> MarkedFile | None:
    with path.open("rb") as source:
        window = ByteWindow(source, facts.bytes)
        container, start = find_start(window)
        if has_manifest(window, container, start):
            return MarkedFile((Mark.C2PA,), sha256)
        changes = tag_changes(window, container, start, about)
        if not changes:
            return None
        edits, marked_sha256 = write_changed(source, changes, into)
    _check(Path(into.name), facts, sha256, edits)
    return MarkedFile((Mark.TAGS,), marked_sha256, edits)


def _is_signed_by_its_provider(path: Path, facts: AudioFacts) -> bool:
    with path.open("rb") as source:
        window = ByteWindow(source, facts.bytes)
        return has_manifest(window, *find_start(window))


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
