"""Ports that can be cut, troubled or overtaken at any call that a use case makes."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeVar, cast

Port = TypeVar("Port")


class CrashError(BaseException):
    """The run ends here, as with a killed process: no code may catch this."""


@dataclass
class Seams:
    """All calls to some ports; each has a place before it and one after it, at which something may happen once."""

    calls: int = 0
    _at: int | None = None
    _happens: Callable[[], object] | None = None

    def arm(self, at: int, happens: Callable[[], object]) -> None:
        """Let something happen at the `at`-th place from here; 0 is before the next call, 1 after it."""
        self._at, self._happens = self.calls + at, happens

    def disarm(self) -> None:
        """Nothing happens any more."""
        self._at = self._happens = None

    def touch(self) -> None:
        """One place was reached."""
        reached = self.calls
        self.calls += 1
        if reached == self._at and self._happens is not None:
            happens = self._happens
            self.disarm()
            happens()

    def around(self, port: Port) -> Port:
        """The same port, whose calls are places."""
        return cast("Port", _Seam(port, self))


class _Seam:
    def __init__(self, port: object, seams: Seams) -> None:
        self._port, self._seams = port, seams

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the port has
        found = getattr(self._port, name)
        if not callable(found):
            return found

        def call(*arguments: object, **named: object) -> object:
            self._seams.touch()
            result = found(*arguments, **named)
            if isinstance(result, AbstractContextManager):
                return _Exchange(result, self._seams)
            self._seams.touch()
            return result

        # Looking a method up by name again costs more than the call.
        self.__dict__[name] = call
        return call


class _Exchange:
    """An exchange whose answer begins after one place, and is over after another."""

    def __init__(self, exchange: AbstractContextManager[object], seams: Seams) -> None:
        self._exchange, self._seams = exchange, seams

    def __enter__(self) -> object:
        answer = self._exchange.__enter__()
        self._seams.touch()
        return answer

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        ended = self._exchange.__exit__(kind, error, trace)
        if kind is None:
            self._seams.touch()
        return ended
