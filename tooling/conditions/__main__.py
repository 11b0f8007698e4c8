"""`python -m tooling.conditions [WORD ...]`: leaves out the promises whose text has one of the words, one at a time.

Exit status 1 where one is noticed by no test, or where no test comes past an expression in the source.
"""

import re
import sys
from pathlib import Path
from typing import Final

import pytest

from tooling.conditions.calls import ROOT
from tooling.conditions.plugin import RemovedConditions

_OVER_A_STORE: Final = re.compile(r"^from fermata\.adapters\.(?:dynamodb|s3)\.", re.MULTILINE)


def tests_of_stores() -> list[Path]:
    """The files of unit tests that keep a store to a contract, or put one over the emulator themselves."""
    contracts, units = (sorted((ROOT / "tests" / room).rglob("test_*.py")) for room in ("fakes", "unit"))
    units = [file for file in units if not {"local", "tooling"} & set(file.relative_to(ROOT).parts)]
    return [*contracts, *(file for file in units if _OVER_A_STORE.search(file.read_text("utf-8")))]


def main() -> int:
    """Pytest's exit status."""
    quiet = ("-qq", "--no-header", "--no-summary", "--capture=no", "--hypothesis-profile=first failure")
    without = [argument for plugin in ("cacheprovider", "xdist", "anyio") for argument in ("-p", f"no:{plugin}")]
    return pytest.main([*quiet, *without, *map(str, tests_of_stores())], [RemovedConditions(sys.argv[1:])])


if __name__ == "__main__":
    sys.exit(main())
