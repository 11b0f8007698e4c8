"""Fakes of the state machines of jobs and of rescues."""

from collections.abc import Callable

from fermata.domain.finish.overdue import Execution
from fermata.errors import (
    FermataError,
)


class RecordingRescueMachine:
    """Remembers the runs that were started, each once. `failure` is raised instead."""

    def __init__(self) -> None:
        self.started: list[tuple[str, int]] = []
        self.failure: FermataError | None = None

    def start(self, job_id: str, number: int) -> None:
        if self.failure is not None:
            raise self.failure
        if (job_id, number) not in self.started:
            self.started.append((job_id, number))


class RecordingJobMachine:
    """Remembers what was started. `while_starting` runs first, then `failure` is raised instead of an answer."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.failure: FermataError | None = None
        self.while_starting: Callable[[str], object] | None = None
        self.ended: set[str] = set()

    def start(self, job_id: str, name: str | None = None) -> None:
        if self.while_starting is not None:
            self.while_starting(job_id)
        if self.failure is not None:
            raise self.failure
        if (name or job_id) not in self.started:
            self.started.append(name or job_id)

    def execution(self, name: str) -> Execution:
        if self.failure is not None:
            raise self.failure
        if name in self.ended:
            return Execution.ENDED
        return Execution.RUNNING if name in self.started else Execution.ABSENT
