"""The wiring as tests see it: what each of its rooms remembers, and fakes in place of what it makes, by name."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any, Final

import pytest

from fermata import wiring

ROOMS: Final = tuple(import_module(f"{wiring.__name__}.{room.name}") for room in iter_modules(wiring.__path__))
"""The modules of the wiring."""

AS_WIRED: Final = frozenset({"transactions", "budget_micro_usd", "lower_case", "piece_cutter"})
"""What only the rooms' own functions use, or what is no way out."""

Fakes = Mapping[ModuleType, Mapping[str, Callable[..., object]]]
"""What stands in for the functions of each room, by their names."""


def _remembering() -> Iterator[tuple[str, Any]]:
    for room in ROOMS:
        for name, made in vars(room).items():
            if hasattr(made, "cache_clear") and made.__module__ == room.__name__:
                yield name, made


# Before any fake takes the place of one of them.
_REMEMBERING: Final = dict(_remembering())
_PORTS: Final = tuple(made for name, made in _REMEMBERING.items() if name.endswith("_ports"))
assert _PORTS, "the wiring remembers no ports; a world that takes another fake would not forget the one before"


def forget_all() -> None:
    """Forget everything that the wiring remembers, as a cold start does."""
    for made in _REMEMBERING.values():
        made.cache_clear()


def forget_ports() -> None:
    """Forget what use cases work with, but not what was counted."""
    for made in _PORTS:
        made.cache_clear()


def made_by(room: ModuleType) -> set[str]:
    """The names of what a room makes for others."""
    return {
        name
        for name, made in vars(room).items()
        if callable(made) and not name.startswith("_") and made.__module__ == room.__name__
    }


@contextmanager
def put_in(fakes: Fakes, settings: Mapping[str, str]) -> Iterator[pytest.MonkeyPatch]:
    """Put fakes and settings in place; raises `AttributeError` for a name that a room does not have, and for one of its
    functions that has no fake, because a test would run with the real one.
    """
    for room, by_name in fakes.items():
        real = sorted(made_by(room) - by_name.keys() - AS_WIRED)
        if real:
            raise AttributeError(f"the world has no fake of {', '.join(real)} in {room.__name__}")
    with pytest.MonkeyPatch.context() as patch:
        for room, by_name in fakes.items():
            for name, fake in by_name.items():
                patch.setattr(room, name, fake)
        for name, value in settings.items():
            patch.setenv(name, value)
        forget_all()
        try:
            yield patch
        finally:
            forget_all()
