"""`python -m local up`: runs one cloud until a signal stops it."""

import gc
import json
import os
import socket
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from local.cloud import LocalCloud
from local.errors import LocalCloudError
from local.http.server import listen
from local.process_name import name_process
from local.settings import CloudSettings, check_settings
from local.state.kept_cloud import KeptCloud
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
    with ExitStack() as exits:
        state, kept, listener = _open(settings, exits)
        cloud = LocalCloud(settings, state, listener, kept)
        # The emulator holds so many objects that the interpreter's final garbage collection can take many seconds,
        # during which no timer can end the process.
        exits.callback(gc.freeze)
        exits.callback(cloud.stop)
        _run(cloud, state, kept, announce)


def _open(settings: CloudSettings, exits: ExitStack) -> tuple[StateDir, KeptCloud | None, socket.socket]:
    """Claim the directory and listen. In a directory of its own, a cloud goes on at the port that it had."""
    if settings.state_dir is None:
        listener = exits.enter_context(listen(settings.port))
        state = _claimed(STATE_ROOT / str(listener.getsockname()[1]), exits)
        return state, _kept(settings, state, exits), listener
    state = _claimed(settings.state_dir, exits)
    kept = _kept(settings, state, exits)
    port = kept.api_port(settings) if kept else settings.port
    return state, kept, exits.enter_context(listen(port))


def _claimed(path: Path, exits: ExitStack) -> StateDir:
    state = StateDir(path)
    state.claim()
    exits.callback(state.release)
    return state


def _kept(settings: CloudSettings, state: StateDir, exits: ExitStack) -> KeptCloud | None:
    if not settings.keeps_state:
        return None
    kept = KeptCloud(state.path, settings)
    exits.callback(kept.close)
    return kept


def _run(
    cloud: LocalCloud, state: StateDir, kept: KeptCloud | None, announce: Callable[[Mapping[str, Any]], None]
) -> None:
    try:
        description = cloud.start()
        state.publish(description)
        announce(description)
        wait_for_a_signal(lambda: kept.state.check() if kept else None)
    except LocalCloudError:
        raise
    except Exception as error:
        if kept:
            kept.state.check()
        crash = state.path / "crash.txt"
        crash.write_text(traceback.format_exc(), "utf-8")
        raise UnexpectedError(f"unexpected {type(error).__name__}; its traceback is in {crash}") from error


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
