"""Splits a streamed body of server-sent events (WHATWG HTML, section 9.2) into the JSON documents of its events.

The events of a song or of speech each hold a part of one audio text. Memory does not grow with the body.
"""

import re
from collections.abc import Iterator
from typing import Final

from fermata.domain.audio.answer_scanner import AnswerScanner, ScannedDocument

MOST_EVENTS: Final = 200_000
"""Limit for the events of one body. A song of four minutes has some hundred."""

_LINE_END: Final = re.compile(rb"[\r\n]")
_SOMETHING: Final = re.compile(rb"[^ \t\x00\xef\xbb\xbf\r\n]")
_FIELDS: Final = (b"data:", b"event:", b"id:", b"retry:", b":")
_DATA: Final = b"data:"
_LONGEST_FIELD: Final = max(map(len, _FIELDS))
_BLANK: Final = b" \t\x00\xef\xbb\xbf"
# The unknown word in `[DONE]` is read as null.
_END_MARK: Final = [None]


class EventStream:
    """The parts of a body in their order: `bytes` are audio text of the current event, a `ScannedDocument` ends it.

    Chunks may be cut anywhere. A body whose first line is no field of an event is no stream and has no parts. Comments,
    other fields, events without data and a closing `[DONE]` are left out. An event may lack the empty line after it.
    """

    def __init__(self) -> None:
        self.begins_as_events: bool | None = None
        """Whether the body is a stream of events; None until its first line shows it."""
        self.is_too_long = False
        """Whether events beyond `MOST_EVENTS` were left out."""
        self._head = b""
        self._is_data: bool | None = None
        self._follows_cr = False
        self._event: AnswerScanner | None = None
        self._events = 0

    def feed(self, chunk: bytes) -> Iterator[bytes | ScannedDocument]:
        """The parts that this chunk completes."""
        at = 0
        while at < len(chunk) and self.begins_as_events is not False and not self.is_too_long:
            if self._event is None and self._is_data is None and not self._head:
                # Between events, empty lines say nothing; there may be millions of them.
                self._follows_cr = False
                something = _SOMETHING.search(chunk, at)
                at = something.start() if something else len(chunk)
            if self._follows_cr:
                self._follows_cr = False
                at += chunk[at : at + 1] == b"\n"
            found = _LINE_END.search(chunk, at)
            end = found.start() if found else len(chunk)
            yield from self._add(chunk[at:end])
            if found:
                self._follows_cr = found.group() == b"\r"
                yield from self._end_line()
            at = end + 1

    def close(self) -> Iterator[bytes | ScannedDocument]:
        """The last event, after the last chunk; it may be cut."""
        yield from self._read_head()
        yield from self._end_event()

    def _add(self, piece: bytes) -> Iterator[bytes | ScannedDocument]:
        if self._is_data is None:
            self._head = (self._head + piece).lstrip(_BLANK)
            if len(self._head) >= _LONGEST_FIELD:
                yield from self._read_head()
        elif self._is_data:
            yield from self._scan(piece)

    def _read_head(self) -> Iterator[bytes | ScannedDocument]:
        """Decide by the beginning of a line whether it is data."""
        head, self._head = self._head, b""
        if self._is_data is not None or not head:
            return
        if self.begins_as_events is None:
            self.begins_as_events = head.startswith(_FIELDS)
        self._is_data = self.begins_as_events and head.startswith(_DATA)
        if self._is_data:
            yield from self._begin_data(head.removeprefix(_DATA))

    def _begin_data(self, value: bytes) -> Iterator[bytes | ScannedDocument]:
        if self._event is not None and self._event.is_whole:
            yield from self._end_event()
        yield from self._scan(value)

    def _scan(self, value: bytes) -> Iterator[bytes]:
        if self._event is None:
            if not value.strip():
                return
            self._event = AnswerScanner()
        if text := self._event.feed(value):
            yield text

    def _end_line(self) -> Iterator[bytes | ScannedDocument]:
        is_empty = self._is_data is None and not self._head
        yield from self._read_head()
        self._is_data = None
        if is_empty:
            yield from self._end_event()

    def _end_event(self) -> Iterator[ScannedDocument]:
        event, self._event = self._event, None
        if event is None:
            return
        scanned = event.close()
        if scanned.document == _END_MARK:
            return
        self._events += 1
        self.is_too_long = self._events > MOST_EVENTS
        yield scanned
