"""A fake of the job events."""

from collections.abc import Callable

from fermata.domain.finish.events import JobEvent
from fermata.errors import (
    FermataError,
)


class RecordingJobEvents:
    """Keeps what was published, usage apart from all else. `failure` is raised instead; `while_publishing` runs once
    events were taken.
    """

    def __init__(self) -> None:
        self.published: list[JobEvent] = []
        self.usage: list[JobEvent] = []
        self.failure: FermataError | None = None
        self.while_publishing: Callable[[], object] | None = None

    def publish(self, *events: JobEvent) -> None:
        if self.failure is not None:
            raise self.failure
        for event in events:
            (self.usage if event.detail_type == "Usage Recorded" else self.published).append(event)
        meanwhile, self.while_publishing = self.while_publishing, None
        if meanwhile is not None:
            meanwhile()
