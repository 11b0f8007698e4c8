"""The functions' logs in CloudWatch Logs, for `aws logs tail`."""

import time
from collections.abc import Callable
from itertools import count
from threading import Lock
from typing import Final, Protocol

LINES_A_STREAM: Final = 500
STREAMS_KEPT: Final = 2
"""So the newest 500 to 1,000 lines of a function are kept, under a megabyte; the file of its log has all."""


class LogsBackend(Protocol):
    """The emulator's CloudWatch Logs."""

    def ensure_log_group(self, log_group_name: str) -> None:
        """Create a group unless it exists."""

    def create_log_stream(self, log_group_name: str, log_stream_name: str) -> None:
        """Create a stream."""

    def delete_log_stream(self, log_group_name: str, log_stream_name: str) -> None:
        """Delete a stream with its lines."""

    def put_log_events(
        self, log_group_name: str, log_stream_name: str, log_events: list[dict[str, object]]
    ) -> tuple[str, dict[str, object]]:
        """Add lines; their `timestamp` is in milliseconds."""


def emulated_logs() -> LogsBackend:
    """Return the emulator's backend of the cloud's account and region."""
    from moto.logs.models import logs_backends

    from local.deploy.deployment import ACCOUNT_ID, REGION

    backend: LogsBackend = logs_backends[ACCOUNT_ID][REGION]
    return backend


def log_lines(backend: LogsBackend, function: str, clock: Callable[[], float] = time.time) -> Callable[[str], None]:
    """Return what adds a line to the newest stream of the group `/aws/lambda/<function>`; thread-safe. A stream that is
    full is followed by another one, and the oldest one goes.
    """
    group, lock, numbers = f"/aws/lambda/{function}", Lock(), count()
    backend.ensure_log_group(group)

    def stream(number: int) -> str:
        return f"[$LATEST]{number // LINES_A_STREAM:08d}"

    def add(line: str) -> None:
        with lock:
            number = next(numbers)
            if number % LINES_A_STREAM == 0:
                backend.create_log_stream(group, stream(number))
                if number >= LINES_A_STREAM * STREAMS_KEPT:
                    backend.delete_log_stream(group, stream(number - LINES_A_STREAM * STREAMS_KEPT))
            backend.put_log_events(group, stream(number), [{"timestamp": int(clock() * 1000), "message": line}])

    return add
