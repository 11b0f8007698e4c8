"""`python -m local up`: runs one cloud until a signal stops it."""

import gc
import json
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from local.cloud import LocalCloud
from local.errors import LocalCloudError
from local.http.server import listen
from local.process_name import name_process
from local.settings import CloudSettings, check_settings
from local.state_dir import STATE_ROOT, StateDir
from local.stopping import wait_for_a_signal


class UnexpectedError(LocalCloudError):
    """A bug of this program; the message names the file with the traceback."""


class ReadyLineError(LocalCloudError):
    """The ready line cannot be written to stdout."""


def run_up(settings: CloudSettings, announce: Callable[[Mapping[str, Any]], None]) -> None:
    """Run a cloud until a signal stops it; `announce` gets its description once every route answers."""
    name_process("fermata-cloud")
    check_settings(settings)
    listener = listen(settings.port)
    state = StateDir(settings.state_dir or STATE_ROOT / str(listener.getsockname()[1]))
    state.claim()
    cloud = LocalCloud(settings, state, listener)
    try:
        description = cloud.start()
        state.publish(description)
        announce(description)
        wait_for_a_signal()
    except LocalCloudError:
        raise
    except Exception as error:
        crash = state.path / "crash.txt"
        crash.write_text(traceback.format_exc(), "utf-8")
        raise UnexpectedError(f"unexpected {type(error).__name__}; its traceback is in {crash}") from error
    finally:
        cloud.stop()
        state.release()
        # The emulator holds so many objects that the interpreter's final garbage collection can take many seconds,
        # during which no timer can end the process.
        gc.freeze()


class ReadyLine:
    """Writes one line to the original stdout; all other output of the process goes to stderr."""

    def __init__(self) -> None:
        sys.stdout.flush()
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)

    def __call__(self, description: Mapping[str, Any]) -> None:
        """Write the line; raises ReadyLineError."""
        try:
            self._out.write(json.dumps(description) + "\n")
            self._out.flush()
        except OSError as error:
            raise ReadyLineError(f"cannot write the ready line to stdout: {error.strerror}") from error
