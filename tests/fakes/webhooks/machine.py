"""A fake of the machine."""

from fermata.errors import (
    FermataError,
)


class RecordingWebhookMachine:
    """Remembers the deliveries that were begun, by their names. `failure` is raised instead."""

    def __init__(self) -> None:
        self.started: dict[str, tuple[str, int]] = {}
        self.failure: FermataError | None = None

    def start(self, name: str, job_id: str, replay: int) -> None:
        if self.failure is not None:
            raise self.failure
        self.started.setdefault(name, (job_id, replay))
