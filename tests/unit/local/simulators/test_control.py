"""Asking for faults: `/_sim/faults`, `/_sim/reset` and tags in the prompt."""

import json
from collections.abc import Callable

import pytest

from local.simulators import SIMULATED_PROVIDERS
from tests.unit.local.simulators.offline import Provider


def failures(provider: Provider, orders: int, **changes: object) -> list[bool]:
    return [provider.order(**changes).status == 503 for _ in range(orders)]


def test_a_posted_fault_is_created(minimax: Provider) -> None:
    answer = minimax.fault("http:503", on="create", match="rain", times=2)
    assert answer.status == 201
    assert json.loads(answer.body) == {"fault": "http:503", "on": "create", "match": "rain", "times": 2}


def test_place_match_and_times_have_defaults(minimax: Provider) -> None:
    answer = minimax.fault("link_expired")
    assert json.loads(answer.body) == {"fault": "link_expired", "on": "file", "match": "*", "times": 1}


def test_a_fault_happens_as_many_times_as_requested(minimax: Provider) -> None:
    minimax.fault("http:503", times=2)
    assert failures(minimax, 4) == [True, True, False, False]


def test_a_fault_waits_for_a_prompt_that_holds_its_text(minimax: Provider) -> None:
    minimax.fault("http:503", match="thunder")
    assert minimax.order().status == 200
    assert minimax.order(prompt="drums and thunder").status == 503


def test_faults_are_taken_in_the_order_in_which_they_were_posted(minimax: Provider) -> None:
    for name in ("http:500", "http:502", "http:503"):
        minimax.fault(name)
    assert [minimax.order().status for _ in range(4)] == [500, 502, 503, 200]


def test_a_fault_waits_for_its_place(aimlapi: Provider) -> None:
    aimlapi.fault("http:503", on="poll")
    created = aimlapi.order()
    poll = f"/v2/generate/audio?generation_id={json.loads(created.body)['id']}"
    assert [created.status, aimlapi.request("GET", poll).status, aimlapi.request("GET", poll).status] == [201, 503, 200]


def test_a_refused_request_uses_up_no_fault(minimax: Provider) -> None:
    minimax.fault("http:503")
    minimax.order(lyrics="short")
    assert failures(minimax, 2) == [True, False]


def test_a_tag_in_the_prompt_causes_a_fault_every_time(minimax: Provider) -> None:
    assert failures(minimax, 3, prompt="folk [[fault:http:503]]") == [True, True, True]


def test_tags_of_one_prompt_happen_each_at_its_place(minimax: Provider) -> None:
    prompt = "folk [[fault:hint]] [[fault:link_expired]]"
    body = json.loads(minimax.order(prompt=prompt, output_format="url").body)
    assert "_memory_hint" in body
    assert minimax.file(body["data"]["audio"]).status == 403


def test_a_posted_fault_comes_before_the_tag_of_a_prompt(minimax: Provider) -> None:
    minimax.fault("http:500")
    assert [minimax.order(prompt="folk [[fault:http:503]]").status for _ in range(2)] == [500, 503]


@pytest.mark.parametrize("tag", ["[[fault:teapot]]", "[[fault:status_word:odd]]", "[[fault:callback_lost]]"])
def test_a_tag_that_means_nothing_here_is_400(minimax: Provider, tag: str) -> None:
    assert minimax.order(prompt=f"folk, rain {tag}").status == 400


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", {}, {"fault": 3}, {"fault": "teapot"}, {"fault": "html", "on": "nowhere"},
        {"fault": "html", "times": 0}, {"fault": "html", "times": True}, {"fault": "html", "times": "2"},
        {"fault": "html", "match": ""}, {"fault": "html", "extra": 1}, {"fault": "html", "on": "callback"},
    ],
)  # fmt: skip
def test_a_fault_order_that_makes_no_sense_is_400_and_waits_for_nothing(minimax: Provider, body: object) -> None:
    answer = minimax.request("POST", "/_sim/faults", body, key=None)
    assert answer.status == 400
    assert json.loads(answer.body)["error"]
    assert minimax.json("GET", "/_sim/faults", key=None)["waiting"] == []


@pytest.mark.parametrize(
    ("name", "fault", "known_by"),
    [
        ("minimax", "status_word:odd", "apiinone, aimlapi"),
        ("apiinone", "odd_hex", "minimax, skillboss, aimlapi"),
        ("minimax", "direct", "skillboss, apiinone, aimlapi"),
        ("aimlapi", "callback_forged", "apiinone"),
    ],
)
def test_a_fault_without_meaning_here_is_refused_saying_who_knows_it(
    provider: Callable[..., Provider], name: str, fault: str, known_by: str
) -> None:
    answer = provider(name).fault(fault)
    assert answer.status == 400
    assert f"known by: {known_by}" in json.loads(answer.body)["error"]


def test_a_fault_at_a_place_where_it_cannot_happen_is_refused_naming_where_it_can(minimax: Provider) -> None:
    answer = minimax.fault("link_expired", on="create")
    assert answer.status == 400
    assert "happens on file here, not on 'create'" in json.loads(answer.body)["error"]


@pytest.mark.parametrize("name", SIMULATED_PROVIDERS)
def test_every_listed_fault_says_what_it_imitates(provider: Callable[..., Provider], name: str) -> None:
    listing = provider(name).json("GET", "/_sim/faults", key=None)
    assert listing["provider"] == name
    assert all(row["imitates"] and row["on"] and row["charged"] for row in listing["faults"])


def test_waiting_faults_are_listed_with_what_is_left_of_them(minimax: Provider) -> None:
    minimax.fault("http:503", times=3)
    minimax.order()
    (waiting,) = minimax.json("GET", "/_sim/faults", key=None)["waiting"]
    assert waiting["times"] == 2


def test_a_reset_forgets_faults_bill_tasks_and_links(aimlapi: Provider) -> None:
    created = json.loads(aimlapi.order().body)
    aimlapi.clock.now += aimlapi.latency_s
    poll = f"/v2/generate/audio?generation_id={created['id']}"
    link = aimlapi.json("GET", poll)["audio_file"]["url"]
    aimlapi.fault("http:500")

    assert aimlapi.request("POST", "/_sim/reset", key=None).status == 200

    assert aimlapi.bill == {"posts": 0, "charged": 0, "usd": 0.0, "characters": 0, "items": []}
    assert aimlapi.request("GET", poll).status == 404
    assert aimlapi.file(link).status == 404
    assert aimlapi.order().status == 201


@pytest.mark.parametrize(("method", "path"), [("GET", "/_sim/reset"), ("POST", "/_sim/bill"), ("GET", "/_sim/other")])
def test_another_control_route_is_404(minimax: Provider, method: str, path: str) -> None:
    assert minimax.request(method, path, key=None).status == 404
