"""The name of this process in `ps -e -o pid,comm`, `top` and `pstree`."""

import ctypes
import sys
from typing import Final

_PR_SET_NAME: Final = 15


def name_process(name: str) -> None:
    """Set the name, of which Linux keeps 15 characters; no effect elsewhere."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode(), 0, 0, 0)
