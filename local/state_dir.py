"""The state directory of a cloud: its logs, and the file by which other commands find it while it runs."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from local.errors import LocalCloudError, UsageError
from local.settings import DEFAULT_PORT, PROJECT_ROOT

STATE_ROOT: Final = PROJECT_ROOT / ".local"
_CLOUD_FILE: Final = "cloud.json"


class NotRunningError(LocalCloudError):
    """No cloud runs where one was looked for."""


class StateDir:
    """One cloud's directory; it is claimed for as long as the cloud runs."""

    def __init__(self, path: Path) -> None:
        self.path: Final = path.resolve()
        self.logs: Final = self.path / "logs"

    def claim(self) -> None:
        """Make the directory ready for a new cloud; raises UsageError when one runs there."""
        running = self._read()
        if running and _is_alive(running):
            raise UsageError(
                f"--state-dir {self.path} belongs to the cloud with pid {running['pid']}; stop it or pass another one"
            )
        try:
            self.logs.mkdir(parents=True, exist_ok=True)
            for log in self.logs.glob("*.jsonl"):
                log.unlink()
            self._write({"pid": os.getpid()})
        except OSError as error:
            raise UsageError(f"--state-dir {self.path}: cannot write there: {error.strerror}") from error

    def publish(self, description: Mapping[str, Any]) -> None:
        """Let other commands find the running cloud."""
        self._write(description)

    def release(self) -> None:
        """Forget the cloud; the logs stay."""
        running = self._read()
        if running and running.get("pid") == os.getpid():
            (self.path / _CLOUD_FILE).unlink(missing_ok=True)

    def running(self) -> dict[str, Any]:
        """Return what the running cloud said of itself; raises NotRunningError."""
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
        """Tell whether a cloud that is ready runs here."""
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
        # It holds an API key: readable by its owner only, and never half written.
        temporary = self.path / f"{_CLOUD_FILE}.{os.getpid()}"
        temporary.touch(mode=0o600)
        temporary.write_text(json.dumps(description), "utf-8")
        temporary.replace(self.path / _CLOUD_FILE)


def find_state_dir(given: Path | None) -> StateDir:
    """Return the directory that was named, else that of the default port, else that of the only running cloud."""
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
