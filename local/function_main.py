"""First code of a function's process: ends it with its parent, then hands over to AWS's runtime client.

Runs under the functions' own interpreter, so it imports the standard library and `awslambdaric` only.
"""

import ctypes
import os
import signal
import sys
import threading
from typing import Final

_PR_SET_PDEATHSIG: Final = 1


def _end_when_closed(lifeline: int) -> None:
    os.read(lifeline, 1)
    os.kill(os.getpid(), signal.SIGKILL)


def end_with_parent(lifeline: int) -> None:
    """Kill this process when the parent ends, however it ends; `lifeline` is the read end of a pipe that it holds."""
    threading.Thread(target=_end_when_closed, args=(lifeline,), daemon=True, name="lifeline").start()
    if sys.platform == "linux":
        # The thread above needs the interpreter's lock, which native code may hold for long; the kernel needs nothing.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> None:
    """Run `function_main.py LIFELINE HANDLER` until the process is killed."""
    lifeline, handler = sys.argv[1:]
    end_with_parent(int(lifeline))
    from awslambdaric import __main__ as runtime

    runtime.main(["awslambdaric", handler])


if __name__ == "__main__":
    main()
