"""The dialect of API in One."""

import json
from collections.abc import Callable
from urllib.parse import quote

import miniaudio
import pytest

from local.simulators.http.exchange import Answer
from tests.unit.local.simulators.offline import KEY, Json, Provider

IDEA: dict[str, object] = {
    "model": "suno",
    "gpt_description_prompt": "a rainy evening",
    "prompt": None,
    "lyrics": None,
    "make_instrumental": True,
}
CUSTOM: dict[str, object] = {
    "model": "suno",
    "prompt": "rain on my window",
    "style": "indie folk",
    "title": "Rain",
    "lyrics": None,
}


def create(apiinone: Provider, **changes: object) -> str:
    return str(json.loads(apiinone.order(**changes).body)["data"]["task_id"])


def by_task(task: str) -> str:
    return f"/api/v1/tasks/{quote(task, safe='')}"


def by_feed(task: str) -> str:
    return f"/api/v1/audio/music/feed?task_id={quote(task, safe='')}"


def poll(apiinone: Provider, task: str) -> Json:
    data: Json = apiinone.json("GET", by_task(task))["data"]
    return data


def test_a_create_answers_at_once_with_a_task(apiinone: Provider) -> None:
    answer = apiinone.order()
    body = json.loads(answer.body)
    assert (answer.status, answer.after_s, body["code"], body["data"]["status"]) == (200, 0.0, 200, "IN_PROGRESS")


def test_a_task_runs_shows_a_first_draft_and_succeeds(apiinone: Provider) -> None:
    task, seen = create(apiinone), []
    for _ in range(6):
        data = poll(apiinone, task)
        seen.append((data["type"], [song["status"] for song in data["response_data"]]))
        apiinone.clock.now += 2.0
    assert seen == [("IN_PROGRESS", [])] * 3 + [("FIRST", ["first"])] * 2 + [("SUCCESS", ["complete"])]


def test_the_link_of_a_first_draft_leads_to_no_song(apiinone: Provider) -> None:
    task = create(apiinone)
    apiinone.clock.now += apiinone.latency_s / 2
    draft = apiinone.file(poll(apiinone, task)["response_data"][0]["audio_url"]).body
    assert draft.startswith(b"This is not a song")
    apiinone.clock.now += apiinone.latency_s / 2
    song = apiinone.file(poll(apiinone, task)["response_data"][0]["audio_url"]).body
    assert miniaudio.mp3_get_info(song).sample_rate == 44100


def test_both_ways_to_poll_answer_the_same(apiinone: Provider) -> None:
    task = create(apiinone)
    assert apiinone.json("GET", by_task(task)) == apiinone.json("GET", by_feed(task))


@pytest.mark.parametrize("order", [IDEA, CUSTOM])
def test_a_suno_order_ends_as_two_different_songs(apiinone: Provider, order: dict[str, object]) -> None:
    task = create(apiinone, **order)
    apiinone.clock.now += apiinone.latency_s
    songs = poll(apiinone, task)["response_data"]
    assert len({apiinone.file(song["audio_url"]).body for song in songs}) == 2
    assert all({"image_url", "video_url"} <= song.keys() for song in songs)


def test_settings_of_minimax_music_are_followed(apiinone: Provider) -> None:
    task = create(apiinone, sample_rate=32000, bitrate=60000)
    apiinone.clock.now += apiinone.latency_s
    file = apiinone.file(poll(apiinone, task)["response_data"][0]["audio_url"])
    assert miniaudio.mp3_get_info(file.body).sample_rate == 32000


def test_a_direct_answer_has_a_link_and_no_task(apiinone: Provider) -> None:
    apiinone.fault("direct")
    answer = apiinone.order()
    body = json.loads(answer.body)
    assert (list(body), answer.after_s) == (["audio_url"], apiinone.latency_s)
    assert apiinone.file(body["audio_url"]).content_type == "audio/mpeg"


def refused(answer: Answer) -> int:
    body = json.loads(answer.body)
    assert body.get("data") is None
    assert ("error" in body) == (answer.status == 401)
    return answer.status


@pytest.mark.parametrize("key", [None, "another"])
def test_a_create_with_a_wrong_key_is_401(apiinone: Provider, key: str | None) -> None:
    assert refused(apiinone.request("POST", apiinone.path, apiinone.body(), key=key)) == 401


@pytest.mark.parametrize("route", [by_task, by_feed])
def test_a_poll_with_another_key_or_an_unknown_task_finds_nothing(
    apiinone: Provider, route: Callable[[str], str]
) -> None:
    task = create(apiinone)
    assert refused(apiinone.request("GET", route(task), key="another")) == 404
    assert refused(apiinone.request("GET", route(task), key=None)) == 401
    assert refused(apiinone.request("GET", route("none"))) == 404
    assert apiinone.request("GET", route(task)).status == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"model": None}, {"model": "music-2.5"}, {"prompt": None}, {"prompt": ""}, {"lyrics": "x" * 3501},
        {"bitrate": 96000}, {"sample_rate": 48000}, {"make_instrumental": True}, {"format": "wav"},
        {**CUSTOM, "bitrate": 256000}, {**CUSTOM, "title": "x" * 81}, {**CUSTOM, "style": "x" * 201},
        {**CUSTOM, "prompt": "x" * 3001}, {**CUSTOM, "gpt_description_prompt": "both"}, {**CUSTOM, "prompt": None},
        {**IDEA, "gpt_description_prompt": "x" * 401},
    ],
)  # fmt: skip
def test_a_bad_parameter_is_400(apiinone: Provider, changes: dict[str, object]) -> None:
    assert refused(apiinone.order(**changes)) == 400


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff"])
def test_a_body_that_is_no_request_is_400(apiinone: Provider, body: bytes) -> None:
    assert refused(apiinone.request("POST", apiinone.path, body)) == 400


@pytest.mark.parametrize("status", [402, 429, 500])
@pytest.mark.parametrize("place", ["create", "poll"])
def test_an_error_comes_under_its_status_or_inside_200(apiinone: Provider, status: int, place: str) -> None:
    target = by_task(create(apiinone))
    for fault, expected in ((f"http:{status}", status), (f"code:{status}", 200)):
        apiinone.fault(fault, on=place)
        answer = apiinone.order() if place == "create" else apiinone.request("GET", target)
        assert answer.status == expected
        assert json.loads(answer.body)["code"] == status


def test_a_status_word_replaces_the_real_one(apiinone: Provider) -> None:
    task = create(apiinone)
    apiinone.fault("status_word:meditating")
    assert [poll(apiinone, task)["type"] for _ in range(2)] == ["meditating", "IN_PROGRESS"]


def test_a_planted_link_waits_for_the_poll_that_shows_finished_songs(apiinone: Provider) -> None:
    task = create(apiinone)
    apiinone.fault("link:http://10.0.0.1/x")
    apiinone.clock.now += apiinone.latency_s / 2
    assert "10.0.0.1" not in json.dumps(poll(apiinone, task))
    apiinone.clock.now += apiinone.latency_s
    urls = [poll(apiinone, task)["response_data"][0]["audio_url"] for _ in range(2)]
    assert urls[0] == "http://10.0.0.1/x"
    assert urls[1].startswith("http://simulator.test/files/")


@pytest.mark.parametrize("place", ["create", "poll"])
def test_a_hint_adds_fields_with_a_canary(apiinone: Provider, place: str) -> None:
    task = create(apiinone)
    apiinone.fault("hint", on=place)
    body = json.loads(apiinone.order().body) if place == "create" else apiinone.json("GET", by_task(task))
    assert "canary" in body["_memory_hint"]


def test_the_bill_calls_a_suno_order_by_its_style_or_its_idea(apiinone: Provider) -> None:
    apiinone.order()
    apiinone.order(**IDEA)
    apiinone.order(**CUSTOM)
    bill = apiinone.bill
    assert (bill["posts"], bill["charged"], bill["usd"]) == (3, 3, 0.5)
    assert len({item["prompt_sha256"] for item in bill["items"]}) == 3


@pytest.mark.parametrize(
    ("model", "words", "style", "status"),
    [
        ("chirp-v3-5", 3000, 200, 200),
        ("chirp-v3-5", 3001, 1, 400),
        ("chirp-v4", 1, 201, 400),
        ("chirp-v4-5", 5000, 1000, 200),
        ("chirp-v5-5", 5000, 1000, 200),
        ("chirp-v5-5", 5001, 1000, 400),
        ("suno", 3001, 1, 400),
        ("chirpy", 1, 1, 400),
    ],
)
def test_chirp_models_are_ordered_as_suno_models_are(
    apiinone: Provider, model: str, words: int, style: int, status: int
) -> None:
    answer = apiinone.order(**{**CUSTOM, "model": model, "prompt": "x" * words, "style": "y" * style})
    assert json.loads(answer.body)["code"] == status


@pytest.mark.parametrize(("key", "status"), [("another", 401), (None, 401), (KEY, 404)])
def test_a_task_that_does_not_exist_tells_a_known_key_from_others(
    apiinone: Provider, key: str | None, status: int
) -> None:
    assert apiinone.request("GET", "/api/v1/tasks/no-such-task", key=key).status == status
