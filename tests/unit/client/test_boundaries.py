"""The client stands alone: what it may import, and where I/O may be."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functions import ROOT

PACKAGE = ROOT / "client" / "fermata_client"
MODULES = sorted(PACKAGE.rglob("*.py"))
DRIVERS = {PACKAGE / name for name in ("client.py", "aio.py", "core/connection.py")}
READS_URLS = PACKAGE / "core" / "context.py"
ALLOWED = {"anyio", "fermata_client", "httpx", "pydantic"} | sys.stdlib_module_names


def _imports(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def _label(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


@pytest.mark.parametrize("module", MODULES, ids=_label)
def test_the_package_imports_what_it_declares(module: Path) -> None:
    extra = {"keyring", "rich", "typer"} if module.is_relative_to(PACKAGE / "cli") else set()

    assert {name.partition(".")[0] for name in _imports(module)} <= ALLOWED | extra


@pytest.mark.parametrize("module", [path for path in MODULES if "cli" not in path.parts], ids=_label)
def test_only_the_drivers_do_http(module: Path) -> None:
    roots = {name.partition(".")[0] for name in _imports(module)}

    assert module in {*DRIVERS, READS_URLS} or not roots & {"anyio", "httpx", "http.client", "socket", "urllib.request"}


def test_importing_the_package_loads_neither_the_command_line_nor_the_server() -> None:
    loaded = "import sys, fermata_client; print(*sorted({'fermata', 'typer', 'keyring'} & set(sys.modules)))"

    assert subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True).stdout == "\n"
