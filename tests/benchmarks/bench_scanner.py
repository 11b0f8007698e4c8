"""How fast an answer with a song in hex is read in pieces, as a ratio to `json.loads` over the whole of it in memory.

Run with `python -m tests.benchmarks.bench_scanner`. Asserts nothing.
"""

import json
import time
from collections.abc import Callable

from fermata.domain.audio.answer_scanner import AnswerScanner
from tests.benchmarks.sizes import sized

MEGABYTES = sized(64, 1)
PIECE_BYTES = 64 * 1024


def main() -> None:
    """Print the ratio, and the megabytes a second on this machine."""
    body = b'{"data":{"audio":"' + b"ab" * (MEGABYTES << 19) + b'","status":2},"base_resp":{"status_code":0}}'
    scanned, loaded = (min(_took_s(read, body) for _ in range(sized(5, 1))) for read in (_scan, json.loads))
    ratio, speed = scanned / loaded, MEGABYTES / scanned
    print(f"reading {MEGABYTES} MB of hex in pieces: {ratio:.2f} times json.loads, {speed:.0f} MB/s")


def _scan(body: bytes) -> None:
    scanner = AnswerScanner()
    for at in range(0, len(body), PIECE_BYTES):
        scanner.feed(body[at : at + PIECE_BYTES])
    scanner.close()


def _took_s(read: Callable[[bytes], object], body: bytes) -> float:
    began = time.perf_counter()
    read(body)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
