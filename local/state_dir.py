"""The state directory of a cloud: its state, its logs, and the file that tells other commands where the cloud is."""

import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from local.errors import LocalCloudError, StateInUseError, UsageError
from local.settings import DEFAULT_PORT, PROJECT_ROOT

STATE_ROOT: Final = PROJECT_ROOT / ".local"
_CLOUD_FILE: Final = "cloud.json"
_LOCK_FILE: Final = "lock"


class NotRunningError(LocalCloudError):
    """No cloud runs at the state directory."""


class StateDir:
    """One cloud's directory, claimed while the cloud runs."""

    def __init__(self, path: Path) -> None:
        self.path: Final = path.resolve()
        self.logs: Final = self.path / "logs"
        self._lock: int | None = None

    def claim(self) -> None:
        """Prepare the directory for a new cloud. Raises `StateInUseError` where a cloud uses it, `UsageError` where it
        is not writable.
        """
        try:
            self.logs.mkdir(parents=True, exist_ok=True)
            self._take_lock()
            for log in self.logs.glob("*.jsonl"):
                log.unlink()
            self._write({"pid": os.getpid()})
        except OSError as error:
            raise UsageError(f"--state-dir {self.path}: cannot write there: {error.strerror}") from error

    def _take_lock(self) -> None:
        """Take the lock, which the kernel frees when the process ends, however it ends."""
        if self._lock is not None:
            return
        lock = os.open(self.path / _LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(lock)
            pid = (self._read() or {}).get("pid", "unknown")
            raise StateInUseError(
                f"--state-dir {self.path} belongs to the cloud with pid {pid}; stop it or pass another one"
            ) from error
        self._lock = lock

    def publish(self, description: Mapping[str, Any]) -> None:
        """Store the running cloud's description for other commands."""
        self._write(description)

    def release(self) -> None:
        """Delete the description and free the directory; logs and state stay."""
        running = self._read()
        if running and running.get("pid") == os.getpid():
            (self.path / _CLOUD_FILE).unlink(missing_ok=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def running(self) -> dict[str, Any]:
        """Return the running cloud's description; raises `NotRunningError`."""
        description = self._read()
        if description is None:
            raise NotRunningError(f"no cloud runs at {self.path}; start one with make run")
        if not _is_alive(description):
            raise NotRunningError(
                f"the cloud at {self.path} with pid {description.get('pid')} is gone; start one with make run"
            )
        if "api_url" not in description:
            raise NotRunningError(f"the cloud at {self.path} is still starting; try again")
        return description

    def is_running(self) -> bool:
        """Return whether a cloud runs here and is ready."""
        try:
            self.running()
        except NotRunningError:
            return False
        return True

    def _read(self) -> dict[str, Any] | None:
        try:
            description = json.loads((self.path / _CLOUD_FILE).read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return description if isinstance(description, dict) else None

    def _write(self, description: Mapping[str, Any]) -> None:
        # The file contains an API key, so only its owner may read it; the rename makes the write atomic.
        temporary = self.path / f"{_CLOUD_FILE}.{os.getpid()}"
        temporary.touch(mode=0o600)
        temporary.write_text(json.dumps(description), "utf-8")
        temporary.replace(self.path / _CLOUD_FILE)


def find_state_dir(given: Path | None) -> StateDir:
    """Return the given directory, else that of the default port, else that of the only running cloud; raises
    `UsageError`.
    """
    if given is not None:
        return StateDir(given)
    default = StateDir(STATE_ROOT / str(DEFAULT_PORT))
    running = [state for path in sorted(STATE_ROOT.glob("*")) if (state := StateDir(path)).is_running()]
    if len(running) > 1 and not default.is_running():
        known = ", ".join(str(state.path) for state in running)
        raise UsageError(f"several clouds run; pass --state-dir with one of {known}")
    return default if default.is_running() or not running else running[0]


def _is_alive(description: Mapping[str, Any]) -> bool:
    try:
        os.kill(int(description["pid"]), 0)
    except (KeyError, TypeError, ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True
