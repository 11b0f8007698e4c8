"""A state on a disk that is really full: a clear sentence, and nothing that was answered is lost.

A limit on the length of files works on every machine, and SQLite and the kernel report it as they report a full disk.
A file system of one megabyte takes part where this process may mount one.
"""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from local.state.store import Store
from tests.unit.local.state.fill_disk_main import ITEM

_ROOT = Path(__file__).parents[4]
_MOUNT = "mount -t tmpfs -o size=1m tmpfs {folder}"


def _may_mount() -> bool:
    tried = subprocess.run(
        ["unshare", "-rm", "sh", "-c", _MOUNT.format(folder="/mnt")], capture_output=True, check=False
    )
    return tried.returncode == 0


WAYS = ["files-of-300-kB", *(["file-system-of-1-MB"] if sys.platform == "linux" and _may_mount() else [])]


def filled(way: str, folder: Path) -> tuple[list[str], Path]:
    """Return what the process said, and where its state is afterwards."""
    program = [sys.executable, "-m", "tests.unit.local.state.fill_disk_main", str(folder)]
    saved = folder.with_name("saved")
    if way == "files-of-300-kB":
        command, saved = [*program, "300000"], folder
    else:
        # The file system is gone with its last process.
        steps = (_MOUNT.format(folder=folder), shlex.join(program), f"cp -r {folder} {saved}")
        command = ["unshare", "-rm", "sh", "-c", " && ".join(steps)]
    said = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    return said.stdout.splitlines(), saved


@pytest.mark.parametrize("way", WAYS)
def test_a_full_disk_is_said_in_one_sentence_and_loses_nothing_that_was_kept(way: str, tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    (*kept, sentence, last), saved = filled(way, folder)
    assert sentence.startswith(f"cannot write to {folder}: ")
    assert sentence.endswith("make room or correct the rights, and start again")
    assert last == "still logging"
    assert len(kept) > 10
    store = Store(saved / "state.sqlite")
    assert store.read("item", "jobs") == [(number, ITEM) for number in kept]
    store.close()
