"""Makes `import fermata` in .venv read layers/fermata itself.

A .pth file rather than an editable install: pip refuses those beside hashes and would need a build back end here.
The path is relative, so the checkout can move.
"""

import os
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def link_layer() -> None:
    """Write the .pth file into the interpreter that runs this."""
    packages = Path(sysconfig.get_path("purelib"))
    (packages / "fermata.pth").write_text(
        os.path.relpath(ROOT / "layers" / "fermata", packages) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    link_layer()
