"""A fake of the batch machine."""

from collections.abc import Mapping

from pydantic import JsonValue

from fermata.errors import FermataError


class RecordingBatchMachine:
    """Remembers what was started; a name is started once. `failure` is raised instead."""

    def __init__(self) -> None:
        self.started: dict[str, Mapping[str, JsonValue]] = {}
        self.failure: FermataError | None = None

    def start(self, name: str, given: Mapping[str, JsonValue]) -> None:
        if self.failure is not None:
            raise self.failure
        self.started.setdefault(name, given)
