"""Which files count as changed sources."""

import os
from pathlib import Path

import pytest

from local.runtime.source_tree import SourceTree, fault_in, forget_byte_code


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "layer" / "shop" / "order.py"
    path.parent.mkdir(parents=True)
    path.write_text("price = 1\n", "utf-8")
    return path


def test_a_file_that_is_written_replaced_added_or_removed_is_a_change_once(source: Path) -> None:
    tree = SourceTree([source.parents[1]])
    assert tree.changes() == set()
    source.write_text("price = 12\n", "utf-8")
    assert tree.changes() == {source}
    written_by_rename = source.with_name("order.py.tmp")
    written_by_rename.write_text("price = 34\n", "utf-8")
    os.utime(written_by_rename, ns=(source.stat().st_atime_ns, source.stat().st_mtime_ns))
    written_by_rename.replace(source)
    assert tree.changes() == {source}
    added = source.with_name("cart.json")
    added.write_text("{}", "utf-8")
    source.unlink()
    assert tree.changes() == {source, added}
    assert tree.changes() == set()


@pytest.mark.parametrize(
    "name", ["order.py~", ".order.py.swp", "4913", "#order.py#", ".#order.py", "__pycache__/order.cpython-311.pyc"]
)
def test_what_python_and_editors_write_beside_a_source_is_no_change(source: Path, name: str) -> None:
    tree = SourceTree([source.parents[1]])
    beside = source.parent / name
    beside.parent.mkdir(exist_ok=True)
    beside.write_text("half", "utf-8")
    assert tree.changes() == set()


def test_single_files_are_watched_without_what_lies_beside_them(source: Path) -> None:
    beside = source.with_name("beside.py")
    tree = SourceTree([], files=[source])
    beside.write_text("", "utf-8")
    assert tree.changes() == set()
    source.unlink()
    assert tree.changes() == {source}


def test_a_directory_that_is_not_there_yet_is_watched(tmp_path: Path) -> None:
    tree = SourceTree([tmp_path / "late"])
    late = tmp_path / "late" / "app.py"
    late.parent.mkdir()
    late.write_text("", "utf-8")
    assert tree.changes() == {late}


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("app.py", "def f(:\n", "line 1: invalid syntax"),
        ("app.py", "x = 1\nif x:\n", "line 2: expected an indented block after 'if' statement on line 2"),
        ("app.py", "x = '\0'\n", "line 1: source code string cannot contain null bytes"),
        ("catalogue.json", '{"a": 1,\n}', "line 2: Expecting property name enclosed in double quotes"),
        ("app.py", "x = 1\n", None),
        ("catalogue.json", "{}", None),
    ],
)
def test_the_fault_of_a_source_names_its_line(tmp_path: Path, name: str, text: str, fault: str | None) -> None:
    path = tmp_path / name
    path.write_text(text, "utf-8")
    assert fault_in(path) == fault


def test_a_source_that_is_gone_has_no_fault(tmp_path: Path) -> None:
    assert fault_in(tmp_path / "gone.py") is None


def test_the_byte_code_of_a_source_is_forgotten_for_every_python_and_that_of_others_stays(source: Path) -> None:
    cache = source.parent / "__pycache__"
    cache.mkdir()
    for name in ("order.cpython-311.pyc", "order.cpython-313.pyc", "orders.cpython-311.pyc"):
        (cache / name).write_bytes(b"")
    forget_byte_code(source)
    assert [path.name for path in cache.iterdir()] == ["orders.cpython-311.pyc"]
