"""MiniMax's covers: the free reading of a recording, and the ids that it returns."""

import base64
import json
from collections.abc import Mapping

import pytest

from local.simulators.http.exchange import Answer
from tests.songs import wav_file
from tests.unit.local.simulators.offline import KEY, Provider

PATH = "/v1/music_cover_preprocess"
SOURCE = {"audio_base64": base64.b64encode(wav_file(7)).decode()}


def status_code(answer: Answer) -> int:
    return int(json.loads(answer.body)["base_resp"]["status_code"])


def read(minimax: Provider, changes: Mapping[str, object] = {}, key: str | None = KEY) -> Answer:
    body = {"model": "music-cover", **SOURCE, **changes}
    return minimax.request("POST", PATH, {name: each for name, each in body.items() if each is not None}, key=key)


def test_a_recording_that_was_read_is_covered_by_its_id(minimax: Provider) -> None:
    answer = read(minimax)
    feature = json.loads(answer.body)["cover_feature_id"]
    assert (status_code(answer), answer.charged, minimax.bill["posts"]) == (0, False, 0)
    assert status_code(minimax.order(model="music-cover", cover_feature_id=feature)) == 0


def test_an_id_that_nobody_was_given_is_2013_and_so_is_one_after_a_reset(minimax: Provider) -> None:
    feature = json.loads(read(minimax).body)["cover_feature_id"]
    assert status_code(minimax.order(model="music-cover", cover_feature_id=feature[::-1])) == 2013
    minimax.request("POST", "/_sim/reset", {}, key=None)
    assert status_code(minimax.order(model="music-cover", cover_feature_id=feature)) == 2013


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"audio_base64": "%%"}, "audio_base64: expected base64"),
        ({"audio_base64": "AAAA"}, "audio_base64: expected mp3 or wav or flac"),
        ({"audio_base64": base64.b64encode(wav_file(3)).decode()}, "audio_base64: expected at least 6 s and at most"),
        ({"audio_url": "http://127.0.0.1:1/missing.wav", "audio_base64": None}, "audio_url: could not be fetched"),
        ({"audio_base64": None}, "audio_url, audio_base64: expected one of them"),
        ({"audio_url": "https://a.test/a.wav"}, "audio_url, audio_base64: expected one of them"),
        ({"model": "music-2.6"}, "model: expected music-cover or music-cover-free"),
        ({"lyrics": "la"}, "lyrics: unknown field"),
    ],
)
def test_a_bad_recording_is_2013(minimax: Provider, changes: dict[str, object], reason: str) -> None:
    message = json.loads(read(minimax, changes).body)["base_resp"]["status_msg"]
    assert message.startswith(f"invalid params, {reason}")


def test_a_recording_in_the_order_itself_is_looked_at_as_well(minimax: Provider) -> None:
    assert status_code(minimax.order(model="music-cover", **SOURCE)) == 0
    assert status_code(minimax.order(model="music-cover", audio_base64="AAAA")) == 2013


def test_a_wrong_key_reads_nothing(minimax: Provider) -> None:
    assert status_code(read(minimax, key="another")) == 1004


def test_a_free_model_costs_nothing_and_counts_as_a_song(minimax: Provider) -> None:
    assert status_code(minimax.order(model="music-cover-free", **SOURCE)) == 0
    assert status_code(minimax.order(model="music-2.6-free")) == 0
    assert (minimax.bill["charged"], minimax.bill["usd"]) == (2, 0)


@pytest.mark.parametrize(("model", "code"), [("music-cover", 0), ("music-2.6", 2013)])
def test_a_seed_belongs_to_covers(minimax: Provider, model: str, code: int) -> None:
    source = SOURCE if code == 0 else {}
    assert status_code(minimax.order(model=model, seed=7, **source)) == code


@pytest.mark.parametrize(("changes", "channels"), [({}, 2), ({"channel": 1}, 1), ({"channel": 2}, 2)])
@pytest.mark.parametrize("container", ["mp3", "wav", "pcm"])
def test_a_song_has_the_channels_that_were_ordered(
    minimax: Provider, changes: dict[str, int], channels: int, container: str
) -> None:
    body = json.loads(minimax.order(audio_setting={"format": container, "bitrate": 64000, **changes}).body)
    facts, size = body["extra_info"], len(body["data"]["audio"]) // 2
    assert facts["music_channel"] == channels
    if container == "pcm":
        assert size == pytest.approx(facts["music_duration"] / 1000 * 44100 * 2 * channels, rel=0.01)


def test_every_answer_has_its_trace_id_in_the_header_that_clients_print(minimax: Provider) -> None:
    voices = {"voice_type": "system"}
    answers = [
        minimax.order(), minimax.order(prompt="x"), minimax.order(model=3), minimax.speak(), minimax.speak(text=""),
        read(minimax), read(minimax, key=None), minimax.request("POST", "/v1/get_voice", voices),
        minimax.request("POST", minimax.path, b"{"), minimax.request("POST", minimax.path, {}, key="another"),
    ]  # fmt: skip
    assert [answer.headers["Trace-Id"] for answer in answers] == [
        json.loads(answer.body)["trace_id"] for answer in answers
    ]


def test_a_link_comes_under_both_names_that_clients_read(minimax: Provider) -> None:
    data = json.loads(minimax.order(output_format="url").body)["data"]
    assert data["audio"] == data["audio_url"]
    assert "audio_url" not in json.loads(minimax.order().body)["data"]
