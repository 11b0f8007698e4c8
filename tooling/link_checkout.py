"""Links .venv to this checkout: `import fermata` and `import fermata_client` read the code here, and both command lines
are commands.

A .pth file and a script of our own rather than an editable install: pip refuses those beside hashes and would need a
build back end here.
"""

import os
import sys
import sysconfig
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent

_COMMANDS: Final = {"fermata-admin": "cli.__main__", "fermata": "fermata_client.cli.__main__"}
_SCRIPT: Final = """#!{python}
import sys

sys.path.insert(0, {root!r})

from {module} import run

sys.exit(run())
"""


def link_layer() -> None:
    """Write the .pth file into the interpreter that runs this. Its path is relative, so the checkout can move."""
    packages = Path(sysconfig.get_path("purelib"))
    linked = [os.path.relpath(ROOT / folder, packages) for folder in ("layers/fermata", "client")]
    (packages / "fermata.pth").write_text("\n".join(linked) + "\n", encoding="utf-8")


def link_commands() -> None:
    """Write the commands beside the interpreter that runs this."""
    for name, module in _COMMANDS.items():
        script = Path(sysconfig.get_path("scripts")) / name
        script.write_text(_SCRIPT.format(python=sys.executable, root=str(ROOT), module=module), encoding="utf-8")
        script.chmod(0o755)


if __name__ == "__main__":
    link_layer()
    link_commands()
