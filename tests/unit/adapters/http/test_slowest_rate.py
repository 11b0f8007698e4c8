"""A connection that brings too little in a window of time is ended, whatever it brings."""

import time
from collections.abc import Sequence

import httpcore
import httpx
import pytest

from fermata.adapters.http.transport import BoundedStream, SlowestRate


class Line(httpcore.NetworkStream):
    """Sends pieces of the given sizes, each at its second."""

    def __init__(self, pieces: Sequence[tuple[float, int]]) -> None:
        self.pieces = list(pieces)
        self.now_s = 0.0

    def read(self, _max_bytes: int, _timeout: float | None = None) -> bytes:
        if not self.pieces:
            return b""
        self.now_s, size = self.pieces.pop(0)
        return bytes(size)

    def start_tls(self, *_: object) -> httpcore.NetworkStream:
        return self


def read_all(pieces: Sequence[tuple[float, int]], *, tls: bool = False) -> int:
    line = Line(pieces)
    rate = SlowestRate(window_bytes=100, window_s=10, clock=lambda: line.now_s)
    stream: httpcore.NetworkStream = BoundedStream(line, time.monotonic() + 3600, 1_000_000, rate)
    if tls:
        stream = stream.start_tls(httpx.create_ssl_context(verify=False))
    read = 0
    while found := stream.read(65536):
        read += len(found)
    return read


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([(0, 1), (9, 1)], id="little_that_is_soon_over"),
        pytest.param([(0, 1), (10, 99)], id="just_enough"),
        pytest.param([(29, 1), (38, 1)], id="late_first_byte"),
        pytest.param([(second, 10) for second in range(100)], id="ten_windows"),
        pytest.param([(0, 1)], id="an_end_after_any_time"),
    ],
)
def test_a_body_that_arrives_fast_enough_is_read_whole(pieces: Sequence[tuple[float, int]]) -> None:
    assert read_all(pieces) == sum(size for _, size in pieces)


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([(0, 1), (10, 98)], id="one_byte_too_few"),
        pytest.param([(second, 1) for second in range(0, 100, 2)], id="drip"),
        pytest.param([(0, 100_000), (11, 1), (22, 1)], id="a_drip_after_a_fast_begin"),
    ],
)
def test_a_body_that_arrives_too_slowly_is_ended_at_the_end_of_a_window(
    pieces: Sequence[tuple[float, int]], tls: bool
) -> None:
    with pytest.raises(httpcore.ReadTimeout, match="expected at least 100 bytes in 10 s"):
        read_all(pieces, tls=tls)
