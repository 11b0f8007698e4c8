"""A fake of the track store."""

import re
from collections.abc import Sequence
from pathlib import Path

from fermata.adapters.spliced import SplicedFile
from fermata.domain.audio.marks import Part
from fermata.domain.jobs.songs import Track
from fermata.errors import FermataError
from fermata.ports.audio import StagedSong


class InMemoryTrackStore:
    def __init__(self) -> None:
        self.files: dict[str, tuple[bytes, str]] = {}
        self.checksums: dict[str, str] = {}
        self.staged: dict[tuple[str, int, str], bytes] = {}
        """What was copied to staging; the world's answer store shares it."""
        self.staged_songs: dict[tuple[str, int], tuple[StagedSong, bytes]] = {}
        """What staged answers were kept as; the world's answer store shares it."""
        self.puts = 0
        self.takes = 0
        self.fail_next_put: FermataError | None = None
        self.fail_next_forget: FermataError | None = None

    def put(self, object_key: str, path: Path, content_type: str, sha256: str, parts: Sequence[Part] = ()) -> None:
        failure, self.fail_next_put = self.fail_next_put, None
        if failure is not None:
            raise failure
        with path.open("rb") as file:
            self.files[object_key] = ((SplicedFile(file, parts) if parts else file).read(), content_type)
        self.checksums[object_key] = sha256
        self.puts += 1

    def forget(self, job_id: str) -> None:
        failure, self.fail_next_forget = self.fail_next_forget, None
        if failure is not None:
            raise failure
        for key in [key for key in self.files if key.startswith(f"tracks/{job_id}/")]:
            del self.files[key]

    def stored(self, job_id: str) -> dict[int, str]:
        found = (re.fullmatch(rf"tracks/{job_id}/([0-9]+)\.(mp3|wav|flac)", key) for key in self.files)
        return {int(each[1]): each[0] for each in found if each}

    def take(self, object_key: str, job_id: str, attempt: int, content_type: str) -> bool:
        failure, self.fail_next_put = self.fail_next_put, None
        if failure is not None:
            raise failure
        if (job_id, attempt) not in self.staged_songs:
            return False
        self.files[object_key] = (self.staged_songs[job_id, attempt][1], content_type)
        self.takes += 1
        return True

    def stage(self, object_key: str, job_id: str, attempt: int, number: int) -> None:
        self.staged[job_id, attempt, f"file.{number}"] = self.files[object_key][0]

    def link(self, track: Track, disposition: str, ttl_s: int) -> str:
        return f"https://audio.test/{track.object_key}?as={disposition}&ttl={ttl_s}&X-Amz-Signature=canary"

    def link_beside(self, object_key: str, disposition: str, ttl_s: int) -> str:
        return f"https://audio.test/{object_key}?as={disposition}&ttl={ttl_s}&X-Amz-Signature=canary"
