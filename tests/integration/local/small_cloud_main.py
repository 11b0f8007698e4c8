"""`python -m local up` for the small template beside this file: the same program, another template."""

import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from local.cli import parse_settings
from local.stopping import StopRequested, stop_on_signals
from local.up import ReadyLine, run_up

TEMPLATE = Path(__file__).with_name("small_cloud") / "template.yaml"


def main(argv: Sequence[str]) -> int:
    """Run a cloud until a signal stops it."""
    stop_on_signals()
    with suppress(StopRequested):
        run_up(replace(parse_settings("up", argv), template=TEMPLATE), ReadyLine())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
