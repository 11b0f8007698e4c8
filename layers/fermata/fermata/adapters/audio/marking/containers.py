"""Where each container takes tags and a C2PA manifest."""

from typing import Final

from fermata.adapters.audio.marking import mp4, riff
from fermata.adapters.audio.marking.changes import Change
from fermata.adapters.audio.marking.flac import comment_changes
from fermata.adapters.audio.marking.id3 import find_tag, tag_change
from fermata.adapters.audio.window import ByteWindow
from fermata.domain.audio.container import AAC, FLAC, HEAD_BYTES, M4A, MP3, WAV, Container, find_audio
from fermata.domain.audio.marks import NotSigned, SongFacts, Span


class NotSignedError(Exception):
    """A song cannot be signed."""

    def __init__(self, reason: NotSigned) -> None:
        super().__init__(reason.value)
        self.reason: Final = reason


def has_manifest(window: ByteWindow, container: Container, start: int) -> bool:
    """Whether a file has a C2PA manifest of its provider."""
    tag = find_tag(window, _lead(window))
    if tag is not None and tag.is_signed:
        return True
    if container is WAV:
        return riff.has_manifest(window, start)
    return container is M4A and mp4.has_manifest(window, start)


def tag_changes(window: ByteWindow, container: Container, start: int, about: SongFacts) -> list[Change] | None:
    """The changes that tag a file whose container begins at `start`; None where it has no safe place for tags."""
    if container in (MP3, AAC):
        return [tag_change(window, _lead(window), about)]
    if container is WAV:
        return riff.chunk_changes(window, start, about)
    if container is FLAC:
        return comment_changes(window, start, about)
    return mp4.box_changes(window, start, about) if container is M4A else None


def signed_changes(
    window: ByteWindow, container: Container, start: int, about: SongFacts, manifest: bytes
) -> list[Change]:
    """The changes that tag a file and put a C2PA manifest into it, which for M4A is a whole box. Tags without a safe
    place are left out; raises `NotSignedError` where there is none for the manifest.
    """
    changes = None
    if container is MP3:
        changes = [tag_change(window, _lead(window), about, manifest)]
    elif container is WAV:
        changes = riff.chunk_changes(window, start, about, manifest)
    elif container is FLAC:
        changes = [tag_change(window, _lead(window), None, manifest), *(comment_changes(window, start, about) or [])]
    elif container is M4A:
        changes = mp4.signed_changes(window, start, about, manifest)
    if changes is None:
        raise NotSignedError(NotSigned.NO_PLACE)
    return changes


def bytes_outside_the_hash(container: Container, manifest: Span) -> Span:
    """What a manifest's hash of the file leaves out: the manifest, and in WAV the header of its chunk as well, because
    c2pa-rs takes no other range there.
    """
    before = riff.CHUNK_HEADER_BYTES if container is WAV else 0
    return Span(manifest.at - before, manifest.length + before)


def _lead(window: ByteWindow) -> int:
    """The offset of the first byte that is no zero or white space."""
    found = find_audio(window.read(0, HEAD_BYTES))
    return found[1] if found is not None else 0
