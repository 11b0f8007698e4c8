"""The tests' world cannot be passed over: a name that either side does not have fails at once."""

from pathlib import Path
from types import ModuleType

import pytest

from tests.fakes.audio.track_store import InMemoryTrackStore
from tests.fakes.world import World
from tests.functions import AS_WIRED, NAMES, load_app, ports_of, put_ports, taken_from_wiring, wired, wired_app


def app_of(source: str, path: Path) -> ModuleType:
    """A function with this source."""
    app = ModuleType("app")
    app.__file__ = str(path / "app.py")
    Path(app.__file__).write_text(source, "utf-8")
    exec(source, vars(app))  # noqa: S102 - written by this test
    return app


def now() -> None:
    """Not what the wiring means by it."""


def test_every_port_of_the_world_is_one_of_the_wiring_and_of_some_function() -> None:
    taken = set[str]().union(*(taken_from_wiring(load_app(name)) for name in NAMES))
    assert taken == ports_of(World()).keys() | AS_WIRED
    assert [name for name in taken if not hasattr(*wired(name))] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_function_holds_the_worlds_ports_and_none_of_the_wirings(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    app = wired_app(name, World(), monkeypatch)
    for port in taken_from_wiring(app) - AS_WIRED - {"job_randomness"}:
        assert getattr(app, port) is not getattr(*wired(port))


def test_a_port_that_the_wiring_does_not_have_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = app_of("from fermata.wiring.runtime import now", tmp_path)
    with pytest.raises(AssertionError, match="the wiring has nothing called poll_port, then"):
        put_ports(app, {**ports_of(World()), "then": now, "poll_port": now}, monkeypatch)


def test_a_port_that_the_world_does_not_have_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = app_of("from fermata.wiring.runtime import now\nfrom fermata.wiring.stores import tenant_store", tmp_path)
    with pytest.raises(AssertionError, match="takes tenant_store from the wiring"):
        put_ports(app, {"now": now}, monkeypatch)


@pytest.mark.parametrize(
    "source", ["from fermata import wiring", "from fermata.wiring import stores", "import fermata.wiring.stores"]
)
def test_a_function_that_takes_the_wiring_as_a_whole_fails(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(AssertionError, match="imports the wiring as a whole"):
        put_ports(app_of(source, tmp_path), ports_of(World()), monkeypatch)


def test_a_port_is_replaced_in_the_function_that_takes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = app_of("from fermata.wiring.runtime import now", tmp_path)
    put_ports(app, {"now": now}, monkeypatch)
    assert app.now is now


def test_a_world_takes_no_fake_under_a_name_that_it_does_not_have() -> None:
    world, tracks = World(), InMemoryTrackStore()
    world.tracks = tracks
    assert world.store_ports().tracks is tracks
    with pytest.raises(AttributeError, match="the world has nothing called track"):
        setattr(world, "track", tracks)  # noqa: B010 - a misspelled name, which mypy would see
