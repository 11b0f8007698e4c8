"""What API in One sends to an order's address, and how a test makes it send wrong callbacks."""

import json
import queue
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.simulators.http.exchange import Request
from local.simulators.request_log import RequestLog
from local.simulators.running import build_simulator
from local.simulators.simulator import Simulator

TOKEN = "canary-of-the-callback-token"
URL = f"http://127.0.0.1:9/v1/callbacks/{TOKEN}"
WITHIN_S = 10


class Told:
    """A simulated API in One whose posts a test receives instead of the network."""

    def __init__(self, log: Path, latency_s: float) -> None:
        self.posts: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue()
        self.log = log
        self._lines = RequestLog(log)
        self.simulator: Simulator = build_simulator(
            "apiinone",
            key="k",
            latency_s=latency_s,
            origin="http://simulator.test",
            log=self._lines,
            send=self._send,
        )

    def _send(self, url: str, body: bytes) -> int | None:
        self.posts.put((url, json.loads(body)))
        return 204

    def order(self, idea: str = "a rainy evening", url: str | None = URL) -> None:
        body = {"model": "suno", "gpt_description_prompt": idea, **({"callback_url": url} if url else {})}
        sent = Request("POST", "/api/v1/audio/music", "", {"authorization": "Bearer k"}, json.dumps(body).encode())
        assert self.simulator.respond(sent).answer.status == 200

    def fault(self, name: str) -> None:
        body = json.dumps({"fault": name, "on": "callback"}).encode()
        assert self.simulator.respond(Request("POST", "/_sim/faults", "", {}, body)).answer.status == 201

    def stop(self) -> None:
        self.simulator.stop()
        self._lines.close()

    def words(self, count: int) -> list[str]:
        """The stages that were sent, as soon as there are so many."""
        return [self.posts.get(timeout=WITHIN_S)[1]["data"]["type"] for _ in range(count)]


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Told]:
    made = Told(tmp_path / "log.jsonl", latency_s=0.02)
    yield made
    made.stop()


def test_an_address_receives_the_first_stage_and_the_end_with_both_songs(told: Told) -> None:
    told.order()
    first, last = (told.posts.get(timeout=WITHIN_S) for _ in range(2))
    assert {first[0], last[0]} == {URL}
    assert [first[1]["data"]["type"], last[1]["data"]["type"]] == ["FIRST", "SUCCESS"]
    assert len(last[1]["data"]["response_data"]) == 2


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("callback_twice", ["FIRST", "FIRST", "SUCCESS", "SUCCESS"]),
        ("callback_early", ["IN_PROGRESS", "FIRST", "SUCCESS"]),
        ("callback_forged", ["SUCCESS", "FIRST", "SUCCESS"]),
    ],
)
def test_a_fault_changes_the_callbacks_of_one_order(told: Told, fault: str, words: list[str]) -> None:
    told.fault(fault)
    told.order()
    assert told.words(len(words)) == words
    told.order()
    assert told.words(2) == ["FIRST", "SUCCESS"]
    assert told.posts.empty()


def test_an_early_callback_is_sent_before_the_create_is_answered(tmp_path: Path) -> None:
    told = Told(tmp_path / "log.jsonl", latency_s=1000)
    told.order("[[fault:callback_early]]")
    assert told.posts.get_nowait()[1]["data"]["type"] == "IN_PROGRESS"
    told.stop()


def test_a_forged_callback_leads_to_a_host_that_is_not_the_providers(told: Told) -> None:
    told.fault("callback_forged")
    told.order()
    (song,) = told.posts.get(timeout=WITHIN_S)[1]["data"]["response_data"]
    assert song["audio_url"] == "https://forged.example.com/song.mp3"


def test_a_lost_callback_is_never_sent(told: Told) -> None:
    told.fault("callback_lost")
    told.order("lost")
    told.order("after it")
    assert told.words(2) == ["FIRST", "SUCCESS"]
    told.stop()
    assert told.posts.empty()


@pytest.mark.parametrize("url", [None, "https://example.com/x", "http://10.0.0.1/x", "http://127.0.0.1.evil/x"])
def test_no_callback_leaves_this_machine(told: Told, url: str | None) -> None:
    told.order(url=url)
    told.order("after it")
    assert told.words(2) == ["FIRST", "SUCCESS"]
    told.stop()
    assert told.posts.empty()


@pytest.mark.parametrize("ending", ["stop", "reset"])
def test_pending_callbacks_end_with_the_simulator_or_a_reset(tmp_path: Path, ending: str) -> None:
    told = Told(tmp_path / "log.jsonl", latency_s=1000)
    told.order()
    if ending == "reset":
        told.simulator.respond(Request("POST", "/_sim/reset"))
    # Returns at once: the thread that would have waited for minutes is gone.
    told.stop()
    assert told.posts.empty()


def test_the_log_has_a_line_for_every_callback_and_no_address(told: Told) -> None:
    told.fault("callback_twice")
    told.order()
    told.words(4)
    told.stop()
    lines = [json.loads(line) for line in told.log.read_text("utf-8").splitlines()]
    assert [(line["path"], line["status"], line["fault"]) for line in lines] == [
        ("(callback)", 204, "callback_twice")
    ] * 4
    assert TOKEN not in told.log.read_text("utf-8")


def test_minimax_music_takes_no_address(told: Told) -> None:
    body = {"model": "minimax-music", "prompt": "folk", "callback_url": URL}
    sent = Request("POST", "/api/v1/audio/music", "", {"authorization": "Bearer k"}, json.dumps(body).encode())
    assert told.simulator.respond(sent).answer.status == 400
