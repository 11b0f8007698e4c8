"""Fills the folder of one function or layer with what Lambda runs: its files, and every module compiled beside them.

    python3.13 package.py function SOURCE ARTEFACTS
    python3.13 package.py layer SOURCE ARTEFACTS arm64|x86_64
    python3.13 package.py compiled FOLDER WHERE

`sam build` calls the first two through the Makefile beside this file; the last compiles a folder in place, which Lambda
unpacks at WHERE. It runs under the Python of Lambda's runtime, whose compiled modules no other version reads, and needs
nothing but that Python's library and pip. The same sources give the same bytes, whatever the folder and the day.
Exit status: 0 filled, 1 not, with one line of cause on stderr.
"""

import compileall
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from py_compile import PycInvalidationMode
from tempfile import TemporaryDirectory
from typing import Final

TASK: Final = "/var/task"
LAYER: Final = "/opt/python"
"""Where Lambda unpacks a function, and the packages of a layer. Both are read-only, so nothing is compiled there."""
MACHINES: Final = {"arm64": "aarch64", "x86_64": "x86_64"}
GLIBC: Final = range(34, 4, -1)
"""The minor versions of glibc 2 that a wheel may ask for: Amazon Linux 2023 has 2.34."""
_LEFT_OUT: Final = shutil.ignore_patterns("__pycache__", "*.pyc", "*.egg-info")


class PackagingError(Exception):
    """The folder could not be filled; the message says why."""


def fill_function(source: Path, artefacts: Path) -> None:
    """Copy a function's folder and compile it."""
    shutil.copytree(source, artefacts, ignore=_LEFT_OUT, dirs_exist_ok=True)
    compile_folder(artefacts, TASK)


def fill_layer(source: Path, artefacts: Path, architecture: str) -> None:
    """Unpack the wheels of a layer's requirements, by hash, copy its own packages, and compile all."""
    if architecture not in MACHINES:
        raise PackagingError(f"{architecture}: expected arm64 or x86_64")
    packages = artefacts / "python"
    with TemporaryDirectory() as name:
        _download(source / "requirements.txt", MACHINES[architecture], Path(name))
        for wheel in sorted(Path(name).iterdir()):
            _unpack(wheel, packages)
    for package in sorted(source.glob("*/__init__.py")):
        shutil.copytree(package.parent, packages / package.parent.name, ignore=_LEFT_OUT)
    compile_folder(packages, LAYER)


def compile_folder(folder: Path, where: str) -> None:
    """Compile every module below a folder, so that Python loads it without a look at its source."""
    # In one process and one order: what a compiled module looks like depends on what the process compiled before.
    for module in sorted(folder.rglob("*.py")):
        seen_as = str(Path(where, module.relative_to(folder)).parent)
        if not compileall.compile_file(
            module,
            ddir=seen_as,
            force=True,
            quiet=1,
            invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
        ):
            raise PackagingError(
                f"{module.relative_to(folder)}: does not compile under Python {sys.version.split()[0]}"
            )


def _download(requirements: Path, machine: str, folder: Path) -> None:
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in GLIBC]
    options = ["--no-deps", "--require-hashes", "--only-binary=:all:", "--python-version=3.13", "--implementation=cp"]
    chosen = [option for each in (*platforms, f"manylinux2014_{machine}") for option in ("--platform", each)]
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    ended = subprocess.run(
        [*pip, *options, *chosen, "--dest", str(folder), "--requirement", str(requirements)],
        check=False,
        capture_output=True,
        text=True,
    )
    if ended.returncode != 0:
        raise PackagingError(f"pip download ended with {ended.returncode}: {ended.stderr.strip()}")


def _unpack(wheel: Path, packages: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        odd = next(_beside_the_packages(archive), None)
        if odd is not None:
            raise PackagingError(f"{wheel.name}: expected its files where they are imported from, found {odd}")
        archive.extractall(packages, [each for each in archive.namelist() if not each.split("/")[0].endswith(".data")])


def _beside_the_packages(archive: zipfile.ZipFile) -> Iterator[str]:
    """The files of a wheel that an installer would move before they could be imported."""
    top = {name: name.partition("/")[0] for name in archive.namelist()}
    return (name for name in top if top[name].endswith(".data") and name.split("/")[1] in ("purelib", "platlib"))


def main(arguments: list[str], python: tuple[int, ...] = sys.version_info[:2]) -> int:
    """Do what the command line says, under a Python of this version."""
    if python != (3, 13):
        print(f"expected Python 3.13, as on Lambda, found {'.'.join(map(str, python))}", file=sys.stderr)
        return 1
    os.umask(0o022)
    try:
        match arguments:
            case ["function", source, artefacts]:
                fill_function(Path(source), Path(artefacts))
            case ["layer", source, artefacts, architecture]:
                fill_layer(Path(source), Path(artefacts), architecture)
            case ["compiled", folder, where]:
                compile_folder(Path(folder), where)
            case _:
                raise PackagingError(f"expected one of the command lines in {Path(__file__).name}, found {arguments}")
    except PackagingError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
