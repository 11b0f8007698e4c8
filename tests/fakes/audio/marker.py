"""Fakes of the marker."""

from pathlib import Path
from typing import IO

from fermata.domain.audio.marks import Edit, Mark, NotSigned, SongFacts
from fermata.ports.audio import AudioFacts, MarkedFile

HEAD = b"marked:"


class NoMarker:
    """Leaves every file as it is, so that stored files are those that were sent."""

    def mark(self, path: Path, facts: AudioFacts, sha256: str, about: SongFacts, into: IO[bytes]) -> MarkedFile:
        del path, facts, about, into
        return MarkedFile((), sha256)


class PrefixMarker:
    """Puts `HEAD` before every file and remembers what was to be said, or fails with an error after some bytes. With a
    `signature` it signs: the file has a SHA-256 of its own.
    """

    def __init__(
        self, failure: Exception | None = None, signature: str = "", not_signed: NotSigned | None = None
    ) -> None:
        self.failure = failure
        self.signature = signature
        self.not_signed = not_signed
        self.said: list[SongFacts] = []

    def mark(self, path: Path, facts: AudioFacts, sha256: str, about: SongFacts, into: IO[bytes]) -> MarkedFile:
        del facts, sha256
        self.said.append(about)
        into.write(HEAD)
        if self.failure is not None:
            raise self.failure
        into.write(path.read_bytes())
        into.flush()
        marks = (Mark.TAGS, Mark.C2PA) if self.signature else (Mark.TAGS,)
        edits = (Edit(at=0, length=len(HEAD)),)
        return MarkedFile(marks, self.signature or "ab" * 32, edits, self.not_signed)
