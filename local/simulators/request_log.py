"""The log of a simulator: one JSON line per request, without keys, prompts or signed queries."""

import json
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Final

_LONGEST_PATH: Final = 300


class RequestLog:
    """Appends to `path`, whose folder is created; without a path, it writes nothing. Thread-safe."""

    def __init__(self, path: Path | None) -> None:
        self._lock = Lock()
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a", encoding="utf-8") if path is not None else None

    def write(
        self, *, method: str, path: str, status: int | None, ms: int, fault: str | None, prompt_sha256: str | None
    ) -> None:
        """Add one line. `path` has no query; `status` is None where no answer was sent."""
        entry = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "method": method[:20],
            "path": path[:_LONGEST_PATH],
            "status": status,
            "ms": ms,
            "fault": fault,
            "prompt_sha256": prompt_sha256,
        }
        with self._lock:
            if self._file is not None and not self._file.closed:
                self._file.write(json.dumps(entry) + "\n")
                self._file.flush()

    def close(self) -> None:
        """Stop writing."""
        with self._lock:
            if self._file is not None:
                self._file.close()
