"""Reduces the events of a streamed answer to what they say together, one event at a time."""

from dataclasses import replace
from typing import Final

from pydantic import JsonValue

from fermata.domain.audio.answer_scanner import ScannedDocument
from fermata.domain.providers.answers import first_of, member, read_number
from fermata.domain.providers.calls import StreamFacts

_SUCCESS: Final = 0
_COMPLETE: Final = 2


class EventFacts:
    """Collects the facts of a stream in the form of MiniMax, which its speech and its resellers share: the audio of an
    event at `data.audio`, `data.status` 2 in the last event, and a failure in `base_resp`.
    """

    def __init__(self) -> None:
        self.facts = StreamFacts()
        self._is_settled = False

    def add(self, event: ScannedDocument) -> None:
        """Add the next event."""
        facts, length = self.facts, event.text_length or 0
        if event.flaw is not None:
            text_length = facts.text_length + length
            self.facts = replace(facts, events=facts.events + 1, text_length=text_length, flaw=facts.flaw or event.flaw)
            return
        fails, ends = reports_failure(event.document), is_last(event.document)
        is_behind_the_last = facts.last is not None and not ends and not fails
        telling = facts.telling if self._is_settled or is_behind_the_last else event.document
        self._is_settled = self._is_settled or fails
        if ends and length >= facts.last_length:
            # Of several last events the longest counts; the others are parts.
            length, facts = facts.last_length, replace(facts, last=facts.events, last_length=length)
        self.facts = replace(facts, events=facts.events + 1, text_length=facts.text_length + length, telling=telling)


def is_last(document: JsonValue) -> bool:
    """Whether an event marks the audio as complete."""
    data = member(document, "data")
    status = member(first_of(data), "status")
    return read_number(status) == _COMPLETE


def reports_failure(document: JsonValue) -> bool:
    """Whether an event has a result code other than success."""
    return read_number(member(document, "base_resp", "status_code")) not in (None, _SUCCESS)
