"""A fake of the store of providers' files."""

from collections.abc import Callable

from fermata.domain.jobs.songs import Track
from fermata.errors import FermataError


class InMemoryOriginalStore:
    """Remembers which files were restored; `during_restore` runs once while one is."""

    def __init__(self) -> None:
        self.restored: set[str] = set()
        self.during_restore: Callable[[], object] | None = None
        self.fail_next_forget: FermataError | None = None

    def restore(self, track: Track) -> None:
        action, self.during_restore = self.during_restore, None
        if action is not None:
            action()
        self.restored.add(track.object_key)

    def link(self, track: Track, disposition: str, ttl_s: int) -> str:
        return f"https://audio.test/originals/{track.object_key}?as={disposition}&ttl={ttl_s}&X-Amz-Signature=canary"

    def forget(self, job_id: str) -> None:
        failure, self.fail_next_forget = self.fail_next_forget, None
        if failure is not None:
            raise failure
        self.restored = {key for key in self.restored if not key.startswith(f"tracks/{job_id}/")}
