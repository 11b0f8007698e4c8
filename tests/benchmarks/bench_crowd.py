"""What a hundred clients are answered who order at the same moment, and when all of them have their song.

Run with `make bench`. Exits 1 where somebody was sent away without being told when to come again, or did not get the
one job that it asked for.
"""

import sys
import tempfile
from pathlib import Path

from tests.benchmarks.sizes import sized
from tests.integration.cloud_process import running_cloud
from tests.integration.song import Cloud
from tests.soak.bill_against_ledger import Soak, arguments_of_the_cloud
from tests.soak.crowd import CLIENTS, SMOKE_CLIENTS, found_in_a_crowd


def main() -> int:
    """Print the figures."""
    with (
        tempfile.TemporaryDirectory() as scratch,
        running_cloud(arguments_of_the_cloud(), Path(scratch)) as line,
    ):
        found = found_in_a_crowd(Soak.on(Cloud(line), limits={}), sized(CLIENTS, SMOKE_CLIENTS))
    print("\n".join((found.line, *found.broken)))
    return 1 if found.broken else 0


if __name__ == "__main__":
    sys.exit(main())
