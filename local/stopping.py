"""SIGINT and SIGTERM: from the first moment of a command they end it in order and in time."""

import os
import signal
import threading
from types import FrameType
from typing import Final

STOP_LIMIT_S: Final = 8.0
"""Seconds after a signal by which the process ends, come what may; the promise is 10."""
_LOOK_EVERY_S: Final = 0.2


class StopRequested(BaseException):
    """SIGINT or SIGTERM arrived; no ordinary exception, so that nothing on the way takes it for a failure."""


def stop_on_signals() -> None:
    """Raise StopRequested in the main thread at the first SIGINT or SIGTERM, and end the process if that takes long."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _request_stop)


def wait_for_a_signal() -> None:
    """Return never: StopRequested is raised instead."""
    # No signal.pause(): a signal that arrives just before it, or in another thread, would not end it.
    never = threading.Event()
    while not never.wait(_LOOK_EVERY_S):
        pass


def _request_stop(_number: int, _frame: FrameType | None) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    timer = threading.Timer(STOP_LIMIT_S, os._exit, [0])
    timer.daemon = True
    timer.start()
    raise StopRequested
