"""`make docs` builds a site, and fails where a link or an anchor leads nowhere."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.functions import ROOT

COPIED = ("Makefile", "README.md", "mkdocs.yml", "tooling/docs.lock")


def build(folder: Path, more: str) -> subprocess.CompletedProcess[str]:
    """Build the documents of a copy of this project, with `more` at the end of one of them."""
    shutil.copytree(ROOT / "docs", folder / "docs")
    (folder / "tooling").mkdir()
    for name in COPIED:
        shutil.copy2(ROOT / name, folder / name)
    for name in (".tools", ".venv"):
        (folder / name).symlink_to(ROOT / name)
    with (folder / "docs" / "limits.md").open("a", encoding="utf-8") as document:
        document.write(f"\n{more}\n")
    # Whatever the times of files say, the environment of this checkout is not made anew.
    command = ["make", "docs", "--old-file=.tools/docs/.made", "--old-file=.venv/.uv"]
    return subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)


def test_the_documents_become_a_site_without_a_warning(tmp_path: Path) -> None:
    ended = build(tmp_path, "The end.")
    assert ended.returncode == 0, ended.stdout
    assert (ended.stdout, ended.stderr) == ("", "")
    assert "The end." in (tmp_path / "site" / "limits.html").read_text("utf-8")
    assert "StartGeneration" in (tmp_path / "site" / "index.html").read_text("utf-8"), "the picture of the README"


@pytest.mark.parametrize("target", ["nowhere.md", "api.md#nowhere", "/api.md"])
def test_a_link_that_leads_nowhere_fails(tmp_path: Path, target: str) -> None:
    ended = build(tmp_path, f"[a link]({target})")
    assert ended.returncode != 0
    assert target in ended.stdout
