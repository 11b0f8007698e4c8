"""The tests' world cannot be passed over: a name that either side does not have fails at once, and nothing of a world
stays after it was left.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import ModuleType

import boto3
import pytest

from fermata.wiring import orders, outward, runtime, stores
from fermata.wiring.generation import store_ports
from tests.fakes.audio.track_store import InMemoryTrackStore
from tests.fakes.clock import NOON
from tests.fakes.settings import WORLD_SETTINGS
from tests.fakes.wiring import AS_WIRED, ROOMS, made_by, put_in
from tests.fakes.world import World
from tests.functions import NAMES, load_app, taken_from_wiring, wired_app
from tests.unit.test_import_time import PORTS, given_by_the_template

OUTSIDE = ("fermata.adapters.", "boto3", "botocore")


def app_of(source: str, path: Path) -> ModuleType:
    """A function with this source."""
    app = ModuleType("app")
    app.__file__ = str(path / "app.py")
    Path(app.__file__).write_text(source, "utf-8")
    exec(source, vars(app))  # noqa: S102 - written by this test
    return app


def held(value: object) -> Iterator[object]:
    """What ports hold, at any depth."""
    yield value
    if isinstance(value, tuple):
        for each in value:
            yield from held(each)
    elif is_dataclass(value):
        for each in fields(value):
            yield from held(getattr(value, each.name))


def built(app: ModuleType, name: str) -> list[object]:
    """All ports of a function, as it requests them."""
    return [eval(each, {"app": app, "print": print}) for each in PORTS[name].split(";")]  # noqa: S307 - of a test


def wired() -> dict[str, object]:
    """Everything in the rooms of the wiring."""
    return {f"{room.__name__}.{name}": made for room in ROOMS for name, made in vars(room).items()}


def nothing() -> None:
    """Stands in for anything."""


def fakes_of(room: ModuleType) -> dict[str, Callable[..., object]]:
    """A fake of everything that a room makes."""
    return dict.fromkeys(made_by(room) - AS_WIRED, nothing)


@pytest.mark.parametrize("name", NAMES)
def test_a_function_holds_fakes_and_no_adapter_and_reaches_no_aws(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(service: str, **_: object) -> None:
        raise AssertionError(f"{name} has a client of {service}")

    monkeypatch.setattr(boto3, "client", refuse)
    app = wired_app(name, World())
    found = [type(each).__module__ for port in built(app, name) for each in held(port)]
    assert [module for module in found if module.startswith(OUTSIDE)] == []
    # The files of the console need no port: they are part of the function.
    assert name == "serve_console" or any(module.startswith("tests.fakes.") for module in found)


@pytest.mark.parametrize("name", NAMES)
def test_a_function_takes_its_ports_from_the_wiring_of_the_current_world(name: str) -> None:
    app = wired_app(name, World())
    for port in taken_from_wiring(app):
        assert getattr(app, port) in [vars(room).get(port) for room in ROOMS]


def test_every_store_and_exit_of_the_world_belongs_to_some_function(monkeypatch: pytest.MonkeyPatch) -> None:
    places = [(room, name) for room in (stores, outward) for name in fakes_of(room)]
    world, taken = World(), set[str]()

    def noting(name: str, make: Callable[..., object]) -> Callable[..., object]:
        def noted(*given: object) -> object:
            taken.add(name)
            return make(*given)

        return noted

    for room, name in places:
        monkeypatch.setattr(room, name, noting(name, vars(room)[name]))
    for name in NAMES:
        built(wired_app(name, world), name)
    # Each job uses its own dialect, each list of voices and each check its own provider.
    by_need = {"provider", "reference_taker", "key_check", "voice_lister"}
    assert {name for _, name in places} - taken == by_need


def test_a_name_that_the_wiring_does_not_have_fails() -> None:
    before = wired()
    with (
        pytest.raises(AttributeError, match="job_stor"),
        put_in({stores: {**fakes_of(stores), "job_stor": nothing}}, {}),
    ):
        pass
    assert wired() == before


@pytest.mark.parametrize("room", [stores, outward, runtime])
def test_a_store_or_an_exit_that_the_world_does_not_have_fails(
    room: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def way_of_tomorrow() -> None:
        """Something that a world knows nothing of."""

    way_of_tomorrow.__module__ = room.__name__
    monkeypatch.setattr(room, "way_of_tomorrow", way_of_tomorrow, raising=False)
    with pytest.raises(AttributeError, match=f"no fake of way_of_tomorrow in {room.__name__}"):
        World()
    assert World.active is None


@pytest.mark.parametrize(
    "source", ["from fermata import wiring", "from fermata.wiring import stores", "import fermata.wiring.stores"]
)
def test_a_function_that_takes_the_wiring_as_a_whole_fails(source: str, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="imports the wiring as a whole"):
        taken_from_wiring(app_of(source, tmp_path))


def test_a_fake_is_in_place_in_the_function_that_takes_it() -> None:
    with World() as world:
        app = load_app("read_account")
        world.clock.pass_seconds(7)
        assert app.now() == world.clock()
        assert app.wallet_store() is world.wallets
    assert load_app("read_account").now() != NOON


def test_a_function_is_not_wired_to_a_world_that_was_left() -> None:
    with World() as world:
        pass
    with pytest.raises(AssertionError, match="it was left"):
        wired_app("read_account", world)


def test_a_world_takes_no_fake_under_a_name_that_it_does_not_have() -> None:
    world, tracks = World(), InMemoryTrackStore()
    world.tracks = tracks
    assert store_ports(world.remaining_ms).tracks is tracks
    with pytest.raises(AttributeError, match="the world has nothing called track"):
        setattr(world, "track", tracks)  # noqa: B010 - a misspelled name, which mypy would see


def test_a_world_takes_no_setting_that_no_function_has() -> None:
    with pytest.raises(AttributeError, match="no function has a setting called TABLE_NAMES"):
        World({"TABLE_NAMES": "worlds"})
    world = World()
    with pytest.raises(AttributeError, match="no function has a setting called RPM"):
        world.set(RPM="1")


def test_every_setting_of_a_world_is_one_that_the_template_gives_to_some_function() -> None:
    assert WORLD_SETTINGS.keys() <= set[str]().union(*given_by_the_template().values())


def test_ports_that_the_wiring_remembers_are_forgotten_with_a_fake_that_is_replaced() -> None:
    world = World()
    assert orders.delete_ports() is orders.delete_ports()
    world.tracks = InMemoryTrackStore()
    assert orders.delete_ports().tracks is world.tracks


def test_a_second_world_fails_until_the_first_is_left() -> None:
    first = World()
    with pytest.raises(RuntimeError, match="another world is in place"):
        World()
    assert World.active is first
    first.leave()
    with World() as second:
        assert World.active is second


def test_nothing_of_a_world_stays_once_it_is_left() -> None:
    before, environment = wired(), dict(os.environ)
    with World({"TABLE_NAME": "worlds"}) as world:
        held_by_the_first = orders.delete_ports()
        world.set(AUDIO_BUCKET="theirs")
        assert wired() != before
    assert wired() == before
    assert dict(os.environ) == environment
    with World():
        assert orders.delete_ports() is not held_by_the_first
        assert orders.delete_ports().jobs is not world.jobs


@pytest.fixture
def left_standing() -> World:
    """A world that no test leaves."""
    return World()


@pytest.mark.parametrize("turn", [1, 2])
def test_a_world_that_a_test_leaves_standing_ends_with_the_test(turn: int, left_standing: World) -> None:
    assert turn
    assert World.active is left_standing
