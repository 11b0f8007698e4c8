"""A fake of the machine waits."""

from fermata.errors import (
    FermataError,
)


class RecordingMachineWaits:
    """Remembers which waits were ended; each ends once. `failure` is raised instead."""

    def __init__(self) -> None:
        self.ended: list[str] = []
        self.over: set[str] = set()
        self.failure: FermataError | None = None

    def end(self, task_token: str) -> bool:
        if self.failure is not None:
            raise self.failure
        if task_token in self.over:
            return False
        self.ended.append(task_token)
        self.over.add(task_token)
        return True
