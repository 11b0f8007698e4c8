"""`python -m local up`: one cloud from its port to its end."""

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
from local.settings import CloudSettings, check_settings
from local.state_dir import STATE_ROOT, StateDir
from local.stopping import wait_for_a_signal


class UnexpectedError(LocalCloudError):
    """A mistake of this program; the message says where its traceback is."""


class ReadyLineError(LocalCloudError):
    """Nobody takes the line that says where the cloud is."""


def run_up(settings: CloudSettings, announce: Callable[[Mapping[str, Any]], None]) -> None:
    """Run a cloud until a signal stops it; `announce` is called once, when everything answers."""
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
        # The emulator has kept so many objects that the interpreter's last look for garbage can take many seconds, in
        # which no timer can end the process any more.
        gc.freeze()


class ReadyLine:
    """Writes one line to the standard output this process was started with; whatever else is printed goes to stderr."""

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
