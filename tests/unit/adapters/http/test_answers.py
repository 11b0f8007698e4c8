"""How much of a provider's answer is read, and until when, whatever the answer says of itself."""

import gzip
import time
from collections.abc import Iterator

import httpx
import pytest

from fermata.adapters.http import upstream as http_upstream
from fermata.adapters.http.upstream import HttpAnswer
from fermata.errors import AnswerLostError

MOST_BYTES = 100_000


class OnTheWire(httpx.SyncByteStream):
    """A body in pieces, which notes how many of them were taken."""

    def __init__(self, body: bytes, size: int) -> None:
        self._pieces = [body[start : start + size] for start in range(0, len(body), size)]
        self.taken = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self.taken += 1
            yield piece


@pytest.fixture(autouse=True)
def _small_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_upstream, "MAX_ANSWER_BYTES", MOST_BYTES)


def answer(stream: OnTheWire, within_s: float = 60) -> HttpAnswer:
    return HttpAnswer("minimax", httpx.Response(200, stream=stream), time.monotonic() + within_s)


def read(answer: HttpAnswer) -> tuple[bytes, AnswerLostError | None]:
    """What came, and what was raised after it."""
    came = bytearray()
    try:
        for chunk in answer.chunks():
            came += chunk
    except AnswerLostError as error:
        return bytes(came), error
    return bytes(came), None


@pytest.mark.parametrize("size", [1000, 999, 2 * MOST_BYTES])
def test_an_answer_of_exactly_the_bound_is_read_whole(size: int) -> None:
    body = b"x" * MOST_BYTES
    assert read(answer(OnTheWire(body, size))) == (body, None)
    assert read(answer(OnTheWire(gzip.compress(body), size))) == (body, None)


@pytest.mark.parametrize("size", [1000, 999, 2 * MOST_BYTES])
def test_an_answer_of_one_byte_more_than_the_bound_is_lost_and_what_came_before_is_handed_over(size: int) -> None:
    body = b"x" * (MOST_BYTES + 1)
    for wire in (body, gzip.compress(body)):
        came, lost = read(answer(OnTheWire(wire, size)))
        assert f"longer than {MOST_BYTES} bytes" in str(lost)
        assert body.startswith(came)
        assert len(came) <= MOST_BYTES


def test_of_an_answer_without_end_no_more_is_taken_than_the_bound_needs() -> None:
    wire = OnTheWire(b"x" * (10 * MOST_BYTES), 1000)
    came, lost = read(answer(wire))
    assert (len(came), lost is None, wire.taken) == (MOST_BYTES, False, MOST_BYTES // 1000 + 1)


def test_an_answer_that_comes_after_its_deadline_is_lost() -> None:
    came, lost = read(answer(OnTheWire(b"{}", 2), within_s=-1))
    assert (came, lost is None) == (b"", False)


@pytest.mark.parametrize(
    ("headers", "trace_id"),
    [
        ({"Trace-Id": "04ed", "X-Request-Id": "r-1"}, "04ed"),
        ({"x-request-id": "r-1"}, "r-1"),
        ({"Trace-Id": "x" * 129, "X-Request-Id": "r-1"}, "r-1"),
        ({"Trace-Id": "\u00e9"}, None),
        ({"Trace-Id": ""}, None),
        ({}, None),
    ],
)
def test_a_usable_trace_id_is_read_from_the_headers(headers: dict[str, str], trace_id: str | None) -> None:
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    response = httpx.Response(200, headers=encoded, stream=OnTheWire(b"{}", 1))
    assert HttpAnswer("minimax", response, time.monotonic() + 60).trace_id == trace_id
