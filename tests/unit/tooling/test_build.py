"""What `make build` says about builds that Lambda could not run."""

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from moto import mock_aws

from tests.support.cloud import session
from tooling.build import (
    DEFAULT_ARCHITECTURE,
    MAGIC_3_13,
    TARGETS,
    UNCHECKED_HASH,
    bytecode_faults,
    for_one_architecture,
    layer_faults,
    library_faults,
    size_faults,
)
from tooling.uploads import ROOT, UploadError, unpack_packaged

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


def test_an_uploaded_layer_with_its_packages_beside_python_is_a_fault(tmp_path: Path) -> None:
    """The source folder uploaded as it is: on Lambda it would be /opt/fermata, where no function looks."""
    (tmp_path / "FermataLayer" / "fermata").mkdir(parents=True)
    (tmp_path / "FermataLayer" / "fermata" / "__init__.py").touch()

    assert "FermataLayer/python/fermata/__init__.py: the uploaded layer lacks it" in layer_faults(tmp_path)


def test_uploaded_layers_with_their_packages_below_python_are_no_fault(tmp_path: Path) -> None:
    for name in ("FermataLayer/python/fermata", "FermataLayer/python/pydantic", "MediaLayer/python/numpy"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "__init__.py").touch()

    assert layer_faults(tmp_path) == []


def _compiled(module: Path, header: bytes) -> Path:
    module.write_text("ANSWER = 42\n", "utf-8")
    folder = module.parent / "__pycache__"
    folder.mkdir(exist_ok=True)
    compiled = folder / f"{module.stem}.cpython-313.pyc"
    compiled.write_bytes(header + b"code")
    return compiled


HASH = bytes.fromhex("8c183ee51f652d75")
"""What Python 3.13 writes for the module above."""


def test_a_module_with_its_compiled_one_is_no_fault(tmp_path: Path) -> None:
    _compiled(tmp_path / "app.py", MAGIC_3_13 + UNCHECKED_HASH + HASH)

    assert bytecode_faults(tmp_path) == []


def test_a_module_that_every_start_would_compile_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "app.py").touch()

    assert bytecode_faults(tmp_path) == [f"{tmp_path / 'app.py'}: has no compiled module beside it"]


@pytest.mark.parametrize(
    "header",
    [
        (3495).to_bytes(2, "little") + b"\r\n" + UNCHECKED_HASH + HASH,
        MAGIC_3_13 + (3).to_bytes(4, "little") + HASH,
        MAGIC_3_13 + bytes(12),
        MAGIC_3_13 + UNCHECKED_HASH + bytes(8),
    ],
    ids=["of Python 3.11", "checked at each import", "by the time of its source", "of another source"],
)
def test_a_compiled_module_that_lambda_would_not_believe_is_a_fault(tmp_path: Path, header: bytes) -> None:
    compiled = _compiled(tmp_path / "app.py", header)

    (fault,) = bytecode_faults(tmp_path)
    assert fault.startswith(f"{compiled}: begins with {header.hex(' ')}")


def test_uploads_without_any_module_are_a_fault(tmp_path: Path) -> None:
    assert bytecode_faults(tmp_path) == [f"{tmp_path}: no module found"]


BUILT = """Parameters:
  Architecture:
    Type: String
    Default: arm64
    AllowedValues:
    - arm64
    - x86_64
"""


@pytest.mark.parametrize("architecture", ["arm64", "x86_64"])
def test_a_built_template_takes_no_processor_but_that_of_its_layers(architecture: str) -> None:
    expected = {"Type": "String", "Default": architecture, "AllowedValues": [architecture]}

    assert yaml.safe_load(for_one_architecture(BUILT, architecture)) == {"Parameters": {"Architecture": expected}}


def test_a_built_template_without_the_choice_of_a_processor_is_refused() -> None:
    with pytest.raises(ValueError, match="no parameter Architecture"):
        for_one_architecture("Parameters: {}\n", "arm64")


def test_a_plain_sam_deploy_takes_the_build_for_the_templates_own_processor(template: dict[str, Any]) -> None:
    assert template["Parameters"]["Architecture"]["Default"] == DEFAULT_ARCHITECTURE
    assert TARGETS[DEFAULT_ARCHITECTURE].relative_to(ROOT) == Path(".aws-sam/build")


def test_an_artefact_that_sam_left_on_this_disk_is_named(tmp_path: Path) -> None:
    layer = {"Type": "AWS::Serverless::LayerVersion", "Properties": {"ContentUri": "layers/x"}}

    with pytest.raises(UploadError, match=r"Layer: expected an upload .* found 'layers/x'"):
        unpack_packaged({"Layer": layer}, tmp_path, session().client("s3"))


def test_an_uploaded_archive_is_unpacked_under_its_logical_id(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app.py", "lambda_handler = print")
    function = {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": "s3://fermata-uploads/abc"}}

    with mock_aws():
        client = session().client("s3")
        client.create_bucket(Bucket="fermata-uploads", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        client.put_object(Bucket="fermata-uploads", Key="abc", Body=packed.getvalue())
        unpack_packaged({"Submit": function}, tmp_path, client)

    assert (tmp_path / "Submit" / "app.py").read_text("utf-8") == "lambda_handler = print"
