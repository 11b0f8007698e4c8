"""Clouds as the processes that users start: `python -m local up` with its one line, its exit code and its children."""

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

PROJECT_ROOT: Final = Path(__file__).resolve().parents[2]
PATIENCE_S: Final = 240
"""How long a test waits for what a quiet machine does within seconds. No verdict may depend on what else the machine
does; how fast a cloud starts and ends is measured by the benchmarks.
"""
_LOOK_EVERY_S: Final = 0.1
_LOOK_LATER: Final = 0.1
"""The part of the time waited so far that passes before the next look: a look at a job takes 15 ms of CPU time."""
_LONGEST_PAUSE_S: Final = 1.0
_NEVER: Final = threading.Event()


def testing_parameters() -> list[str]:
    """Return `--param Name=Value` for each line of the fast set."""
    lines = (PROJECT_ROOT / "local" / "testing.params").read_text("utf-8").splitlines()
    values = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    return [part for value in values for part in ("--param", value)]


@dataclass(frozen=True)
class CloudProcess:
    """A cloud that is ready, or has ended."""

    process: subprocess.Popen[str]
    said_to_people: Path

    def line(self) -> dict[str, Any]:
        """Return the one line of a cloud that becomes ready."""
        assert self.process.stdout is not None
        text = in_time(self.process.stdout.readline)
        assert text, f"the cloud ended with {self.process.wait(PATIENCE_S)}: {self.stderr()}"
        return dict(json.loads(text))

    def stderr(self) -> str:
        return self.said_to_people.read_text("utf-8")

    def children(self) -> set[int]:
        """Return the pids of the processes it has started."""
        listed = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True, check=False
        )
        return {int(pid) for pid in listed.stdout.split()}

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)


@contextmanager
def cloud_process(
    arguments: Sequence[str],
    scratch: Path,
    command: Sequence[str] = ("-m", "local", "up"),
    project: Path = PROJECT_ROOT,
) -> Iterator[CloudProcess]:
    """Start the cloud of a checkout with its state below `scratch`; it does not outlive the block."""
    scratch.mkdir(parents=True, exist_ok=True)
    said = scratch / "stderr.txt"
    with said.open("w", encoding="utf-8") as stderr:
        process = subprocess.Popen(
            [sys.executable, *command, *arguments],
            cwd=project,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
    try:
        yield CloudProcess(process, said)
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        assert process.stdout is not None
        process.stdout.close()


@contextmanager
def running_cloud(arguments: Sequence[str], scratch: Path, project: Path = PROJECT_ROOT) -> Iterator[dict[str, Any]]:
    """Run a cloud with the fast parameters on a free port, and yield the line that it prints."""
    everything = [
        "--port",
        "0",
        "--in-memory",
        "--state-dir",
        str(scratch / "state"),
        *testing_parameters(),
        *arguments,
    ]
    with cloud_process(everything, scratch, project=project) as cloud:
        line = cloud.line()
        yield line
        assert cloud.process.poll() is None, f"the cloud ended by itself: {cloud.stderr()}"
        assert cloud.stop() == 0, cloud.stderr()
        _keep_rights(Path(line["logs_dir"]))
        refused = (Path(line["logs_dir"]) / "refusals.jsonl").read_text("utf-8")
        assert not refused, f"the template lacks rights that were needed: {refused}"


def _keep_rights(logs: Path) -> None:
    """Copy what a cloud's roles may do and did, where the environment names a directory for it."""
    if kept := os.environ.get("FERMATA_RIGHTS"):
        Path(kept).mkdir(parents=True, exist_ok=True)
        for name in ("given-rights", "used-rights"):
            shutil.copy(logs / f"{name}.jsonl", Path(kept) / f"{name}-{uuid4().hex}.jsonl")


def in_time(ask: Callable[[], str]) -> str:
    """Return what a blocking call returns, or fail."""
    answers: queue.Queue[str] = queue.Queue()
    threading.Thread(target=lambda: answers.put(ask()), daemon=True).start()
    return answers.get(timeout=PATIENCE_S)


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; a zombie does not."""
    try:
        os.kill(pid, 0)
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text("utf-8")
    except (ProcessLookupError, FileNotFoundError):
        return False


def until(holds: Callable[[], object], what: str, within_s: float = PATIENCE_S) -> None:
    """Look until something holds: ten times a second, then less and less often."""
    begun = time.monotonic()
    while not holds():
        waited_s = time.monotonic() - begun
        assert waited_s < within_s, f"{what}: not within {within_s:g} s"
        # Looking all the time takes the processor from what is being waited for.
        _NEVER.wait(min(max(_LOOK_EVERY_S, _LOOK_LATER * waited_s), _LONGEST_PAUSE_S))
