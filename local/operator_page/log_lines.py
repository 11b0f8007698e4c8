"""The lines about one job in the log files of all functions, in the order of time."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

MOST_BYTES: Final = 20_000_000
"""Most bytes that are read of one file, from its end."""
MOST_LINES: Final = 2_000

_POWERTOOLS: Final = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d),(\d{3})([+-]\d{4})")
"""How the functions' logger writes times."""

Json = dict[str, Any]


def lines_of(logs_dir: Path, job_id: str) -> list[Json]:
    """The newest lines that name the job, oldest first: `at` (UTC, or None), `source` and the line's own `record`."""
    found = [line for path in sorted(logs_dir.glob("*.jsonl")) for line in _lines_in(path, job_id)]
    return sorted(found, key=lambda line: line["at"] or "")[-MOST_LINES:]


def _lines_in(path: Path, job_id: str) -> Iterator[Json]:
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - MOST_BYTES, 0))
        for line in file:
            if job_id.encode() in line:
                try:
                    record = json.loads(line)
                except ValueError:
                    # The first line may be cut, and the last one is perhaps still being written.
                    continue
                yield {"at": _moment(record), "source": path.stem, "record": record}


def _moment(record: Json) -> str | None:
    text = str(record.get("timestamp") or record.get("time") or "")
    if written := _POWERTOOLS.fullmatch(text):
        text = f"{written[1]}T{written[2]}.{written[3]}{written[4]}"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).isoformat(timespec="milliseconds")
