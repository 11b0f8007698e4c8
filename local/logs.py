"""Log files of the one-machine cloud, with one JSON object per line."""

import contextlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock


def now() -> str:
    """Return this instant as RFC 3339 in UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class JsonLines:
    """A file with one JSON object per line, truncated when opened; thread-safe."""

    also: Callable[[str], object] | None = None
    """Gets each line that is written, without its end."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("w", encoding="utf-8", buffering=1)
        self._lock = Lock()

    def write(self, record: Mapping[str, object]) -> None:
        """Append one record. A record after `close` is dropped, and one for which the disk has no room: what a full
        disk means is for the state to say, not for whoever logs.
        """
        line = json.dumps(record, separators=(",", ":"), default=str, ensure_ascii=False)
        with self._lock:
            if self._file.closed:
                return
            with contextlib.suppress(OSError):
                self._file.write(line + "\n")
        if self.also:
            self.also(line)

    def close(self) -> None:
        """Close the file."""
        with self._lock, contextlib.suppress(OSError):
            self._file.close()


def as_record(line: str) -> Mapping[str, object]:
    """Return a line that a function printed as a record: a JSON object unchanged, any other text as a message."""
    try:
        record = json.loads(line)
    except ValueError:
        record = None
    return record if isinstance(record, dict) else {"timestamp": now(), "level": "INFO", "message": line}
