"""What is counted, and what is charged."""

import json
from collections.abc import Callable
from hashlib import sha256

import pytest

from local.simulators import SIMULATED_PROVIDERS
from tests.unit.local.simulators.offline import Provider
from tests.unit.local.simulators.providers.music01 import generate, ids

ARGUMENTS = {
    "code:<n>": "code:1008",
    "http:<n>": "http:500",
    "http:<n>:charged": "http:500:charged",
    "cut:<percent>": "cut:50",
    "hang:<s>": "hang:1",
    "slow:<bytes_per_s>": "slow:1000",
    "link:<url>": "link:http://127.0.0.1:9/",
    "redirect:<url>": "redirect:http://127.0.0.1:9/",
    "status_word:<word>": "status_word:odd",
    "stream_stall:<s>": "stream_stall:1",
}


def charged_faults(provider: Provider) -> dict[str, str]:
    rows = provider.json("GET", "/_sim/faults", key=None)["faults"]
    return {row["name"]: row["charged"] for row in rows if "create" in row["on"]}


def waits(provider: Provider) -> bool:
    return bool(provider.json("GET", "/_sim/faults", key=None)["waiting"])


@pytest.mark.parametrize("name", SIMULATED_PROVIDERS)
def test_the_fault_list_is_right_about_charges(provider: Callable[..., Provider], name: str) -> None:
    simulated = provider(name)
    promised = charged_faults(simulated)
    for fault in promised:
        assert simulated.fault(ARGUMENTS.get(fault, fault), on="create").status == 201
        simulated.order(stream=True if fault.startswith("stream_") else None)
        # AIML API's tasks cannot show what its blocking models can.
        if waits(simulated):
            generate(simulated, ids(simulated))
        if waits(simulated):
            simulated.speak()
    items = [item for item in simulated.bill["items"] if item["fault"]]
    # "Yes for some codes" is none for the code that is tried here: an empty balance.
    assert [item["charged"] for item in items] == [charged == "yes" for charged in promised.values()]
    assert [item["fault"] for item in items] == [ARGUMENTS.get(fault, fault) for fault in promised]


def test_songs_and_refusals_add_up(minimax: Provider) -> None:
    minimax.order()
    minimax.order(model="music-2.5")
    minimax.order(lyrics="short")
    minimax.request("POST", minimax.path, minimax.body(), key="another key")
    bill = minimax.bill
    assert (bill["posts"], bill["charged"], bill["usd"]) == (4, 2, 0.18)
    assert [(item["number"], item["charged"]) for item in bill["items"]] == [
        (1, True),
        (2, True),
        (3, False),
        (4, False),
    ]
    assert [item["model"] for item in bill["items"]] == ["music-2.0", "music-2.5", "music-2.0", "music-2.0"]


def test_ten_songs_cost_ten_times_as_much_as_one(minimax: Provider) -> None:
    for _ in range(10):
        minimax.order()
    assert minimax.bill["usd"] == 0.3


def test_an_item_names_its_prompt_by_fingerprint_only(minimax: Provider) -> None:
    minimax.order(prompt="a secret melody")
    (item,) = minimax.bill["items"]
    assert item["prompt_sha256"] == sha256(b"a secret melody").hexdigest()
    assert "secret melody" not in json.dumps(minimax.bill)


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'{"model": 3, "prompt": []}', b'{"prompt": "\\ud800"}'])
def test_a_post_without_sense_is_counted_and_not_charged(minimax: Provider, body: bytes) -> None:
    minimax.request("POST", minimax.path, body)
    bill = minimax.bill
    assert (bill["posts"], bill["charged"], bill["items"][0]["model"]) == (1, 0, None)


def test_polls_files_and_control_requests_are_not_counted(aimlapi: Provider) -> None:
    created = json.loads(aimlapi.order().body)
    aimlapi.clock.now += aimlapi.latency_s
    link = aimlapi.json("GET", f"/v2/generate/audio?generation_id={created['id']}")["audio_file"]["url"]
    assert aimlapi.file(link).status == 200
    assert (aimlapi.bill["posts"], aimlapi.bill["usd"]) == (1, 0.195)


@pytest.mark.parametrize(("code", "charged"), [(1001, True), (1027, True), (1000, False), (1026, False), (2153, False)])
def test_a_failure_that_follows_the_work_is_charged(minimax: Provider, code: int, *, charged: bool) -> None:
    minimax.fault(f"code:{code}")
    minimax.order()
    assert minimax.bill["items"][0]["charged"] is charged


@pytest.mark.parametrize(("name", "usd"), [("minimax", 0.1), ("skillboss", 0.1), ("aimlapi", 0.13)])
def test_speech_is_billed_by_its_characters(provider: Callable[..., Provider], name: str, usd: float) -> None:
    simulated = provider(name)
    simulated.order()
    before = simulated.bill["usd"]
    for text in ("x" * 10, "\u4e2d\u6587" * 5):
        changes = {"inputs": {"text": text}} if name == "skillboss" else {"text": text}
        assert simulated.speak(**changes).status == 200
    bill = simulated.bill
    assert [item["characters"] for item in bill["items"]] == [0, 10, 20]
    assert (bill["characters"], bill["usd"] - before) == (30, pytest.approx(30 * usd / 1000))


def test_a_refused_speech_counts_no_characters(minimax: Provider) -> None:
    minimax.fault("code:1042")
    minimax.speak()
    assert (minimax.bill["characters"], minimax.bill["usd"]) == (0, 0.0)
