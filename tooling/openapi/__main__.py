"""`python -m tooling.openapi` writes the document; `--check` only says whether the committed one is up to date."""

import sys
from pathlib import Path
from typing import Final

from tooling.openapi.document import written

ROOT: Final = Path(__file__).resolve().parents[2]
DOCUMENT: Final = ROOT / "layers" / "fermata" / "fermata" / "openapi.json"


def main(arguments: list[str]) -> int:
    """Write or compare; 1 where the committed document is not what the code says."""
    text = written()
    if "--check" not in arguments:
        DOCUMENT.write_text(text, encoding="utf-8")
        return 0
    if DOCUMENT.exists() and DOCUMENT.read_text("utf-8") == text:
        return 0
    print(f"{DOCUMENT.relative_to(ROOT)} is not what the code says; write it again with: make openapi", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
