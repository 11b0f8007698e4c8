"""Writes what a call to AWS changed before the call is answered."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import RLock, local
from typing import Final, Protocol

from local.state.store import Change, Store


class Source(Protocol):
    """A part of the emulator whose state is kept."""

    def prepare(self, owner: str, key: str) -> None:
        """Do the slow part of `changes`, which other calls need not wait for."""

    def changes(self, owner: str, key: str) -> list[Change]:
        """Return the present state under a key; no other call is kept meanwhile."""

    def kept(self) -> None:
        """Clear up what is no longer needed, now that the changes are written."""


class _Call:
    """What one call has changed so far."""

    def __init__(self) -> None:
        self.touched: dict[tuple[Source, str, str], None] = {}
        self.more: list[Change] = []
        self.afterwards: list[Callable[[], None]] = []


class Journal:
    """Keeps states rather than calls: nothing is ever done again, and a state is right however often it is written."""

    def __init__(self, store: Store) -> None:
        self.store: Final = store
        self._lock = RLock()
        self._here = local()

    @contextmanager
    def call(self) -> Iterator[None]:
        """Keep what the block changes when it ends, all or nothing. Raises `StateWriteError`, after which the block's
        answer must not go out. An inner block is kept at its own end.
        """
        outer, call = getattr(self._here, "call", None), _Call()
        self._here.call = call
        try:
            yield
        finally:
            self._here.call = outer
            self._keep(call)

    def touch(self, source: Source, owner: str, key: str) -> None:
        """Keep the state under a key at the end of this thread's call, at once outside of one."""
        with self._current() as call:
            call.touched[source, owner, key] = None

    def add(self, changes: list[Change], afterwards: Callable[[], None] = lambda: None) -> None:
        """Keep changes together with those of this thread's call; `afterwards` runs when they are kept."""
        with self._current() as call:
            call.more.extend(changes)
            call.afterwards.append(afterwards)

    @contextmanager
    def _current(self) -> Iterator[_Call]:
        if (call := getattr(self._here, "call", None)) is not None:
            yield call
            return
        with self.call():
            yield self._here.call

    def _keep(self, call: _Call) -> None:
        # Also for a call that changed nothing, because it may have read what could not be kept.
        self.store.check()
        if call.touched or call.more:
            for source, owner, key in call.touched:
                source.prepare(owner, key)
            with self._lock:
                changes = [change for source, owner, key in call.touched for change in source.changes(owner, key)]
                if changes or call.more:
                    self.store.write([*changes, *call.more])
        for source in {source for source, _, _ in call.touched}:
            source.kept()
        for step in call.afterwards:
            step()
