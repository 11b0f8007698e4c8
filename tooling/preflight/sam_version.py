"""Which SAM would build and deploy."""

import re
import subprocess
from pathlib import Path
from typing import Final

from tooling.preflight.findings import Finding, fine, refused

_LOCKED: Final = re.compile(r"^aws-sam-cli==(\d+)\.(\d+)\.(\d+)", re.MULTILINE)
_SAID: Final = re.compile(r"version (\d+)\.(\d+)\.(\d+)")


def sam_finding(said: str | None, lock: str) -> Finding:
    """What `sam --version` says beside the version that the lock file names; None where it does not run."""
    locked, found = _LOCKED.search(lock), _SAID.search(said or "")
    if locked is None:
        raise ValueError("the lock file names no aws-sam-cli")
    if found is None:
        return refused("the SAM CLI does not run: make setup brings it")
    ours, theirs = ([int(part) for part in each.groups()] for each in (locked, found))
    versions = ".".join(map(str, theirs)), ".".join(map(str, ours))
    if theirs < ours:
        return refused(f"SAM CLI {versions[0]} is older than {versions[1]}, which the lock file names: run make setup")
    return fine(f"SAM CLI {versions[0]}")


def ask_sam(sam: Path) -> str | None:
    """What `sam --version` prints, or None where it does not run."""
    try:
        return subprocess.run([sam, "--version"], check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
