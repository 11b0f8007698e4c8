"""Whole songs by a real client."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import miniaudio
import pytest

from local.simulators import SIMULATED_PROVIDERS, UnknownSimulatorError, start_simulator
from tests.integration.simulators.online import Provider
from tests.integration.song import TLS


def test_minimax_blocks_for_its_latency_and_sends_a_playable_song(start: Callable[..., Provider]) -> None:
    minimax = start("minimax", 0.4)
    asked = time.monotonic()
    body = minimax.order().json()
    assert 0.4 <= time.monotonic() - asked < 20
    assert body["extra_info"]["music_duration"] > 4000
    assert miniaudio.decode(bytes.fromhex(body["data"]["audio"])).duration > 4


def test_aimlapi_answers_at_once_and_completes_after_its_latency(start: Callable[..., Provider]) -> None:
    aimlapi = start("aimlapi", 2)
    task = aimlapi.order().json()["id"]
    seen = []
    deadline = time.monotonic() + 60
    while (answer := aimlapi.poll(task).json())["status"] != "completed":
        seen.append(answer["status"])
        assert time.monotonic() < deadline
    assert list(dict.fromkeys(seen)) == ["queued", "generating"]
    assert len(httpx.get(answer["audio_file"]["url"], verify=TLS).content) == answer["audio_file"]["file_size"]


@pytest.mark.parametrize("name", SIMULATED_PROVIDERS)
def test_a_link_leads_to_the_simulators_own_origin(start: Callable[..., Provider], name: str) -> None:
    provider = start(name)
    link = provider.link()
    assert link.startswith(f"{provider.url}/files/")
    with httpx.Client() as stranger:
        assert miniaudio.mp3_get_info(stranger.get(link).content).sample_rate == 44100
        head = stranger.head(link)
        assert int(head.headers["content-length"]) > 0
        assert head.content == b""


def test_many_songs_at_once_are_all_served_and_billed(minimax: Provider) -> None:
    with ThreadPoolExecutor(20) as clients:
        answers = list(clients.map(lambda number: minimax.order(prompt=f"song number {number % 4}"), range(60)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["data"]["audio"] for answer in answers}) == 4
    bill = minimax.bill
    assert (bill["posts"], bill["charged"]) == (60, 60)
    assert [item["number"] for item in bill["items"]] == list(range(1, 61))


@pytest.mark.parametrize(
    "wrong", [{"key": ""}, {"latency_s": -1.0}, {"latency_s": float("nan")}, {"latency_s": float("inf")}]
)
def test_an_impossible_simulator_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected a key and a finite latency"):
        start_simulator("minimax", **{"key": "k", "latency_s": 0.0, **wrong})


def test_an_unknown_provider_is_refused_naming_the_known_ones() -> None:
    with pytest.raises(
        UnknownSimulatorError, match="expected one of minimax, skillboss, apiinone, aimlapi, found 'other'"
    ):
        start_simulator("other", key="k", latency_s=0.0)
