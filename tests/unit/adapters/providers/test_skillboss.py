"""SkillBoss's dialect: what it sends, and every code means what the provider's documentation says."""

import json
from dataclasses import replace
from typing import Final

import pytest
from pydantic import JsonValue

from fermata.adapters.providers import load_provider
from fermata.domain.audio.answer_scanner import AnswerScanner
from fermata.domain.audio.text_decoder import AudioTextDecoder
from fermata.domain.providers.calls import SongOrder
from fermata.errors import ConfigurationError
from tests.fixtures.http_answers import answer_with, read_body
from tests.fixtures.kept_answers import LINK, failure_in, failure_of, summary
from tests.fixtures.meanings.skillboss import SONG, UNKNOWN_200

SKILLBOSS = load_provider("skillboss")

ORDER: Final = SongOrder(
    upstream_model="minimax_voice/music-2.5",
    prompt="indie folk",
    lyrics="[Verse]\nRain",
    instrumental=False,
    auto_lyrics=False,
    audio_format="mp3",
    sample_rate=44100,
    bitrate=256000,
    delivery="url",
)


@pytest.mark.parametrize("name", ["minimax_body_with_hex", "result_minimax_body_with_hex"])
def test_the_hex_of_a_minimax_body_is_the_song_at_either_depth(name: str) -> None:
    decoder = AudioTextDecoder()
    song = decoder.feed(AnswerScanner().feed(read_body("skillboss", name))) + decoder.close()
    assert song.startswith(b"ID3")


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        (400, ("invalid_request", "no")),
        (401, ("auth", "no")),
        (402, ("out_of_credit", "no")),
        (429, ("rate_limited", "no")),
        (500, ("transient", "unknown")),
        (503, ("transient", "no")),
    ],
)
def test_each_documented_status_means_the_same_inside_200(code: int, meaning: tuple[str, str]) -> None:
    body = json.dumps({"code": code, "message": "words"}).encode()
    for status in (200, code):
        failure = failure_in(SKILLBOSS.read_start(answer_with(body, status)))
        assert (failure.failure_class.value, failure.provider_charged.value, failure.code) == (*meaning, str(code))
        assert "words" in failure.message


@pytest.mark.parametrize("code", [None, True, 0, 1, 200, 399, "", "ok", [], {}, 0.5])
def test_a_code_that_is_no_error_code_does_not_hide_the_song(code: JsonValue) -> None:
    body = {"code": code, "message": "success", "outputs": [{"url": LINK}]}
    assert SKILLBOSS.read_start(answer_with(json.dumps(body).encode())) == SONG


@pytest.mark.parametrize(
    "place", [{"outputs": "x"}, {"outputs": {"link": LINK}}, {"docs": LINK}, {"output": {"a": 1}}, {"audio": "00ff"}]
)
def test_a_link_at_a_name_that_says_nothing_of_a_song_is_not_guessed(place: JsonValue) -> None:
    assert summary(SKILLBOSS.read_start(answer_with(json.dumps(place).encode()))) == UNKNOWN_200


def test_a_requested_pause_is_passed_on() -> None:
    assert failure_of("skillboss", "http_429").retry_after_s == 17
    assert failure_of("skillboss", "http_429_empty_body").retry_after_s == 30


def test_a_link_in_a_field_for_software_agents_is_never_taken() -> None:
    body = {"_tip": LINK, "outputs": [{"_url": LINK}], "result": {"_memory_hint": {"audio_url": LINK}}}
    assert summary(SKILLBOSS.read_start(answer_with(json.dumps(body).encode()))) == UNKNOWN_200


def test_the_paid_call_carries_the_order_and_forbids_another_model() -> None:
    call = SKILLBOSS.start_call(ORDER)
    assert (call.method, call.path, dict(call.query)) == ("POST", "/v1/run", {})
    assert call.body == {
        "model": "minimax_voice/music-2.5",
        "inputs": {"lyrics": "[Verse]\nRain", "prompt": "indie folk"},
        "auto_fallback": False,
    }


def test_an_absent_prompt_is_not_sent() -> None:
    body = SKILLBOSS.start_call(replace(ORDER, prompt="")).body
    assert body is not None
    assert body["inputs"] == {"lyrics": "[Verse]\nRain"}


def test_there_is_nothing_to_poll() -> None:
    assert SKILLBOSS.blocking
    with pytest.raises(ConfigurationError):
        SKILLBOSS.poll_call("task")
    with pytest.raises(ConfigurationError):
        SKILLBOSS.read_poll(answer_with(b"{}"))
