"""The file of a kept state: one SQLite table of current values, written before the answers go out.

A value has a kind (`item`, `object`, `execution`, ...), an owner (a table, a bucket, a machine) and a key. A commit is
in the kernel's hands when `write` returns, so a killed process loses nothing. SQLite syncs at its checkpoints only:
after a power cut the file is whole, but the last seconds may be missing.
"""

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from enum import StrEnum
from pathlib import Path
from threading import RLock
from typing import Final, NamedTuple

from local.state.errors import StateRefusedError, StateWriteError

FORMAT: Final = 1
"""Version of the file's contents; another version is refused."""
_APPLICATION_ID: Final = 0x4645524D
"""Marks a file as Fermata's: "FERM"."""
_SCHEMA: Final = (
    "CREATE TABLE kept (kind TEXT NOT NULL, owner TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,"
    " PRIMARY KEY (kind, owner, key)) WITHOUT ROWID"
)
_PUT: Final = "INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?)"
_DELETE: Final = "DELETE FROM kept WHERE kind = ? AND owner = ? AND key = ?"
_READ: Final = "SELECT key, value FROM kept WHERE kind = ? AND owner = ?"
_START_AGAIN: Final = "start again with --fresh to begin anew, which deletes the state"


class Moment(StrEnum):
    """A moment of a write at which a process may be killed."""

    BEFORE = "before"
    AFTER = "after"


class Change(NamedTuple):
    """The new value under a key; None deletes it."""

    kind: str
    owner: str
    key: str
    value: str | None


class Store:
    """An open file; thread-safe. `reach` is called at each moment of a write, which crash tests use."""

    def __init__(self, path: Path, reach: Callable[[Moment], None] = lambda _: None) -> None:
        """Open or create the file. Raises `StateRefusedError`, and then leaves the file as it was."""
        self.path, self.reach = path, reach
        self._lock = RLock()
        self._closed = False
        self._failure: StateWriteError | None = None
        try:
            # Created before SQLite does, because it contains keys that only its owner may read.
            path.touch(mode=0o600)
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._open()
        except (sqlite3.Error, OSError) as error:
            raise StateRefusedError(f"{path}: cannot be used as a state: {error}; {_START_AGAIN}") from error

    @property
    def failure(self) -> StateWriteError | None:
        """The first failed write, after which nothing is written."""
        return self._failure

    def write(self, changes: Iterable[Change]) -> None:
        """Keep all changes or none; raises `StateWriteError`."""
        with self._lock:
            self.check()
            try:
                self.reach(Moment.BEFORE)
                self._connection.execute("BEGIN IMMEDIATE")
                for change in changes:
                    if change.value is None:
                        self._connection.execute(_DELETE, change[:3])
                    else:
                        self._connection.execute(_PUT, change)
                self._connection.execute("COMMIT")
            except (sqlite3.Error, OSError) as error:
                raise self.fail(error) from error
            self.reach(Moment.AFTER)

    def check(self) -> None:
        """Raise `StateWriteError` after a failed write or `close`."""
        if self._failure is not None:
            raise self._failure
        if self._closed:
            raise StateWriteError("the cloud is stopping")

    def fail(self, error: Exception) -> StateWriteError:
        """Refuse every write from now on, because the memory holds what the disk does not."""
        with self._lock:
            if self._failure is None:
                self._failure = StateWriteError(
                    f"cannot write to {self.path.parent}: {error}; everything that was answered before is kept there: "
                    "make room or correct the rights, and start again"
                )
            return self._failure

    def read(self, kind: str, owner: str) -> list[tuple[str, str]]:
        """Return the keys and values of an owner, sorted by key; raises `StateRefusedError` for a damaged file."""
        try:
            with self._lock, closing(self._connection.execute(f"{_READ} ORDER BY key", (kind, owner))) as rows:
                return rows.fetchall()
        except sqlite3.Error as error:
            raise StateRefusedError(f"{self.path}: damaged: {error}; {_START_AGAIN}") from error

    def owners(self, kind: str) -> list[str]:
        """Return the owners of a kind."""
        with (
            self._lock,
            closing(self._connection.execute("SELECT DISTINCT owner FROM kept WHERE kind = ?", (kind,))) as rows,
        ):
            return [owner for (owner,) in rows.fetchall()]

    def forget_all(self) -> None:
        """Delete every value."""
        with self._lock:
            self._connection.execute("DELETE FROM kept")

    def close(self) -> None:
        """Refuse writes from now on, also those of calls that are on their way."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._connection.close()

    def _open(self) -> None:
        application, version, tables = (
            self._connection.execute(text).fetchone()[0]
            for text in ("PRAGMA application_id", "PRAGMA user_version", "SELECT count(*) FROM sqlite_master")
        )
        if tables and (application, version) != (_APPLICATION_ID, FORMAT):
            found = f"format {version}" if application == _APPLICATION_ID else "another program's file"
            self._connection.close()
            raise StateRefusedError(
                f"{self.path}: expected a state of format {FORMAT}, found {found}; use the version of Fermata that "
                f"wrote it, or {_START_AGAIN}"
            )
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        if not tables:
            for text in ("BEGIN IMMEDIATE", _SCHEMA, f"PRAGMA application_id = {_APPLICATION_ID}"):
                self._connection.execute(text)
            self._connection.execute(f"PRAGMA user_version = {FORMAT}")
            self._connection.execute("COMMIT")
