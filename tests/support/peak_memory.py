"""How much memory a process held."""

import resource
import sys
from pathlib import Path


def peak_bytes() -> int:
    """The most memory that this process has held. Linux tells it per program; elsewhere the parent's may count."""
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = [line for line in status.read_text("utf-8").splitlines() if line.startswith("VmHWM:")]
        return int(line.split()[1]) * 1024
    # macOS counts in bytes, others in KiB.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
