"""The simulated MiniMax speaks as its page says."""

import json

import miniaudio
import pytest

from tests.unit.local.simulators.offline import SPOKEN, Json, Provider
from tests.unit.local.simulators.streams.test_minimax_stream import events_of

VOICE = {"voice_setting": {"voice_id": "Wise_Woman"}}


def told(minimax: Provider, **changes: object) -> Json:
    parsed: Json = json.loads(minimax.speak(**changes).body)
    return parsed


def test_the_answer_has_the_audio_as_hex_and_counts_the_characters(minimax: Provider) -> None:
    body = told(minimax)
    audio = bytes.fromhex(body["data"]["audio"])
    assert miniaudio.decode(audio).duration == pytest.approx(len(SPOKEN) / 15, abs=0.2)
    assert body["extra_info"]["usage_characters"] == len(SPOKEN)
    assert (body["data"]["status"], body["base_resp"]["status_code"]) == (2, 0)


@pytest.mark.parametrize("characters", [1, 300, 900])
def test_the_audio_is_as_long_as_the_text(minimax: Provider, characters: int) -> None:
    audio = bytes.fromhex(told(minimax, text="x" * characters)["data"]["audio"])
    assert miniaudio.decode(audio).duration == pytest.approx(max(1.0, characters / 15), rel=0.03, abs=0.2)


def test_a_link_leads_to_the_file(minimax: Provider) -> None:
    link = told(minimax, output_format="url", audio_setting={"format": "wav"})["data"]["audio"]
    assert minimax.file(link).body.startswith(b"RIFF")


def test_subtitles_lie_behind_a_link_and_cover_the_text(minimax: Provider) -> None:
    assert "subtitle_file" not in told(minimax)["data"]
    entries = json.loads(minimax.file(told(minimax, subtitle_enable=True)["data"]["subtitle_file"]).body)
    assert [entry["text"] for entry in entries] == ["A sentence that is spoken.", "And one more."]
    assert (entries[0]["text_begin"], entries[-1]["text_end"]) == (0, len(SPOKEN))


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "music-2.5"},
        {"model": None},
        {"text": ""},
        {"text": "x" * 10_000},
        {"voice_setting": None},
        {"voice_setting": {"speed": 1}},
        {"voice_setting": {"voice_id": "Wise_Woman", "speed": 3}},
        {"voice_setting": {"voice_id": "Wise_Woman", "emotion": "odd"}},
        {"audio_setting": {"sample_rate": 48000}},
        {"stream": "yes"},
        {"stream": True, "stream_options": {"exclude_aggregated_audio": "true"}},
        {"unknown": 1},
    ],
)
def test_a_wrong_field_is_an_invalid_parameter_and_free(minimax: Provider, changes: dict[str, object]) -> None:
    assert told(minimax, **changes)["base_resp"]["status_code"] == 2013
    assert minimax.bill["charged"] == 0


def test_a_stream_counts_the_characters_and_repeats_the_file_unless_told_not_to(minimax: Provider) -> None:
    whole = bytes.fromhex(told(minimax)["data"]["audio"])
    for options, last_audio in (({"exclude_aggregated_audio": True}, b""), ({}, whole)):
        answer = minimax.speak(stream=True, stream_options=options)
        *parts, (last, status) = events_of(answer)
        assert b"".join(audio for audio, _ in parts) == whole
        assert ({each for _, each in parts}, last, status) == ({1}, last_audio, 2)
        info = json.loads(answer.body.splitlines()[-2].removeprefix(b"data: "))["extra_info"]
        assert (info["usage_characters"], info["audio_size"]) == (len(SPOKEN), len(whole))


def test_a_fault_of_streams_waits_for_a_stream_of_speech(minimax: Provider) -> None:
    minimax.fault("stream_empty")
    assert told(minimax)["data"]["status"] == 2
    answer = minimax.speak(stream=True)
    assert (answer.body, answer.content_type, answer.charged) == (b"", "text/event-stream", True)


def test_a_body_that_is_no_json_and_a_wrong_key_are_refused(minimax: Provider) -> None:
    assert minimax.json("POST", "/v1/t2a_v2", b"{")["base_resp"]["status_code"] == 2013
    assert minimax.json("POST", "/v1/t2a_v2", {}, key="another")["base_resp"]["status_code"] == 1004
    assert minimax.json("POST", "/v1/get_voice", {}, key="another")["base_resp"]["status_code"] == 1004


def test_a_fault_named_in_the_text_happens(minimax: Provider) -> None:
    assert told(minimax, text="A text. [[fault:code:2042]]")["base_resp"]["status_code"] == 2042
    assert told(minimax, text="A text. [[fault:status1]]")["data"]["status"] == 1
    assert told(minimax, text="A text. [[fault:link:http://127.0.0.1:9/]]")["data"]["audio"] == "http://127.0.0.1:9/"


def test_the_voices_are_listed_for_free(minimax: Provider) -> None:
    listed = minimax.json("POST", "/v1/get_voice", {"voice_type": "system"})
    assert {voice["voice_id"] for voice in listed["system_voice"]} == {"Wise_Woman", "Simulated_Newcomer"}
    assert minimax.bill["posts"] == 0
    minimax.fault("http:503", on="poll")
    assert minimax.request("POST", "/v1/get_voice", {"voice_type": "system"}).status == 503
