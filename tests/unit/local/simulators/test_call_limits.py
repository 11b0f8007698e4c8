"""A simulated provider refuses what goes beyond its limits, in its own words and free of charge."""

import json
from collections.abc import Callable

import pytest

from local.simulators.call_limits import Busy, CallLimits
from tests.unit.local.simulators.offline import Clock, Provider

REFUSALS = {
    "minimax": [(200, "1002"), (200, "1041")],
    "skillboss": [(429, "429")] * 2,
    "apiinone": [(429, "429")] * 2,
    "aimlapi": [(429, "429")] * 2,
}


def limit(provider: Provider, **limits: object) -> int:
    return provider.request("POST", "/_sim/limits", limits, key=None).status


def counted(provider: Provider) -> dict[str, object]:
    return provider.json("GET", "/_sim/limits", key=None)


@pytest.mark.parametrize("name", REFUSALS)
@pytest.mark.parametrize("kind", ["per_minute", "concurrent"])
def test_a_call_beyond_a_limit_is_refused_without_charge(
    provider: Callable[..., Provider], name: str, kind: str
) -> None:
    simulator = provider(name)
    assert limit(simulator, **{kind: 1}) == 200
    first, second = simulator.order(), simulator.order()
    status, code = REFUSALS[name][kind == "concurrent"]
    assert first.status in (200, 201)
    assert second.status == status
    assert code in second.body.decode() or status == 429
    assert [item["charged"] for item in simulator.bill["items"]] == [True, False]
    assert counted(simulator)["refused"] == 1


def test_a_minute_later_there_is_room_again() -> None:
    clock = Clock()
    limits = CallLimits(clock)
    limits.limit(None, 2)
    assert [limits.begin() for _ in range(3)] == [None, None, Busy.RATE]
    clock.now += 59.9
    assert limits.begin() is Busy.RATE
    clock.now += 0.1
    assert limits.begin() is None


def test_a_call_that_ended_makes_room_and_the_peak_is_kept() -> None:
    limits = CallLimits(Clock())
    limits.limit(2, None)
    assert [limits.begin() for _ in range(3)] == [None, None, Busy.CONNECTIONS]
    limits.end()
    assert limits.begin() is None
    assert limits.as_json() == {"concurrent": 2, "per_minute": None, "peak_concurrent": 2, "refused": 1}


def test_without_limits_nothing_is_refused_and_a_reset_takes_them_away(minimax: Provider) -> None:
    limit(minimax, per_minute=1)
    minimax.request("POST", "/_sim/reset", key=None)
    assert all(json.loads(minimax.order().body)["base_resp"]["status_code"] == 0 for _ in range(30))
    assert (counted(minimax)["per_minute"], counted(minimax)["refused"]) == (None, 0)


@pytest.mark.parametrize("body", [b"", [], {"concurrent": 0}, {"per_minute": "7"}, {"calls": 3}])
def test_limits_that_make_no_sense_are_400(minimax: Provider, body: object) -> None:
    assert minimax.request("POST", "/_sim/limits", body, key=None).status == 400
