"""The dialect of MiniMax."""

import json

import miniaudio
import pytest

from local.simulators.http.exchange import Answer
from tests.songs import wav_file
from tests.unit.local.simulators.offline import KEY, Provider

INSTRUMENTAL: dict[str, object] = {"model": "music-2.6", "lyrics": None, "is_instrumental": True}


def status_code(answer: Answer) -> int:
    return int(json.loads(answer.body)["base_resp"]["status_code"])


def test_a_song_comes_as_documented(minimax: Provider) -> None:
    answer = minimax.order()
    body = json.loads(answer.body)
    content = bytes.fromhex(body["data"]["audio"])
    assert (answer.status, answer.after_s, body["data"]["status"]) == (200, minimax.latency_s, 2)
    assert list(body) == ["data", "trace_id", "extra_info", "analysis_info", "base_resp"]
    assert body["base_resp"] == {"status_code": 0, "status_msg": "success"}
    assert body["extra_info"]["music_size"] == len(content)
    assert abs(miniaudio.decode(content).duration * 1000 - body["extra_info"]["music_duration"]) <= 50


def test_a_song_comes_as_a_link_on_request(minimax: Provider) -> None:
    hexed = json.loads(minimax.order().body)["data"]["audio"]
    link = json.loads(minimax.order(output_format="url").body)["data"]["audio"]
    file = minimax.file(link)
    assert (file.status, file.content_type, file.body.hex()) == (200, "audio/mpeg", hexed)


def test_audio_settings_are_followed(minimax: Provider) -> None:
    setting = {"sample_rate": 32000, "bitrate": 64000, "format": "mp3"}
    info = json.loads(minimax.order(audio_setting=setting).body)["extra_info"]
    assert (info["music_sample_rate"], info["bitrate"], info["music_channel"]) == (32000, 64000, 2)


@pytest.mark.parametrize(("container", "start"), [("wav", b"RIFF"), ("mp3", b"\xff"), ("pcm", b"")])
def test_every_documented_container_is_served(minimax: Provider, container: str, start: bytes) -> None:
    body = json.loads(minimax.order(audio_setting={"format": container}).body)
    assert bytes.fromhex(body["data"]["audio"]).startswith(start)


@pytest.mark.parametrize("key", [None, "another", ""])
def test_a_wrong_key_is_1004(minimax: Provider, key: str | None) -> None:
    answer = minimax.request("POST", minimax.path, minimax.body(), key=key)
    assert (answer.status, status_code(answer), json.loads(answer.body)["data"]) == (200, 1004, None)


@pytest.mark.parametrize(("key", "code"), [("right", 0), (None, 1004), ("another", 1004)])
def test_voices_are_listed_for_a_known_key(minimax: Provider, key: str | None, code: int) -> None:
    sent = KEY if key == "right" else key
    answer = minimax.request("POST", "/v1/get_voice", {"voice_type": "system"}, key=sent)
    assert (answer.status, status_code(answer), answer.charged) == (200, code, False)
    assert ("system_voice" in json.loads(answer.body)) is (code == 0)


@pytest.mark.parametrize("body", [{}, {"voice_type": "loud"}, [], b"{"])
def test_other_lists_of_voices_are_invalid(minimax: Provider, body: object) -> None:
    assert status_code(minimax.request("POST", "/v1/get_voice", body)) == 2013


@pytest.mark.parametrize(
    "changes",
    [
        {"model": None}, {"model": 3}, {"model": "speech-02"}, {"prompt": None}, {"prompt": "x" * 9},
        {"prompt": "x" * 2001},
        {"lyrics": None}, {"lyrics": "x" * 9}, {"lyrics": "x" * 3001}, {"lyrics": ["la"]}, {"stream": "yes"},
        {"output_format": "mp3"}, {"stream": True, "output_format": "url"}, {"stream": True, "aigc_watermark": True},
        {"audio_setting": {"sample_rate": 48000}}, {"audio_setting": {"bitrate": 60000}},
        {"audio_setting": {"format": "ogg"}},
        {"audio_setting": {"audio_sample_rate": 44100}}, {"audio_setting": "mp3"}, {"duration": 30},
        {"is_instrumental": True}, {"lyrics_optimizer": True}, {"audio_url": "https://a.test/a.mp3"},
        {"model": "music-1.5", "prompt": "x" * 301}, {"model": "music-1.5", "prompt": None},
        {"model": "music-2.5", "lyrics": None}, {"model": "music-2.5", "lyrics": "x" * 3501},
        {"model": "music-2.5", "prompt": "x" * 2001}, {"model": "music-2.5", "is_instrumental": True},
        {**INSTRUMENTAL, "prompt": None}, {"model": "music-2.6", "lyrics": None},
        {"model": "music-cover"}, {"model": "music-cover", "lyrics": "x" * 1001, "audio_url": "https://a.test/a.mp3"},
        {"model": "music-cover", "audio_url": "https://a.test/a.mp3", "audio_base64": "AAAA"},
    ],
)  # fmt: skip
def test_a_bad_parameter_is_2013_inside_200(minimax: Provider, changes: dict[str, object]) -> None:
    answer = minimax.order(**changes)
    assert (answer.status, status_code(answer)) == (200, 2013)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b'{"model": NaN}', b"[" * 100_000])
def test_a_body_that_is_no_request_is_2013(minimax: Provider, body: bytes) -> None:
    assert status_code(minimax.request("POST", minimax.path, body)) == 2013


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "music-1.5", "prompt": "x" * 300}, {"prompt": "x" * 2000}, {"lyrics": "x" * 3000},
        {"prompt": "🎵" * 2000},
        {"model": "music-2.5", "prompt": None}, {"model": "music-2.5", "lyrics": "x"},
        {"model": "music-2.5", "lyrics": None, "lyrics_optimizer": True}, INSTRUMENTAL, {"model": "music-9.9"},
        {"model": "music-2.5+", "lyrics": "x" * 3500},
        {"model": "music-cover", "lyrics": None, "audio_url": "https://a.test/a.mp3"},
    ],
)  # fmt: skip
def test_a_request_at_its_limits_is_served(minimax: Provider, changes: dict[str, object]) -> None:
    assert status_code(minimax.order(**changes)) == 0


@pytest.mark.parametrize(("seconds", "code"), [(5.9, 2013), (6, 0)])
def test_the_recording_of_a_cover_is_looked_at_where_it_is_on_this_machine(
    minimax: Provider, seconds: float, code: int
) -> None:
    minimax.recordings["http://127.0.0.1:8000/a.wav?b=%2F"] = wav_file(seconds)
    assert status_code(minimax.order(model="music-cover", audio_url="http://127.0.0.1:8000/a.wav?b=%2F")) == code
    assert status_code(minimax.order(model="music-cover", audio_url="http://127.0.0.1:8000/a.wav?b=/")) == 2013


def test_a_reason_names_the_field_and_never_its_value(minimax: Provider) -> None:
    message = json.loads(minimax.order(lyrics="secret").body)["base_resp"]["status_msg"]
    assert message == "invalid params, lyrics: expected 10 to 3000 characters, found 6"


@pytest.mark.parametrize(("code", "status"), [(1002, 200), (2013, 200), (999999, 200), (2153, 410)])
def test_a_code_comes_inside_200_and_a_closed_account_as_410(minimax: Provider, code: int, status: int) -> None:
    minimax.fault(f"code:{code}")
    answer = minimax.order()
    assert (answer.status, status_code(answer)) == (status, code)


@pytest.mark.parametrize(
    ("status", "code"), [(401, 1004), (402, 1008), (429, 1002), (410, 2153), (500, None), (502, None), (404, None)]
)
def test_an_http_error_has_a_body_where_a_code_is_documented(minimax: Provider, status: int, code: int | None) -> None:
    minimax.fault(f"http:{status}")
    answer = minimax.order()
    assert answer.status == status
    assert (b"base_resp" in answer.body) == (code is not None)
    assert code is None or status_code(answer) == code


@pytest.mark.parametrize("asked", ["hex", "url"])
def test_hex_faults_show_in_every_output_format(minimax: Provider, asked: str) -> None:
    whole = json.loads(minimax.order().body)["data"]["audio"]
    shown = {}
    for fault in ("odd_hex", "upper_hex", "not_hex", "status1"):
        minimax.fault(fault)
        shown[fault] = json.loads(minimax.order(output_format=asked).body)["data"]
    assert len(shown["odd_hex"]["audio"]) == len(whole) - 1
    assert shown["upper_hex"]["audio"] == whole.upper() != whole
    assert len(shown["not_hex"]["audio"]) == len(whole)
    assert "zz" in shown["not_hex"]["audio"]
    assert (shown["status1"]["status"], shown["odd_hex"]["status"]) == (1, 2)
    assert whole.startswith(shown["status1"]["audio"])
    assert len(shown["status1"]["audio"]) < len(whole)


def test_not_audio_is_text_in_hex_and_behind_a_link(minimax: Provider) -> None:
    minimax.fault("not_audio", times=2)
    text = bytes.fromhex(json.loads(minimax.order().body)["data"]["audio"])
    linked = minimax.file(json.loads(minimax.order(output_format="url").body)["data"]["audio"])
    assert text == linked.body
    assert text.decode().startswith("This is not a song")
    assert (linked.status, linked.content_type) == (200, "audio/mpeg")


def test_a_planted_link_stands_where_the_audio_would(minimax: Provider) -> None:
    minimax.fault("link:http://10.0.0.1/x?y=%2F")
    assert json.loads(minimax.order().body)["data"]["audio"] == "http://10.0.0.1/x?y=%2F"


def test_a_hint_adds_fields_with_a_canary_to_a_whole_song(minimax: Provider) -> None:
    minimax.fault("hint")
    body = json.loads(minimax.order().body)
    assert "canary" in body["_memory_hint"]
    assert body["base_resp"]["status_code"] == 0


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/music_generation"), ("POST", "/v1/other"), ("GET", "/")])
def test_another_route_is_404_and_no_post(minimax: Provider, method: str, path: str) -> None:
    assert minimax.request(method, path).status == 404
    assert minimax.bill["posts"] == 0
