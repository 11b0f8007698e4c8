"""The file of a kept state: what is written stays, and what is no state of ours stays as it was."""

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from local.state.errors import StateRefusedError, StateWriteError
from local.state.kept_state import KeptState, delete_state
from local.state.store import Change, Moment, Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


def filled(path: Path) -> None:
    with closing(Store(path)) as store:
        store.write([Change("item", "jobs", name, f"value of {name}") for name in ("b", "a")])


def test_what_was_written_is_there_again_in_the_order_of_its_keys(path: Path) -> None:
    filled(path)
    with closing(Store(path)) as store:
        assert list(store.read("item", "jobs")) == [("a", "value of a"), ("b", "value of b")]
        assert list(store.read("item", "other")) == []
        assert store.owners("item") == ["jobs"]


def test_a_change_replaces_and_none_deletes(path: Path) -> None:
    filled(path)
    with closing(Store(path)) as store:
        store.write([Change("item", "jobs", "a", "new"), Change("item", "jobs", "b", None)])
        assert list(store.read("item", "jobs")) == [("a", "new")]


def test_only_the_owner_may_read_the_file(path: Path) -> None:
    filled(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_changes_that_cannot_all_be_written_are_not_written_at_all(path: Path) -> None:
    with closing(Store(path)) as store:
        with pytest.raises(StateWriteError):
            store.write([Change("item", "jobs", "a", "1"), Change("item", "jobs", "b", object())])  # type: ignore[arg-type]
        assert store.failure is not None
        with pytest.raises(StateWriteError):
            store.write([Change("item", "jobs", "c", "1")])
    with closing(Store(path)) as store:
        assert list(store.read("item", "jobs")) == []


def test_a_closed_store_takes_nothing(path: Path) -> None:
    store = Store(path)
    store.close()
    store.close()
    with pytest.raises(StateWriteError, match="stopping"):
        store.write([Change("item", "jobs", "a", "1")])
    assert store.failure is None


def test_each_write_has_a_moment_before_and_after_it(path: Path) -> None:
    moments: list[Moment] = []
    with closing(Store(path, moments.append)) as store:
        store.write([Change("item", "jobs", "a", "1")])
    assert moments == [Moment.BEFORE, Moment.AFTER]


def test_a_state_of_another_version_is_refused_and_stays(path: Path) -> None:
    filled(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = path.read_bytes()
    with pytest.raises(StateRefusedError, match=r"expected a state of format 1, found format 99.*--fresh"):
        KeptState(path.parent)
    assert path.read_bytes() == before


def test_a_file_of_another_program_is_refused_and_stays(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (a)")
    before = path.read_bytes()
    with pytest.raises(StateRefusedError, match="another program's file"):
        KeptState(path.parent)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content", [b"no database at all, whatever its name says" * 100, b"SQLite format 3\x00" + b"x" * 4000]
)
def test_a_file_that_is_no_database_is_refused_and_stays(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(StateRefusedError, match="--fresh"):
        KeptState(path.parent)
    assert path.read_bytes() == content


def test_a_half_written_file_is_refused_and_stays(path: Path) -> None:
    with closing(Store(path)) as store:
        store.write([Change("cloud", "", "identity", "x" * 500_000)])
    content = path.read_bytes()[:20_000]
    path.write_bytes(content)
    with pytest.raises(StateRefusedError, match="--fresh"):
        KeptState(path.parent)
    assert path.read_bytes() == content


def test_a_directory_where_nothing_can_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "objects").write_text("in the way", "utf-8")
    with pytest.raises(StateRefusedError, match=r"--state-dir .*cannot keep a state there.*--in-memory"):
        KeptState(tmp_path)


def test_fresh_deletes_the_state_and_nothing_else(tmp_path: Path) -> None:
    filled(tmp_path / "state.db")
    (tmp_path / "objects").mkdir()
    (tmp_path / "objects" / "one").write_bytes(b"1")
    (tmp_path / "notes.txt").write_text("mine", "utf-8")
    delete_state(tmp_path)
    delete_state(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
