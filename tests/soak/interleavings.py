"""More of the interleavings that every push plays: other ones each time, on both stores, until the time is over."""

import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.scenario.interleavings import Interleavings, InterleavingsInDynamoDB, play
from tests.soak.part import Found

_AT_ONCE: Final = ((Interleavings, 1000), (InterleavingsInDynamoDB, 50))
_SMOKE: Final = ((Interleavings, 4), (InterleavingsInDynamoDB, 1))


def soak(*, smoke: bool, seed: int, until: float) -> Iterator[Found]:
    """Rounds of examples on both stores while there is time (`until` in monotonic seconds), each from its own seed."""
    rounds = 0
    with TemporaryDirectory() as scratch:
        for number in count():
            if number and (smoke or time.monotonic() >= until):
                break
            for kind, examples in _SMOKE if smoke else _AT_ONCE:
                try:
                    play(kind, examples, Path(scratch), seed=seed + number)
                except AssertionError as error:
                    yield Found(f"{kind.__name__}, seed {seed + number}", (f"{type(error).__name__}: {error}",))
            rounds += 1
    yield Found(f"{rounds} rounds of {_SMOKE if smoke else _AT_ONCE}")
