"""Answers to CloudFormation, remembered."""

from fermata.domain.operator.stack_events import StackAnswer, StackEvent
from fermata.errors import FermataError


class RecordingStackAnswers:
    """Remembers the answers. `failure` is raised instead."""

    def __init__(self) -> None:
        self.sent: list[tuple[StackEvent, StackAnswer]] = []
        self.failure: FermataError | None = None

    def send(self, event: StackEvent, answer: StackAnswer) -> None:
        if self.failure is not None:
            raise self.failure
        self.sent.append((event, answer))
