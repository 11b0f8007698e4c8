"""Orderly shutdown within a time limit after SIGINT or SIGTERM."""

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Final

STOP_LIMIT_S: Final = 8.0
"""Seconds after a signal until the process is ended by force; the documented limit is 10."""
_LOOK_EVERY_S: Final = 0.2


class StopRequested(BaseException):
    """SIGINT or SIGTERM arrived. It is no `Exception`, so that no handler takes it for a failure."""


def stop_on_signals() -> None:
    """Raise `StopRequested` in the main thread at the first SIGINT or SIGTERM; end the process after `STOP_LIMIT_S`."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _request_stop)


def wait_for_a_signal(look: Callable[[], None] = lambda: None) -> None:
    """Block until a signal raises `StopRequested`, or until `look` raises."""
    # Not signal.pause(), which misses a signal that arrives just before it or in another thread.
    never = threading.Event()
    while not never.wait(_LOOK_EVERY_S):
        look()


def _request_stop(_number: int, _frame: FrameType | None) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    timer = threading.Timer(STOP_LIMIT_S, os._exit, [0])
    timer.daemon = True
    timer.start()
    raise StopRequested
