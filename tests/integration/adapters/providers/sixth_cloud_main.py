"""`python -m local up` for a copy of what is deployed: the first argument is the copy's folder, the others are `up`'s.

The copy's layer comes before this project's, so that both the cloud and its functions have the copy's catalogue.
"""

import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path


def main(copy: Path, argv: Sequence[str]) -> int:
    """Run a cloud until a signal stops it."""
    sys.path.insert(0, str(copy / "layers" / "fermata"))
    from local.cli import parse_settings
    from local.stopping import StopRequested, stop_on_signals
    from local.up import ReadyLine, run_up

    stop_on_signals()
    with suppress(StopRequested):
        run_up(replace(parse_settings("up", argv), template=copy / "template.yaml"), ReadyLine())
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
