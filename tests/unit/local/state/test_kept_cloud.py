"""A cloud's ports, keys and credits stay the same from start to start, or a start is refused."""

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from local.errors import PortInUseError, UsageError
from local.settings import CloudSettings
from local.state import kept_cloud, ports
from local.state.kept_cloud import KeptCloud


@pytest.fixture(autouse=True)
def no_probing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unit tests open no socket."""
    numbers = iter(range(20_001, 21_000))
    monkeypatch.setattr(kept_cloud, "free_port", lambda: next(numbers))
    monkeypatch.setattr(kept_cloud, "check_free", lambda _port, _owner: None)


@contextmanager
def start(folder: Path, settings: CloudSettings = CloudSettings()) -> Iterator[KeptCloud]:  # noqa: B008 (frozen)
    with closing(KeptCloud(folder, settings)) as kept:
        yield kept


def begun(folder: Path, credits: int | None = None) -> KeptCloud:  # noqa: A002 (what they are called everywhere)
    with start(folder, CloudSettings(credits=credits)) as kept:
        kept.simulator_keys(["minimax"])
        kept.ready(3456, "fk_1", {"minimax": "k1", "aimlapi": "real"})
        return kept


def test_ports_and_keys_stay(tmp_path: Path) -> None:
    first = begun(tmp_path)
    with start(tmp_path) as second:
        assert second.before is not None
        assert second.before.api_key == "fk_1"
        assert (second.aws_port, second.secret_access_key) == (first.aws_port, first.secret_access_key)
        assert second.simulator_keys(["minimax", "aimlapi"])["minimax"] == first.simulator_keys(["minimax"])["minimax"]
        assert second.of_simulator("minimax")["port"] == first.of_simulator("minimax")["port"]


@pytest.mark.parametrize(
    ("settings", "port"),
    [
        (CloudSettings(port=0), 3456),
        (CloudSettings(port=3000, keep_port=True), 3456),
        (CloudSettings(port=3000), 3000),
    ],
)
def test_the_port_of_the_api_stays_unless_another_is_asked_for(
    tmp_path: Path, settings: CloudSettings, port: int
) -> None:
    begun(tmp_path)
    with start(tmp_path) as kept:
        assert kept.api_port(settings) == port


def test_a_new_cloud_listens_where_it_is_told(tmp_path: Path) -> None:
    with start(tmp_path) as kept:
        assert (kept.api_port(CloudSettings()), kept.api_port(CloudSettings(port=0))) == (3000, 0)


@pytest.mark.parametrize(
    ("first", "then", "grants"), [(None, None, 0), (None, 100_500, 500), (10, 10, 0), (10, None, 0), (0, 1, 1)]
)
def test_more_credits_are_granted_and_the_same_are_not_granted_again(
    tmp_path: Path, first: int | None, then: int | None, grants: int
) -> None:
    begun(tmp_path, first)
    for expected in (grants, 0):
        with start(tmp_path, CloudSettings(credits=then)) as kept:
            assert kept.credits == expected
            kept.ready(3456, "fk_1", {})


def test_fewer_credits_than_were_granted_are_refused(tmp_path: Path) -> None:
    begun(tmp_path, 500)
    with pytest.raises(UsageError, match=r"at least the 500.*found 499.*--fresh"):
        KeptCloud(tmp_path, CloudSettings(credits=499))
    with start(tmp_path) as kept:
        assert kept.before is not None


def test_fresh_begins_anew(tmp_path: Path) -> None:
    first = begun(tmp_path, 500)
    with start(tmp_path, CloudSettings(credits=1, fresh=True)) as kept:
        assert (kept.before, kept.credits) == (None, 1)
        assert kept.secret_access_key != first.secret_access_key


def test_an_operators_keys_stay_and_those_that_the_command_line_changed_do_not(tmp_path: Path) -> None:
    begun(tmp_path)
    with start(tmp_path) as kept:
        stored = '{"minimax":{"default":"k1","second":"k2"},"aimlapi":"real","other":"own"}'
        merged = kept.merged_keys({"minimax": "k1", "aimlapi": "changed", "skillboss": "new"}, stored)
        assert merged == {
            "minimax": {"default": "k1", "second": "k2"},
            "aimlapi": "changed",
            "other": "own",
            "skillboss": "new",
        }
        assert kept.merged_keys({"minimax": "k1"}, "generated, no object") == {"minimax": "k1"}


def test_a_port_of_the_state_that_another_program_took_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def taken(_port: int) -> socket.socket:
        raise PortInUseError("taken")

    monkeypatch.setattr(ports, "listen", taken)
    with pytest.raises(PortInUseError, match=r"port 20001 is in use, and the kept state has its AWS endpoint there"):
        ports.check_free(20_001, "AWS endpoint")
