"""Marks a song's file. The sound stays byte for byte, and what cannot be marked safely is left as it is."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, BinaryIO, Final, Protocol

from fermata.adapters.audio.lead import find_start
from fermata.adapters.audio.marking.changes import leads_back, read_span, sha256_outside, splice
from fermata.adapters.audio.marking.containers import has_manifest, tag_changes
from fermata.adapters.audio.measurement import measure_audio, measure_open
from fermata.adapters.audio.window import ByteWindow
from fermata.adapters.spliced import SplicedFile
from fermata.domain.audio.container import AAC, MP3, Container
from fermata.domain.audio.marks import Edit, Mark, NotSigned, Part, SongFacts, Span, parts_of_source
from fermata.errors import BadAudioError
from fermata.ports.audio import AudioFacts, MarkedFile

_READ_BYTES: Final = 256 * 1024


class FileMarker:
    """`AudioMarker` for MP3, WAV, FLAC, M4A and AAC."""

    def mark(self, path: Path, facts: AudioFacts, sha256: str, about: SongFacts, into: IO[bytes]) -> MarkedFile:
        """The parts of the song with its marks; nothing is written to `into`. A file that has a C2PA manifest of its
        provider is left as it is, because any change would void it. Raises `BadAudioError` where the marked song sounds
        otherwise or does not lead back to the file exactly.
        """
        del into
        return _tagged(path, facts, sha256, about) or MarkedFile((), sha256)


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
                _check(Path(into.name), facts, sha256, marked)
            except BadAudioError:
                return replace(marked, not_signed=NotSigned.FAILED)
        return marked


def _tagged(path: Path, facts: AudioFacts, sha256: str, about: SongFacts) -> MarkedFile | None:
    with path.open("rb") as source:
        window = ByteWindow(source, facts.bytes)
        container, start = find_start(window)
        if has_manifest(window, container, start):
            return MarkedFile((Mark.C2PA,), sha256)
        changes = tag_changes(window, container, start, about)
        if not changes:
            return None
        edits, parts = splice(source, facts.bytes, changes)
        if not leads_back(edits, parts, source, facts.bytes):
            raise _another_file()
        marked = SplicedFile(source, parts)
        if not _has_the_same_frames(marked, container, facts.bytes - start, parts):
            _check_sound(measure_open(marked, marked.size), facts)
        return MarkedFile((Mark.TAGS,), _sha256(marked), edits, parts=parts)


def _has_the_same_frames(marked: SplicedFile, container: Container, sound_bytes: int, parts: Sequence[Part]) -> bool:
    """Whether a marked file of frames, which nothing but its own frames describes, ends with all `sound_bytes` of its
    source from the first one on, and is found to begin with them.
    """
    last = parts[-1]
    if container not in (MP3, AAC) or isinstance(last, bytes) or last.length < sound_bytes:
        return False
    return find_start(ByteWindow(marked, marked.size)) == (container, marked.size - sound_bytes)


def _sha256(marked: SplicedFile) -> str:
    digest = hashlib.sha256()
    marked.seek(0)
    while piece := marked.read(_READ_BYTES):
        digest.update(piece)
    return digest.hexdigest()


def _is_signed_by_its_provider(path: Path, facts: AudioFacts) -> bool:
    with path.open("rb") as source:
        window = ByteWindow(source, facts.bytes)
        return has_manifest(window, *find_start(window))


def _check(path: Path, facts: AudioFacts, sha256: str, marked: MarkedFile) -> None:
    """Raise `BadAudioError` unless the marked file sounds as its source does, leads back to it, and is the one that
    `marked` names.
    """
    found = measure_audio(path)
    _check_sound(found, facts)
    with path.open("rb") as file:
        if _source_sha256(file, marked.edits, found.bytes) != sha256:
            raise _another_file()
        if sha256_outside(file, Span(0, 0)).hex() != marked.sha256:
            raise BadAudioError("expected the marked song whose checksum is known, found another one")


def _check_sound(marked: AudioFacts, facts: AudioFacts) -> None:
    if _sound(marked) != _sound(facts):
        raise BadAudioError(f"expected a marked song of {_sound(facts)}, found {_sound(marked)}")


def _another_file() -> BadAudioError:
    return BadAudioError("expected the provider's file from the marked song, found another one")


def _sound(facts: AudioFacts) -> tuple[str, int, int, int]:
    return facts.content_type, facts.duration_ms, facts.sample_rate_hz, facts.channels


def _source_sha256(file: BinaryIO, edits: tuple[Edit, ...], stored_bytes: int) -> str:
    digest = hashlib.sha256()
    for part in parts_of_source(edits, stored_bytes):
        for piece in read_span(file, part) if isinstance(part, Span) else (part,):
            digest.update(piece)
    return digest.hexdigest()
