"""A stream of events is the JSON documents of its events, however it is cut and whatever stands between them."""

import json

import pytest

from fermata.domain.audio import event_stream
from fermata.domain.audio.answer_scanner import ScannedDocument
from fermata.domain.audio.event_stream import EventStream


def event(audio: str, status: int) -> bytes:
    return b"data: " + json.dumps({"data": {"audio": audio, "status": status}}).encode()


def read(body: bytes, size: int = 1_000_000) -> list[tuple[bytes, ScannedDocument]]:
    """Each event as its audio text and its document."""
    stream, events, text = EventStream(), [], b""
    chunks = [body[start : start + size] for start in range(0, len(body), size)]
    for part in [*(part for chunk in chunks for part in stream.feed(chunk)), *stream.close()]:
        if isinstance(part, bytes):
            text += part
        else:
            events.append((text, part))
            text = b""
    return events


TWO = [b"ab", b"cdef"]
BODIES = {
    "plain": event("ab", 1) + b"\n\n" + event("cdef", 2) + b"\n\n",
    "without_an_end": event("ab", 1) + b"\n\n" + event("cdef", 2),
    "windows_line_ends": event("ab", 1) + b"\r\n\r\n" + event("cdef", 2) + b"\r\n\r\n",
    "old_line_ends": event("ab", 1) + b"\r\r" + event("cdef", 2) + b"\r\r",
    "without_empty_lines": event("ab", 1) + b"\n" + event("cdef", 2) + b"\n",
    "other_fields": b": ping\n\nevent: message\nid: 1\nretry: 10\n" + event("ab", 1) + b"\n\n:\n" + event("cdef", 2),
    "byte_order_mark": b"\xef\xbb\xbf" + event("ab", 1) + b"\n\n" + event("cdef", 2),
    "no_space": event("ab", 1).replace(b": ", b":", 1) + b"\n\n" + event("cdef", 2),
    "end_mark": event("ab", 1) + b"\n\n" + event("cdef", 2) + b"\n\ndata: [DONE]\n\n",
    "several_lines": b'data: {"data": {"audio":\ndata:  "ab", "status": 1}\ndata: }\n\n' + event("cdef", 2),
    "blank_start": b"\n\n\n" + event("ab", 1) + b"\n\n\n\n" + event("cdef", 2),
}


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("body", BODIES)
def test_every_event_is_read_once_however_the_stream_is_cut(body: str, size: int) -> None:
    events = read(BODIES[body], size)
    assert [text for text, _ in events] == TWO
    documents = [scanned.document for _, scanned in events]
    assert documents == [{"data": {"audio": "", "status": 1}}, {"data": {"audio": "", "status": 2}}]
    assert [(scanned.flaw, scanned.text_length) for _, scanned in events] == [(None, 2), (None, 4)]


@pytest.mark.parametrize(
    "body", [b'{"data": {"audio": "ab"}}', b"<html>\n\ndata: {}\n\n", b"ID3\n\ndata: {}", b"", b"\n"]
)
def test_a_body_that_does_not_begin_with_a_field_has_no_events(body: bytes) -> None:
    stream = EventStream()
    assert [*stream.feed(body), *stream.close()] == []
    assert stream.begins_as_events is (False if body.strip() else None)


def test_an_event_that_is_cut_says_so() -> None:
    ((first, _), (text, cut)) = read(event("ab", 1) + b"\n\n" + event("cdef", 2)[:-12])
    assert (first, text, cut.document) == (b"ab", b"cdef", None)
    assert cut.flaw is not None


def test_events_beyond_the_limit_are_left_out_and_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "MOST_EVENTS", 3)
    stream = EventStream()
    parts = [*stream.feed(b"data: {}\n\n" * 10), *stream.close()]
    assert (len(parts), stream.is_too_long) == (4, True)
