"""Links .venv to this checkout: `import fermata` reads layers/fermata itself, and `fermata-admin` is a command.

A .pth file and a script of our own rather than an editable install: pip refuses those beside hashes and would need a
build back end here.
"""

import os
import sys
import sysconfig
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent

_SCRIPT: Final = """#!{python}
import sys

sys.path.insert(0, {root!r})

from cli.__main__ import run

sys.exit(run())
"""


def link_layer() -> None:
    """Write the .pth file into the interpreter that runs this. Its path is relative, so the checkout can move."""
    packages = Path(sysconfig.get_path("purelib"))
    (packages / "fermata.pth").write_text(
        os.path.relpath(ROOT / "layers" / "fermata", packages) + "\n", encoding="utf-8"
    )


def link_commands() -> None:
    """Write `fermata-admin` beside the interpreter that runs this."""
    script = Path(sysconfig.get_path("scripts")) / "fermata-admin"
    script.write_text(_SCRIPT.format(python=sys.executable, root=str(ROOT)), encoding="utf-8")
    script.chmod(0o755)


if __name__ == "__main__":
    link_layer()
    link_commands()
