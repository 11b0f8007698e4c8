"""A build is used again only while nothing that it reads has changed."""

from pathlib import Path

import pytest

from tooling.built import SOURCES, digest_of_sources, is_built, note_build


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small project that was built."""
    for source in SOURCES:
        path = tmp_path / source
        path = path if path.suffix else path / "inner" / "app.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, "utf-8")
    (tmp_path / ".aws-sam").mkdir()
    note_build(tmp_path, digest_of_sources(tmp_path))
    return tmp_path


def test_a_build_belongs_to_its_sources_also_after_python_has_compiled_them(project: Path) -> None:
    (project / "functions" / "__pycache__").mkdir()
    (project / "functions" / "__pycache__" / "app.cpython-313.pyc").write_bytes(b"\0")
    assert is_built(project)


@pytest.mark.parametrize("source", SOURCES)
def test_a_source_that_changed_needs_a_new_build(project: Path, source: str) -> None:
    path = project / source
    (path if path.is_file() else path / "inner" / "app.py").write_text("other", "utf-8")
    assert not is_built(project)


def test_a_source_that_was_renamed_or_came_needs_a_new_build(project: Path) -> None:
    (project / "functions" / "inner" / "app.py").rename(project / "functions" / "inner" / "app2.py")
    assert not is_built(project)


def test_nothing_is_built_at_first_or_where_a_source_is_gone(project: Path, tmp_path: Path) -> None:
    assert not is_built(tmp_path / "empty")
    (project / "template.yaml").unlink()
    assert not is_built(project)
