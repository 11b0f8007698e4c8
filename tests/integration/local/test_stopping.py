"""A signal ends a command, whichever thread it reaches."""

import subprocess
import sys

import pytest

from local.stopping import STOP_LIMIT_S
from tests.integration.cloud_process import PROJECT_ROOT

PROGRAM = """
import signal, sys, threading
from local.stopping import StopRequested, stop_on_signals, wait_for_a_signal

def to_another_thread():
    threading.Event().wait(0.3)
    signal.pthread_kill(threading.get_ident(), signal.{number})
    threading.Event().wait(60)

stop_on_signals()
threading.Thread(target=to_another_thread, daemon=True).start()
try:
    wait_for_a_signal()
except StopRequested:
    print("stopped in order")
"""


@pytest.mark.parametrize("number", ["SIGTERM", "SIGINT"])
def test_a_signal_that_reaches_another_thread_still_ends_the_command(number: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(number=number)],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=STOP_LIMIT_S - 1,
    )
    assert (ended.returncode, ended.stdout) == (0, "stopped in order\n")
