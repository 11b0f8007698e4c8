"""A copy of what a cloud runs from, which may be changed while it runs."""

import shutil
from pathlib import Path

from tests.integration.cloud_process import PROJECT_ROOT

_DIRECTORIES = ("cli", "functions", "layers", "local", "statemachine")


def copy_checkout(root: Path) -> Path:
    """Copy the sources and the template into an empty directory; the environments are shared."""
    for directory in _DIRECTORIES:
        shutil.copytree(PROJECT_ROOT / directory, root / directory, ignore=shutil.ignore_patterns("*.pyc.*"))
    shutil.copy(PROJECT_ROOT / "template.yaml", root)
    (root / ".tools").symlink_to(PROJECT_ROOT / ".tools")
    return root


def save(path: Path, text: str) -> None:
    """Write a file as most editors do: another file, then a rename."""
    written = path.with_name(f"{path.name}.tmp")
    written.write_text(text, "utf-8")
    written.replace(path)
