"""`python -m tooling.house` prints the figures and the walk; `--write` puts the table into docs/figures.md."""

import sys
from pathlib import Path
from typing import Final

from tooling.house.table import BEGIN, END, path_of, replaced, table, walks_of

ROOT: Final = Path(__file__).resolve().parents[2]
DOCUMENT: Final = ROOT / "docs" / "figures.md"


def main(arguments: list[str]) -> int:
    """Print the table and the path of the walk, or write the table; 1 where the document has no place for it."""
    walk, whole = walks_of(ROOT)
    written = table(ROOT, walk, whole)
    if "--write" not in arguments:
        print(f"{written}\n\n{path_of(walk)}\n\nWith the inside of what may stand in its way:\n\n{path_of(whole)}")
        return 0
    before = DOCUMENT.read_text("utf-8") if DOCUMENT.exists() else ""
    if before.count(BEGIN) != 1 or before.count(END) != 1:
        print(f"expected the lines {BEGIN} and {END} in {DOCUMENT.relative_to(ROOT)} to write between", file=sys.stderr)
        return 1
    DOCUMENT.write_text(replaced(before, written), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
