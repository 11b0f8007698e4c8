"""How crowded this machine is.

On Lambda a function has its own share of a processor, whatever else runs. Here it shares the cores with everything, so
its seconds count only as far as it could have used them.
"""

import os


def crowding() -> float:
    """Return how many processes want each core, averaged over the last minute, and 1 where all find one."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
