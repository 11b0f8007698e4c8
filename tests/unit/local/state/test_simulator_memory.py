"""A simulated provider that restarts goes on with its bill, its tasks, its uploads and its links."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.simulators.memory import Calendar
from local.simulators.running import build_simulator
from local.state.simulator_memory import SimulatorMemory
from local.state.store import Store
from tests.unit.local.simulators.offline import KEY, ORIGIN, Clock, Provider
from tests.unit.local.simulators.providers.music01 import generate, ids

SUNO = {"model": "suno-v4.5", "gpt_description_prompt": "indie folk"}


class Restarts:
    """A provider that may be restarted; each process has a clock of its own."""

    def __init__(self, path: Path) -> None:
        self._store = Store(path)

    def start(self, name: str, uptime_s: float = 1000.0) -> Provider:
        provider = Provider(name, clock=Clock(uptime_s))
        memory = SimulatorMemory(self._store, name)
        provider._simulator = build_simulator(  # noqa: SLF001 (the same simulator, with a memory)
            name, key=KEY, latency_s=provider.latency_s, origin=ORIGIN, clock=provider.clock, memory=memory
        )
        return provider

    def close(self) -> None:
        self._store.close()


@pytest.fixture
def restarts(tmp_path: Path) -> Iterator[Restarts]:
    restarts = Restarts(tmp_path / "simulators.db")
    yield restarts
    restarts.close()


@pytest.mark.parametrize("name", ["minimax", "skillboss", "apiinone", "aimlapi"])
def test_the_bill_goes_on_where_it_was(restarts: Restarts, name: str) -> None:
    provider = restarts.start(name)
    provider.order()
    provider.order(prompt="[[fault:http:500]] refused")
    provider.speak() if name != "apiinone" else provider.order()
    before = provider.bill
    provider = restarts.start(name)
    assert provider.bill == before
    provider.order()
    assert provider.bill["posts"] == before["posts"] + 1
    assert [item["number"] for item in provider.bill["items"]] == [1, 2, 3, 4]


def test_a_task_goes_on_while_the_provider_is_down(restarts: Restarts) -> None:
    provider = restarts.start("aimlapi")
    task = json.loads(provider.order(model="minimax/music-2.0").body)["id"]
    poll = f"{provider.path}?generation_id={task}"
    assert provider.json("GET", poll)["status"] == "queued"
    provider = restarts.start("aimlapi", uptime_s=1.0)
    assert provider.json("GET", poll)["status"] == "queued"
    provider.clock.now += provider.latency_s
    done = provider.json("GET", poll)
    assert done["status"] == "completed"
    provider = restarts.start("aimlapi")
    assert provider.file(done["audio_file"]["url"]).status == 200


def test_an_order_of_two_songs_ends_after_a_restart(restarts: Restarts) -> None:
    provider = restarts.start("apiinone")
    task = json.loads(provider.request("POST", provider.path, SUNO).body)["data"]["task_id"]
    provider = restarts.start("apiinone", uptime_s=1.0)
    provider.clock.now += provider.latency_s
    found = provider.json("GET", f"/api/v1/tasks/{task}")["data"]
    assert (found["type"], len(found["response_data"])) == ("SUCCESS", 2)


def test_an_upload_is_known_after_a_restart(restarts: Restarts) -> None:
    references = ids(restarts.start("aimlapi"))
    assert generate(restarts.start("aimlapi"), references).status == 200


def test_an_expired_link_stays_expired(restarts: Restarts) -> None:
    provider = restarts.start("minimax")
    link = json.loads(provider.order(output_format="url").body)["data"]["audio"]
    provider.fault("link_expired", on="file")
    assert provider.file(link).status == 403
    assert restarts.start("minimax").file(link).status == 403


def test_a_reset_forgets_for_good(restarts: Restarts) -> None:
    provider = restarts.start("aimlapi")
    task = json.loads(provider.order(model="minimax/music-2.0").body)["id"]
    provider.request("POST", "/_sim/reset")
    provider = restarts.start("aimlapi")
    assert provider.bill["posts"] == 0
    assert provider.request("GET", f"{provider.path}?generation_id={task}").status == 404


def test_instants_become_times_and_instants_of_another_clock() -> None:
    first, second = Calendar(lambda: 100.0, lambda: 1_000_000.0), Calendar(lambda: 5.0, lambda: 1_000_060.0)
    assert second.instant(first.date(90.0)) == pytest.approx(5.0 - 70.0)
