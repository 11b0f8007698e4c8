"""Fakes of the marker."""

from pathlib import Path
from typing import IO

from fermata.domain.audio.marks import Edit, Mark, SongFacts
from fermata.ports.audio import AudioFacts, MarkedFile

HEAD = b"marked:"


class NoMarker:
    """Leaves every file as it is, so that stored files are those that were sent."""

    def mark(self, path: Path, facts: AudioFacts, sha256: str, about: SongFacts, into: IO[bytes]) -> MarkedFile:
        del path, facts, about, into
        return MarkedFile((), sha256)


class PrefixMarker:
    """Puts `HEAD` before every file and remembers what was to be said, or fails with an error after some bytes."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        self.said: list[SongFacts] = []

    def mark(self, path: Path, facts: AudioFacts, sha256: str, about: SongFacts, into: IO[bytes]) -> MarkedFile:
        del facts, sha256
        self.said.append(about)
        into.write(HEAD)
        if self.failure is not None:
            raise self.failure
        into.write(path.read_bytes())
        into.flush()
        return MarkedFile((Mark.TAGS,), "ab" * 32, (Edit(at=0, length=len(HEAD)),))
