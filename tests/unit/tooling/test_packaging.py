"""What `sam build` puts beside the modules of a function or layer: compiled ones that are believed unchecked."""

import marshal
import subprocess
from importlib.util import MAGIC_NUMBER, cache_from_source, source_hash
from pathlib import Path

import pytest

from tests.functions import ROOT
from tooling.artefacts.package import PackagingError, compile_folder, fill_function, fill_layer, main

SOURCE = b"def answer() -> int:\n    return 42\n"


def _function(folder: Path) -> Path:
    (folder / "assets").mkdir(parents=True)
    (folder / "app.py").write_bytes(SOURCE)
    (folder / "assets" / "page.html").write_bytes(b"<p>")
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "app.cpython-312.pyc").write_bytes(b"of another run")
    return folder


def _compiled(module: Path) -> bytes:
    return Path(cache_from_source(str(module))).read_bytes()


def test_a_function_has_its_files_and_compiled_modules_and_nothing_that_lay_about(tmp_path: Path) -> None:
    fill_function(_function(tmp_path / "source"), tmp_path / "built")

    found = {str(path.relative_to(tmp_path / "built")) for path in (tmp_path / "built").rglob("*") if path.is_file()}
    compiled = Path(cache_from_source("app.py"))
    assert found == {"app.py", "assets/page.html", str(compiled)}
    assert _compiled(tmp_path / "built" / "app.py")[:16] == MAGIC_NUMBER + b"\x01\0\0\0" + source_hash(SOURCE)


def test_a_compiled_module_names_the_file_that_lambda_has(tmp_path: Path) -> None:
    fill_function(_function(tmp_path / "source"), tmp_path / "built")

    assert marshal.loads(_compiled(tmp_path / "built" / "app.py")[16:]).co_filename == "/var/task/app.py"  # noqa: S302


def test_the_same_sources_give_the_same_bytes_wherever_they_are_built(tmp_path: Path) -> None:
    for name in ("here", "there/and/deeper"):
        fill_function(_function(tmp_path / name), tmp_path / name / "built")

    first, second = (_compiled(tmp_path / name / "built" / "app.py") for name in ("here", "there/and/deeper"))
    assert first == second


def test_a_module_that_does_not_compile_ends_the_build(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "odd.py").write_text("print 'two'\n", "utf-8")

    with pytest.raises(PackagingError, match=r"odd\.py: does not compile under Python 3\."):
        compile_folder(tmp_path, "/var/task")
    assert "SyntaxError" in capsys.readouterr().out


def test_an_unknown_processor_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackagingError, match="mips: expected arm64 or x86_64"):
        fill_layer(tmp_path, tmp_path, "mips")


def test_another_python_than_that_of_lambda_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compiled", "nowhere", "/opt"], python=(3, 12)) == 1
    assert capsys.readouterr().err == "expected Python 3.13, as on Lambda, found 3.12\n"


def test_an_unknown_command_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["layers"], python=(3, 13)) == 1
    assert "expected one of the command lines in package.py" in capsys.readouterr().err


def test_a_machine_without_python_3_13_learns_what_to_install(tmp_path: Path) -> None:
    """`sam build` shows what make says."""
    command = ["make", "--makefile", str(ROOT / "tooling/artefacts/Makefile"), "build-SubmitJobFunction"]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PYTHON313": str(tmp_path / "none")}

    ended = subprocess.run(command, cwd=tmp_path, env=environment, check=False, capture_output=True, text=True)

    assert ended.returncode != 0
    assert "is not a Python 3.13 that runs with venv and ensurepip; correct it or unset it" in ended.stderr
