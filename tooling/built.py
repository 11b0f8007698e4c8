"""Whether what `make build` left behind was built from the sources as they are now."""

import hashlib
from pathlib import Path
from typing import Final

SOURCES: Final = ("template.yaml", "functions", "layers", "statemachine", "tooling/artefacts", "tooling/runtime.lock")
"""What a build reads, below the root of the project."""
STAMP: Final = ".aws-sam/sources.sha256"
"""Names the sources of the last build that succeeded."""


def digest_of_sources(root: Path) -> str:
    """SHA-256 over the names and bytes of all sources, without what Python compiled beside them."""
    digest = hashlib.sha256()
    for source in SOURCES:
        files = [root / source] if (root / source).is_file() else (root / source).rglob("*")
        for path in sorted(files):
            if path.is_file() and path.suffix != ".pyc":
                content = hashlib.sha256(path.read_bytes()).hexdigest()
                digest.update(f"{path.relative_to(root).as_posix()} {content}\n".encode())
    return digest.hexdigest()


def note_build(root: Path, digest: str) -> None:
    """Say that the build below `root` has these sources; they are those from before it began."""
    (root / STAMP).write_text(digest, "utf-8")


def is_built(root: Path) -> bool:
    """Whether the last build has the present sources."""
    stamp = root / STAMP
    return stamp.exists() and stamp.read_text("utf-8") == digest_of_sources(root)
