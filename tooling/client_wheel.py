"""`make client`: builds the client's wheel under out/client/, and tries it where nothing of this checkout is.

Exit status: 0 built and sound, 1 not.
"""

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from fermata_client import __version__

ROOT: Final = Path(__file__).resolve().parent.parent
BUILT: Final = ROOT / "out" / "client"
PYTHON: Final = ROOT / ".tools" / "client" / "bin" / "python"
WHEEL: Final = f"fermata_client-{__version__}-py3-none-any.whl"
_INFO: Final = f"fermata_client-{__version__}.dist-info"
WANTED: Final = frozenset(
    {"fermata_client/__init__.py", "fermata_client/py.typed", f"{_INFO}/METADATA", f"{_INFO}/licenses/LICENSE"}
)
"""What a wheel has to have, beside every module."""
_ALONE: Final = """
import fermata_client, sys
assert "site-packages" in fermata_client.__file__, fermata_client.__file__
client = fermata_client.Fermata("fk_key", "https://api.example.com")
assert not {"fermata", "typer", "keyring", "mcp"} & set(sys.modules)
"""
_HELLO: Final = (
    '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},'
    '"clientInfo":{"name":"make client","version":"1"}}}\n'
)
"""What a host says first to a server of tools."""
_SET: Final = {"FERMATA_BASE_URL": "https://api.example.com", "FERMATA_API_KEY": "fk_key"}


def main() -> int:
    """Build and try the wheel; prints its path, or every fault found."""
    wheel = build(BUILT)
    faults = [*content_faults(wheel), *use_faults(wheel)]
    for fault in faults:
        print(fault, file=sys.stderr)
    print(wheel.relative_to(ROOT))
    return 1 if faults else 0


def build(folder: Path) -> Path:
    """Build the wheel into a folder; raises `CalledProcessError` after the builder's own words."""
    building: list[Path | str] = [
        PYTHON,
        "-m",
        "build",
        "--no-isolation",
        "--wheel",
        "--outdir",
        folder,
        ROOT / "client",
    ]
    # The same sources make the same bytes, whenever they are built.
    dated = {**os.environ, "SOURCE_DATE_EPOCH": "1764460800"}
    subprocess.run(building, env=dated, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    return folder / WHEEL


def content_faults(wheel: Path) -> Iterator[str]:
    """What is missing in the wheel, and what should not be there."""
    with zipfile.ZipFile(wheel) as packed:
        names = {name for name in packed.namelist() if not name.endswith("/")}
    modules = {str(path.relative_to(ROOT / "client")) for path in (ROOT / "client" / "fermata_client").rglob("*.py")}
    yield from (f"{wheel.name} lacks {name}" for name in sorted((WANTED | modules) - names))
    others = {name for name in names - WANTED - modules if not name.startswith(f"{_INFO}/")}
    yield from (f"{wheel.name} has {name}, which is no part of the package" for name in sorted(others))


def use_faults(wheel: Path) -> Iterator[str]:
    """What does not work where the wheel is installed with nothing but what it declares."""
    installing: list[Path | str] = [sys.executable, "-m", "pip", "--python", PYTHON, "install", "-qq", "--no-deps"]
    subprocess.run([*installing, "--no-index", "--force-reinstall", wheel], check=True)
    fermata = PYTHON.with_name("fermata")
    yield from _ends([PYTHON, "-c", _ALONE], 0, "")
    yield from _ends([fermata, "--version"], 0, f"fermata {__version__}")
    yield from _ends([fermata, "account"], 2, "there is no base URL")
    yield from _ends([fermata, "account"], 2, "no keyring", FERMATA_BASE_URL="https://api.example.com")
    yield from _ends([fermata, "mcp"], 0, '"name":"fermata"', stdin=_HELLO, **_SET)


def _ends(command: list[Path | str], status: int, said: str, stdin: str = "", **environment: str) -> Iterator[str]:
    """A fault where a command ends otherwise, or does not say this. The platform's keyring plays no part."""
    alone = {
        "PATH": os.environ["PATH"],
        "HOME": str(BUILT),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
    }
    ran = subprocess.run(
        command, cwd=BUILT, env={**alone, **environment}, input=stdin, capture_output=True, text=True, check=False
    )
    if ran.returncode != status or said not in ran.stdout + ran.stderr:
        words = " ".join(str(word) for word in command[:2])
        yield f"{words}: expected {status} and {said!r}, found {ran.returncode} and {ran.stdout}{ran.stderr}"


if __name__ == "__main__":
    sys.exit(main())
