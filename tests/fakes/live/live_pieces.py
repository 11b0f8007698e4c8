"""A fake of the files of live songs."""

from collections.abc import Callable

from fermata.errors import FermataError


class InMemoryLivePieces:
    """Keeps pieces by job, attempt and number. `failure` is raised instead of storing one; `before_put` runs before
    each.
    """

    def __init__(self) -> None:
        self.files: dict[tuple[str, int, int], bytes] = {}
        self.failure: FermataError | None = None
        self.before_put: Callable[[], object] = lambda: None

    def put(self, job_id: str, attempt: int, number: int, file: bytes) -> None:
        self.before_put()
        if self.failure is not None:
            raise self.failure
        self.files[job_id, attempt, number] = file

    def link(self, job_id: str, attempt: int, number: int, ttl_s: int) -> str:
        return f"https://bucket.example.com/live/{job_id}/{attempt}/{number}.mp3?for={ttl_s}"

    def forget(self, job_id: str) -> None:
        if self.failure is not None:
            raise self.failure
        self.files = {key: file for key, file in self.files.items() if key[0] != job_id}
