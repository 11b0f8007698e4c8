"""The dialect of the AIML API's task family."""

import json
from collections.abc import Callable
from urllib.parse import quote

import miniaudio
import pytest

from local.simulators.http.exchange import Answer
from tests.songs import wav_file
from tests.unit.local.simulators.offline import KEY, Json, Provider


def create(aimlapi: Provider, **changes: object) -> str:
    return str(json.loads(aimlapi.order(**changes).body)["id"])


def poll(aimlapi: Provider, task: str) -> Json:
    return aimlapi.json("GET", f"/v2/generate/audio?generation_id={quote(task, safe='')}")


def test_a_create_answers_at_once_with_a_queued_task(aimlapi: Provider) -> None:
    answer = aimlapi.order()
    body = json.loads(answer.body)
    assert (answer.status, answer.after_s, body["status"]) == (201, 0.0, "queued")
    assert body["id"].endswith(":minimax/music-2.0")
    assert body["meta"]["usage"] == {"credits_used": 390000, "usd_spent": 0.195}


def test_a_task_is_queued_then_generating_then_completed(aimlapi: Provider) -> None:
    task, seen = create(aimlapi), []
    for _ in range(6):
        seen.append(poll(aimlapi, task)["status"])
        aimlapi.clock.now += 2.0
    assert seen == ["queued", "generating", "generating", "generating", "generating", "completed"]


def test_without_latency_the_first_poll_says_completed(provider: Callable[..., Provider]) -> None:
    aimlapi = provider("aimlapi", 0.0)
    created = json.loads(aimlapi.order().body)
    assert (created["status"], poll(aimlapi, created["id"])["status"]) == ("queued", "completed")


def test_a_completed_task_links_to_a_file_that_is_as_it_says(aimlapi: Provider) -> None:
    task = create(aimlapi, audio_setting={"audio_sample_rate": 32000, "bitrate": 64000, "format": "mp3"})
    aimlapi.clock.now += aimlapi.latency_s
    found = poll(aimlapi, task)["audio_file"]
    file = aimlapi.file(found["url"])
    assert (file.content_type, len(file.body)) == (found["content_type"], found["file_size"])
    assert miniaudio.mp3_get_info(file.body).sample_rate == 32000


def test_every_poll_of_a_completed_task_has_a_link_of_its_own(aimlapi: Provider) -> None:
    task = create(aimlapi)
    aimlapi.clock.now += aimlapi.latency_s
    aimlapi.fault("link_expired")
    first, second = (poll(aimlapi, task)["audio_file"]["url"] for _ in range(2))
    assert [aimlapi.file(first).status, aimlapi.file(second).status] == [403, 200]


ELEVEN = {"model": "elevenlabs/eleven_music", "lyrics": None}
LYRIA = {"model": "google/lyria2", "lyrics": None}
STABLE = {"model": "stable-audio", "lyrics": None}
RECORDING = "http://127.0.0.1:8000/a.wav?X-Amz-Signature=a%2Fb"
LEGACY = {
    "model": "minimax-music",
    "prompt": "##Rain on glass\n\nStay##",
    "lyrics": None,
    "reference_audio_url": RECORDING,
}
COVER = {
    "model": "minimax/music-cover",
    "lyrics": None,
    "reference_audio_url": RECORDING,
    "audio_setting": {"sample_rate": 32000, "format": "wav"},
}
NEWEST = {"model": "minimax/music-2.6"}


def error(answer: Answer) -> tuple[int, int]:
    body = json.loads(answer.body)
    assert set(body) == {"message", "path", "requestId", "statusCode", "timestamp"}
    assert body["path"] == "/v2/generate/audio"
    return answer.status, int(body["statusCode"])


@pytest.mark.parametrize("key", [None, "another"])
def test_a_create_with_a_wrong_key_is_401(aimlapi: Provider, key: str | None) -> None:
    assert error(aimlapi.request("POST", aimlapi.path, aimlapi.body(), key=key)) == (401, 401)


def test_a_poll_with_another_key_finds_no_task(aimlapi: Provider) -> None:
    target = f"/v2/generate/audio?generation_id={create(aimlapi)}"
    assert error(aimlapi.request("GET", target, key="another")) == (404, 404)
    assert error(aimlapi.request("GET", target, key=None)) == (401, 401)
    assert aimlapi.request("GET", target).status == 200


@pytest.mark.parametrize(("query", "status"), [("", 400), ("?generation_id=", 400), ("?generation_id=none", 404)])
def test_a_poll_without_a_known_task_is_refused(aimlapi: Provider, query: str, status: int) -> None:
    assert error(aimlapi.request("GET", f"/v2/generate/audio{query}")) == (status, status)


@pytest.mark.parametrize(
    "changes",
    [
        {"model": None}, {"prompt": None}, {"prompt": "x" * 9}, {"prompt": "x" * 2001}, {"prompt": 7},
        {"lyrics": None}, {"lyrics": "x" * 9}, {"lyrics": "x" * 3001}, {"music_length_ms": 10000},
        {"audio_setting": {"sample_rate": 44100}}, {"audio_setting": {"audio_sample_rate": 48000}},
        {"audio_setting": {"bitrate": 1}}, {"audio_setting": {"format": "ogg"}},
    ],
)  # fmt: skip
def test_a_bad_parameter_is_400(aimlapi: Provider, changes: dict[str, object]) -> None:
    assert error(aimlapi.order(**changes)) == (400, 400)


@pytest.mark.parametrize(
    "changes",
    [
        {**NEWEST, "prompt": "x" * 2001}, {**NEWEST, "lyrics": "x" * 3001}, {**NEWEST, "is_instrumental": "yes"},
        {"is_instrumental": True}, {"lyrics_optimizer": True}, {"model": "minimax/music-1.5", "prompt": "x" * 301},
        {**ELEVEN, "lyrics": "rain on glass"}, {**ELEVEN, "audio_setting": {}}, {**ELEVEN, "prompt": "x" * 2001},
        {**ELEVEN, "prompt": None}, {**ELEVEN, "music_length_ms": 9999}, {**ELEVEN, "music_length_ms": 300001},
        {**LYRIA, "prompt": None}, {**LYRIA, "format": "mp3"}, {**LYRIA, "seed": "7"},
        {**STABLE, "seconds_total": 48}, {**STABLE, "seconds_total": 0}, {**STABLE, "lyrics": "rain on glass"},
        {**LEGACY, "prompt": "Rain on glass"}, {**LEGACY, "prompt": "##Rain"}, {**LEGACY, "prompt": "####"},
        {**LEGACY, "prompt": f"##{'x' * 597}##"}, {**LEGACY, "reference_audio_url": None},
        {**LEGACY, "lyrics": "rain on glass"}, {**LEGACY, "audio_setting": {}},
        {**LEGACY, "reference_audio_url": "ftp://127.0.0.1/a.wav"},
        {**LEGACY, "reference_audio_url": "http://127.0.0.1/nothing.wav"},
        {**COVER, "reference_audio_url": None}, {**COVER, "prompt": "x" * 9}, {**COVER, "lyrics": "x" * 9},
        {**COVER, "audio_setting": {"audio_sample_rate": 44100}}, {**COVER, "is_instrumental": False},
        {**COVER, "reference_audio_url": "http://127.0.0.1:8000/short.wav"},
    ],
)  # fmt: skip
def test_what_a_model_does_not_take_is_400_and_costs_nothing(aimlapi: Provider, changes: dict[str, object]) -> None:
    aimlapi.recordings[RECORDING] = wav_file(16)
    aimlapi.recordings["http://127.0.0.1:8000/short.wav"] = wav_file(5.9)
    assert error(aimlapi.order(**changes)) == (400, 400)
    assert aimlapi.bill["charged"] == 0


@pytest.mark.parametrize(
    ("changes", "usd"),
    [
        ({"model": "minimax/music-1.5"}, 0.195), (NEWEST, 0.195), ({**NEWEST, "prompt": None, "lyrics": None}, 0.195),
        ({**NEWEST, "lyrics": None, "is_instrumental": True}, 0.195), (ELEVEN, 1.04 * 4 / 60),
        ({**ELEVEN, "music_length_ms": 10000}, 1.04 / 6), (LYRIA, 0.195),
        ({**LYRIA, "negative_prompt": "drums", "seed": 7}, 0.195), (STABLE, 0.195),
        ({**STABLE, "seconds_total": 47, "steps": 100}, 0.195), (LEGACY, 0.0315),
        ({**LEGACY, "reference_audio_url": "https://elsewhere.test/a.mp3"}, 0.0315),
    ],
)  # fmt: skip
def test_every_model_makes_a_song_at_its_price(aimlapi: Provider, changes: dict[str, object], usd: float) -> None:
    aimlapi.recordings[RECORDING] = wav_file(16)
    created = json.loads(aimlapi.order(**changes).body)
    assert created["meta"]["usage"] == {"credits_used": int(usd * 2_000_000), "usd_spent": pytest.approx(usd)}
    aimlapi.clock.now += aimlapi.latency_s
    found = poll(aimlapi, created["id"])["audio_file"]
    file = aimlapi.file(found["url"])
    assert miniaudio.decode(file.body).duration >= 4
    assert file.content_type == ("audio/wav" if changes.get("model") == "google/lyria2" else "audio/mpeg")
    assert (aimlapi.bill["charged"], aimlapi.bill["usd"]) == (1, pytest.approx(usd))


@pytest.mark.parametrize(
    ("recording", "reason"),
    [
        (wav_file(15), "found 15.0 s"),
        (wav_file(601, 8000), "found 601.0 s"),
        (b"no audio" * 200, "expected wav or mp3"),
    ],
    ids=["not longer than 15 s", "longer than 10 min", "no audio"],
)
def test_the_recording_behind_the_link_is_looked_at_before_any_work(
    aimlapi: Provider, recording: bytes, reason: str
) -> None:
    aimlapi.recordings[RECORDING] = recording
    answer = aimlapi.order(**LEGACY)
    assert error(answer) == (400, 400)
    assert reason in json.loads(answer.body)["message"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff"])
def test_a_body_that_is_no_request_is_400(aimlapi: Provider, body: bytes) -> None:
    assert error(aimlapi.request("POST", aimlapi.path, body)) == (400, 400)


def test_an_unknown_model_is_404(aimlapi: Provider) -> None:
    assert error(aimlapi.order(model="minimax/music-0.1")) == (404, 404)


@pytest.mark.parametrize("status", [403, 429, 500, 504])
@pytest.mark.parametrize("place", ["create", "poll"])
def test_http_errors_have_the_vendors_shape(aimlapi: Provider, status: int, place: str) -> None:
    target = f"/v2/generate/audio?generation_id={create(aimlapi)}"
    aimlapi.fault(f"http:{status}", on=place)
    answer = aimlapi.order() if place == "create" else aimlapi.request("GET", target)
    assert error(answer) == (status, status)


def test_a_status_word_replaces_the_real_one(aimlapi: Provider) -> None:
    task = create(aimlapi)
    aimlapi.fault("status_word:waiting")
    assert [poll(aimlapi, task)["status"] for _ in range(2)] == ["waiting", "queued"]


def test_the_status_word_error_comes_with_a_reason(aimlapi: Provider) -> None:
    task = create(aimlapi)
    aimlapi.fault("status_word:error")
    answer = poll(aimlapi, task)
    assert answer["status"] == "error"
    assert set(answer["error"]) == {"name", "message"}


def test_a_planted_link_waits_for_the_poll_that_shows_one(aimlapi: Provider) -> None:
    task = create(aimlapi)
    aimlapi.fault("link:http://10.0.0.1/x")
    assert "audio_file" not in poll(aimlapi, task)
    aimlapi.clock.now += aimlapi.latency_s
    urls = [poll(aimlapi, task)["audio_file"]["url"] for _ in range(2)]
    assert urls[0] == "http://10.0.0.1/x"
    assert urls[1].startswith("http://simulator.test/files/")


@pytest.mark.parametrize("place", ["create", "poll"])
def test_a_hint_adds_fields_with_a_canary(aimlapi: Provider, place: str) -> None:
    task = create(aimlapi)
    aimlapi.fault("hint", on=place)
    body = json.loads(aimlapi.order().body) if place == "create" else poll(aimlapi, task)
    assert "canary" in body["_memory_hint"]


@pytest.mark.parametrize("seconds", [6, 360])
def test_a_cover_is_made_after_six_seconds_to_six_minutes(aimlapi: Provider, seconds: int) -> None:
    aimlapi.recordings[RECORDING] = wav_file(seconds, 8000)
    assert aimlapi.order(**COVER).status == 201
    assert aimlapi.order(**{**COVER, "lyrics": "rain on glass"}).status == 201


@pytest.mark.parametrize(("key", "status"), [("another", 401), (None, 401), (KEY, 404)])
def test_a_task_that_does_not_exist_tells_a_known_key_from_others(
    aimlapi: Provider, key: str | None, status: int
) -> None:
    assert aimlapi.request("GET", "/v2/generate/audio?generation_id=no-such-task", key=key).status == status
