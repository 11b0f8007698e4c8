"""A fake of the answer store."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from fermata.adapters.spliced import SplicedFile
from fermata.domain.audio.marks import Part, without_edits
from fermata.errors import (
    AnswerLostError,
    FermataError,
)
from fermata.ports.audio import StagedSong
from fermata.ports.providers import StreamedAnswer
from tests.fakes.providers.upstream import ScriptedAnswer


class InMemoryAnswerStore:
    """Keeps an answer only once all of it arrived. `fail_next_keep` is raised after the next one was kept. `files` are
    what else was received, by job, attempt and name.
    """

    def __init__(self) -> None:
        self.songs: dict[tuple[str, int], tuple[StagedSong, bytes]] = {}
        self.kept: dict[tuple[str, int], ScriptedAnswer] = {}
        self.files: dict[tuple[str, int, str], bytes] = {}
        self.fail_next_keep: FermataError | None = None
        self.fail_next_open: FermataError | None = None
        self.fail_next_keep_file: FermataError | None = None

    def keep(self, job_id: str, attempt: int, answer: StreamedAnswer) -> None:
        body = b""
        try:
            for chunk in answer.chunks():
                body += chunk
        except AnswerLostError:
            if body:
                self.files[job_id, attempt, "cut"] = body
            raise
        self.kept[job_id, attempt] = ScriptedAnswer(
            body, answer.http_status, answer.content_type, answer.retry_after_s, trace_id=answer.trace_id
        )
        self.songs.pop((job_id, attempt), None)
        failure, self.fail_next_keep = self.fail_next_keep, None
        if failure is not None:
            raise failure

    def keep_song(
        self,
        job_id: str,
        attempt: int,
        answer: StreamedAnswer,
        song: StagedSong,
        path: Path,
        parts: Sequence[Part] = (),
    ) -> bool:
        with path.open("rb") as file:
            stored = (SplicedFile(file, parts) if parts else file).read()
        body = b"".join(song.around.rebuilt(without_edits([stored], song.marked.edits)))
        self.songs[job_id, attempt] = (song, stored)
        self.kept[job_id, attempt] = ScriptedAnswer(
            body, answer.http_status, answer.content_type, answer.retry_after_s, trace_id=answer.trace_id
        )
        failure, self.fail_next_keep = self.fail_next_keep, None
        if failure is not None:
            raise failure
        return True

    def song(self, job_id: str, attempt: int) -> StagedSong | None:
        found = self.songs.get((job_id, attempt))
        return found[0] if found and (job_id, attempt) in self.kept else None

    def open(self, job_id: str, attempt: int) -> StreamedAnswer | None:
        failure, self.fail_next_open = self.fail_next_open, None
        if failure is not None:
            raise failure
        return self.kept.get((job_id, attempt))

    def keep_file(self, job_id: str, attempt: int, name: str, file: IO[bytes]) -> None:
        failure, self.fail_next_keep_file = self.fail_next_keep_file, None
        if failure is not None:
            raise failure
        self.files[job_id, attempt, name] = file.read()
        # As the SDK does.
        file.close()

    def open_file(self, job_id: str, attempt: int, name: str) -> Iterator[bytes] | None:
        kept = self.files.get((job_id, attempt, name))
        return None if kept is None else iter([kept])

    def forget(self, job_id: str) -> None:
        for key in [key for key in self.kept if key[0] == job_id]:
            del self.kept[key]
        for key in [key for key in self.songs if key[0] == job_id]:
            del self.songs[key]
        for name in [name for name in self.files if name[0] == job_id]:
            del self.files[name]
