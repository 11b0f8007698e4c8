"""What is noted on a staged song, as S3's metadata of the object: the answer without its song, and the song's facts."""

import binascii
import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from fermata.domain.audio.answer_parts import AroundSong
from fermata.domain.audio.marks import Edit, Mark, Marking, NotSigned
from fermata.ports.audio import AudioFacts, MarkedFile, StagedSong
from fermata.ports.providers import StreamedAnswer

SONG: Final = "song"
"""The name of the note. An object without it is an answer as it was sent."""
_MOST_BYTES: Final = 1900
"""S3 takes 2 KB of names and values."""


@dataclass(frozen=True)
class NotedAnswer:
    """The answer's own facts, and its song."""

    http_status: int
    content_type: str
    retry_after_s: int | None
    trace_id: str | None
    song: StagedSong


def metadata_of(answer: StreamedAnswer, song: StagedSong) -> Mapping[str, str] | None:
    """The metadata for a staged song, or None where it is too long for S3.

    Every other name is left out on purpose: a release that knows nothing of songs in staging then fails at
    `http-status`, and is run again, instead of taking the song for an answer.
    """
    marked = song.marked
    noted = {
        "answer": [answer.http_status, answer.content_type, answer.retry_after_s, answer.trace_id],
        "before": song.around.before.decode("latin-1"),
        "after": song.around.after.decode("latin-1"),
        "upper": song.around.is_upper,
        "facts": asdict(song.facts),
        "source": song.source_sha256,
        "marking": song.marking,
        "marks": marked.marks,
        "sha256": marked.sha256,
        "not_signed": marked.not_signed,
        "edits": [[edit.at, edit.length, edit.was] for edit in marked.edits],
    }
    text = json.dumps(noted, separators=(",", ":"), ensure_ascii=False)
    value = binascii.b2a_base64(zlib.compress(text.encode(), 9), newline=False).decode()
    return {SONG: value} if len(value) <= _MOST_BYTES else None


def read_metadata(metadata: Mapping[str, str]) -> NotedAnswer | None:
    """What is noted on an object of staging, or None if it is an answer as it was sent."""
    if SONG not in metadata:
        return None
    noted: dict[str, Any] = json.loads(zlib.decompress(binascii.a2b_base64(metadata[SONG])))
    marked = MarkedFile(
        marks=tuple(Mark(each) for each in noted["marks"]),
        sha256=noted["sha256"],
        edits=tuple(Edit(at=at, length=length, was=was) for at, length, was in noted["edits"]),
        not_signed=None if noted["not_signed"] is None else NotSigned(noted["not_signed"]),
    )
    around = AroundSong(noted["before"].encode("latin-1"), noted["after"].encode("latin-1"), noted["upper"])
    facts = AudioFacts(**noted["facts"])
    song = StagedSong(around, facts, noted["source"], Marking(noted["marking"]), marked)
    http_status, content_type, retry_after_s, trace_id = noted["answer"]
    return NotedAnswer(http_status, content_type, retry_after_s, trace_id, song)
