"""A fake of the callback store."""

from collections.abc import Callable

from fermata.domain.providers.callbacks import Callback
from fermata.errors import (
    FermataError,
    StaleRecordError,
)


class InMemoryCallbackStore:
    """Keeps callbacks as text. `before_next_save` runs once, before a write is tried: what another run does in between.
    `failure` is raised instead of writing a new one.
    """

    def __init__(self) -> None:
        self._rows: dict[str, str] = {}
        self.before_next_save: Callable[[], object] | None = None
        self.failure: FermataError | None = None

    def __len__(self) -> int:
        return len(self._rows)

    def create(self, callback: Callback) -> None:
        if self.failure is not None:
            raise self.failure
        if callback.sha256 in self._rows:
            raise StaleRecordError("the hash is taken")
        self._rows[callback.sha256] = callback.model_dump_json()

    def load(self, sha256: str) -> Callback | None:
        row = self._rows.get(sha256)
        return None if row is None else Callback.model_validate_json(row)

    def save(self, callback: Callback) -> None:
        before, self.before_next_save = self.before_next_save, None
        if before is not None:
            before()
        stored = self.load(callback.sha256)
        if stored is None or stored.version != callback.version - 1:
            raise StaleRecordError("somebody else wrote the callback")
        self._rows[callback.sha256] = callback.model_dump_json()
