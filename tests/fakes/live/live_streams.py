"""A fake of the records of live songs."""

from fermata.domain.live.stream import LiveStream
from fermata.errors import FermataError, StaleRecordError


class InMemoryLiveStreams:
    """Keeps records as text. `failure` is raised by every call while it is set."""

    def __init__(self) -> None:
        self.rows: dict[str, str] = {}
        self.failure: FermataError | None = None

    def load(self, sha256: str) -> LiveStream | None:
        self._fail()
        row = self.rows.get(sha256)
        return None if row is None else LiveStream.model_validate_json(row)

    def save(self, stream: LiveStream) -> None:
        self._fail()
        before = self.load(stream.sha256)
        if (before.version if before else 0) != stream.version - 1:
            raise StaleRecordError("another run wrote the live song")
        self.rows[stream.sha256] = stream.model_dump_json()

    def forget(self, job_id: str) -> None:
        self._fail()
        streams = [LiveStream.model_validate_json(row) for row in self.rows.values()]
        for stream in streams:
            if stream.job_id == job_id:
                del self.rows[stream.sha256]

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure
