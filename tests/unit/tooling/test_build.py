"""What `make build` says about compiled libraries that Lambda could not load."""

from pathlib import Path

import pytest

from tooling.build import library_faults, size_faults

X86_64, AARCH64 = 62, 183


def _library(folder: Path, name: str, machine: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(b"\x7fELF\x02\x01\x01".ljust(18, b"\0") + machine.to_bytes(2, "little") + b"\0" * 44)
    return path


@pytest.mark.parametrize("name", ["_core.cpython-313-aarch64-linux-gnu.so", "_core.abi3.so"])
def test_a_library_for_the_processor_and_python_3_13_is_accepted(tmp_path: Path, name: str) -> None:
    _library(tmp_path / "FermataLayer" / "python", name, AARCH64)

    assert library_faults(tmp_path, "arm64") == []


def test_a_library_for_the_other_processor_is_a_fault(tmp_path: Path) -> None:
    path = _library(tmp_path, "_core.abi3.so", X86_64)

    assert library_faults(tmp_path, "arm64") == [f"{path}: built for ELF machine 62, expected 183 (arm64)"]


@pytest.mark.parametrize("folder", ["numpy.libs", "_soundfile_data"])
def test_a_library_that_a_wheel_brings_for_its_extension_needs_no_name_of_a_python(tmp_path: Path, folder: str) -> None:
    path = _library(tmp_path / folder, "libspeed-1.2.so.0", AARCH64)

    assert library_faults(tmp_path, "arm64") == []
    assert library_faults(tmp_path, "x86_64") == [f"{path}: built for ELF machine 183, expected 62 (x86_64)"]


@pytest.mark.parametrize("name", ["_core.cpython-311-x86_64-linux-gnu.so", "libspeed.so"])
def test_a_library_for_another_python_is_a_fault(tmp_path: Path, name: str) -> None:
    path = _library(tmp_path, name, X86_64)

    (fault,) = library_faults(tmp_path, "x86_64")
    assert str(path) in fault
    assert "CPython 3.13" in fault


def test_a_layer_without_any_library_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "pure.py").write_text("", "utf-8")

    (fault,) = library_faults(tmp_path, "x86_64")
    assert "not complete" in fault


def test_a_layer_that_lambda_would_not_unpack_is_a_fault(tmp_path: Path) -> None:
    for folder, mib in (("FermataLayer", 50), ("MediaLayer", 200), ("SubmitJobFunction", 1)):
        (tmp_path / folder).mkdir()
        with (tmp_path / folder / "file").open("wb") as file:
            file.truncate(mib * 1024 * 1024)

    (fault,) = size_faults(tmp_path, "arm64")
    assert "250.0 MiB" in fault


def test_a_layer_that_fits_is_no_fault(tmp_path: Path) -> None:
    for folder in ("FermataLayer", "MediaLayer", "SubmitJobFunction"):
        _library(tmp_path / folder, "_core.abi3.so", AARCH64)

    assert size_faults(tmp_path, "arm64") == []
