"""Which Python `make` takes, and the one line it says when there is none."""

import subprocess
from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder to use as PATH, with what the script itself needs."""
    return tmp_path


def _python(folder: Path, name: str, version: tuple[int, int], *, modules: str = "ensurepip venv") -> None:
    """A fake interpreter: runs the script's check against the version and modules it pretends to have."""
    low, high = 'eval "low=\\${$(($#-1))}"', 'eval "high=\\${$#}"'
    runs = (
        f'[ {version[0]} -eq 3 ] && [ "$low" -le {version[1]} ] && [ {version[1]} -le "$high" ] && [ -n "{modules}" ]'
    )
    (folder / name).write_text(f"#!/bin/sh\n{low}\n{high}\necho {folder / name}\n{runs}\n", "utf-8")
    (folder / name).chmod(0o755)


def _find(root: Path, folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(folder), "HOME": str(folder), **settings}
    return subprocess.run(
        ["/bin/sh", root / "tooling" / "find_python.sh", *arguments],
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )


def test_python3_is_taken_when_it_is_new_enough(root: Path, folder: Path) -> None:
    _python(folder, "python3", (3, 12))
    _python(folder, "python3.13", (3, 13))

    assert _find(root, folder).stdout.strip() == str(folder / "python3")


@pytest.mark.parametrize("version", [(3, 9), (3, 10), (3, 14)])
def test_a_python3_that_does_not_fit_is_passed_over(root: Path, folder: Path, version: tuple[int, int]) -> None:
    _python(folder, "python3", version)
    _python(folder, "python3.11", (3, 11))

    assert _find(root, folder).stdout.strip() == str(folder / "python3.11")


def test_a_shim_that_does_not_run_is_passed_over(root: Path, folder: Path) -> None:
    (folder / "python3.13").write_text("#!/bin/sh\nexit 127\n", "utf-8")
    (folder / "python3.13").chmod(0o755)
    versions = folder / ".pyenv" / "versions" / "3.13.7" / "bin"
    versions.mkdir(parents=True)
    _python(versions, "python3.13", (3, 13))

    assert _find(root, folder, "3.13").stdout.strip() == str(versions / "python3.13")


@pytest.mark.parametrize(("arguments", "hint"), [((), "PYTHON="), (("3.13",), "PYTHON313=")])
def test_without_a_python_there_is_one_line_of_cause(
    root: Path, folder: Path, arguments: tuple[str, ...], hint: str
) -> None:
    found = _find(root, folder, *arguments)

    assert found.returncode == 2
    assert found.stdout == ""
    assert hint in found.stderr
    assert found.stderr.count("\n") == 1


def test_a_python_that_was_named_is_not_replaced_by_another(root: Path, folder: Path) -> None:
    _python(folder, "python3", (3, 12))
    _python(folder, "old", (3, 9))

    found = _find(root, folder, PYTHON=str(folder / "old"))

    assert found.returncode == 2
    assert f"PYTHON={folder / 'old'}" in found.stderr
