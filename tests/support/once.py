"""What every worker of a test run needs and one of them finds out for all."""

import fcntl
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def once_a_run(factory: pytest.TempPathFactory, name: str, find_out: Callable[[], Any]) -> Any:  # noqa: ANN401 - any JSON
    """What `find_out` returns, as JSON; the first worker that asks under this name finds it out, others wait for it."""
    base = factory.getbasetemp()
    # Each worker's directory lies in that of the run.
    shared = base.parent if base.name.startswith("popen-") else base
    with (shared / f"{name}.lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _read(shared / f"{name}.json", find_out)


def _read(file: Path, find_out: Callable[[], Any]) -> Any:  # noqa: ANN401 - any JSON
    if not file.exists():
        file.write_text(json.dumps(find_out()), "utf-8")
    return json.loads(file.read_text("utf-8"))
