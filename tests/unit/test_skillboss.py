"""SkillBoss's dialect: every kept answer and every code means what the provider's documentation says."""

import json
from dataclasses import replace
from typing import Final

import pytest
from pydantic import JsonValue

from fermata.adapters.providers import load_provider
from fermata.domain.answer_scanner import AnswerScanner
from fermata.domain.failures import MESSAGE_LIMIT, Failure
from fermata.domain.hex_decoder import HexDecoder
from fermata.domain.upstream import AudioAt, AudioInAnswer, AudioIsAnswer, Refused, SongOrder, StartOutcome
from fermata.errors import ConfigurationError
from tests.fixtures.http_answers import answer_names, answer_with, read_answer, read_body

SKILLBOSS = load_provider("skillboss")

LINK: Final = "https://cdn.example.com/music/2026%2F11%2F21/song.mp3?Expires=1795334400&Signature=a%2Fb%2Bc%3D&x=1~2"
SONG: Final = AudioAt(LINK)
HEX: Final = AudioInAnswer()
FILE: Final = AudioIsAnswer()
UNKNOWN_200: Final = ("unknown_outcome", "unknown", "http_200")
INCOMPLETE: Final = ("incomplete", "unknown", "http_200")

Verdict = tuple[str, str, str]
SHAPES: Final[dict[str, AudioInAnswer | AudioAt]] = {
    "outputs_of_objects": SONG,
    "outputs_of_strings": SONG,
    "outputs_first_without_url": SONG,
    "audio_url": SONG,
    "output_is_a_url": SONG,
    "audio_is_a_url": SONG,
    "data_of_objects": SONG,
    "minimax_body_with_url": SONG,
    "minimax_body_with_audio_url": SONG,
    "minimax_body_with_hex": HEX,
    "list_of_urls": SONG,
}
MEANINGS: Final[dict[str, StartOutcome | Verdict]] = {
    **SHAPES,
    **{f"result_{name}": meaning for name, meaning in SHAPES.items()},
    "result_is_a_url": SONG,
    "outputs_before_every_other_place": SONG,
    "url_with_escaped_slashes": SONG,
    "code_200_beside_the_song": SONG,
    "memory_hint_beside_the_song": SONG,
    "raw_audio_mpeg": FILE,
    "raw_octet_stream": FILE,
    "raw_wav": FILE,
    "raw_without_content_type": FILE,
    "raw_but_no_audio": UNKNOWN_200,
    "raw_but_empty": UNKNOWN_200,
    "http_400": ("invalid_request", "no", "400"),
    "http_401": ("auth", "no", "401"),
    "http_402": ("out_of_credit", "no", "402"),
    "http_403": ("unknown_outcome", "unknown", "403"),
    "http_404": ("unknown_outcome", "unknown", "404"),
    "http_422": ("invalid_request", "no", "422"),
    "http_429": ("rate_limited", "no", "429"),
    "http_500": ("transient", "unknown", "500"),
    "http_502": ("unknown_outcome", "unknown", "502"),
    "http_503": ("transient", "no", "503"),
    "http_504": ("unknown_outcome", "unknown", "504"),
    "http_401_error_text": ("auth", "no", "http_401"),
    "http_402_error_object": ("out_of_credit", "no", "http_402"),
    "http_429_empty_body": ("rate_limited", "no", "http_429"),
    "http_503_without_code": ("transient", "no", "http_503"),
    "code_402_inside_200": ("out_of_credit", "no", "402"),
    "code_401_as_string": ("auth", "no", "401"),
    "code_503_inside_200": ("transient", "no", "503"),
    "code_500_beside_a_link": ("transient", "unknown", "500"),
    "code_402_under_result": ("out_of_credit", "no", "402"),
    "code_418_inside_200": ("unknown_outcome", "unknown", "418"),
    "code_40001_inside_200": ("provider_error", "unknown", "40001"),
    "code_429_http_500": ("rate_limited", "no", "429"),
    "code_500_http_429": ("rate_limited", "no", "500"),
    "memory_hint_beside_a_failure": ("out_of_credit", "no", "402"),
    "minimax_1026": ("content_refused", "no", "1026"),
    "result_minimax_1008": ("out_of_credit", "no", "1008"),
    "minimax_unlisted_code": ("provider_error", "unknown", "9999"),
    "minimax_status_1": INCOMPLETE,
    "result_minimax_status_1": INCOMPLETE,
    "minimax_success_without_audio": INCOMPLETE,
    "error_inside_200": ("provider_error", "unknown", "http_200"),
    "only_a_message": UNKNOWN_200,
    "outputs_empty": UNKNOWN_200,
    "outputs_without_links": UNKNOWN_200,
    "image_and_video_urls_only": UNKNOWN_200,
    "empty_object": UNKNOWN_200,
    "empty_list": UNKNOWN_200,
    "json_text": UNKNOWN_200,
    "json_null": UNKNOWN_200,
    "empty_body": UNKNOWN_200,
    "cut": UNKNOWN_200,
    "cdn_html_200": UNKNOWN_200,
    "cdn_html_401": ("unknown_outcome", "unknown", "http_401"),
    "cdn_html_429": ("rate_limited", "no", "http_429"),
    "cdn_html_500": ("unknown_outcome", "unknown", "http_500"),
    "cdn_html_502": ("unknown_outcome", "unknown", "http_502"),
    "cdn_html_503": ("unknown_outcome", "unknown", "http_503"),
    "cdn_html_504": ("unknown_outcome", "unknown", "http_504"),
    "redirect_302": ("unknown_outcome", "unknown", "http_302"),
}

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


def failure_in(outcome: StartOutcome) -> Failure:
    assert isinstance(outcome, Refused)
    return outcome.failure


def summary(outcome: StartOutcome) -> StartOutcome | Verdict:
    if isinstance(outcome, Refused):
        failure = outcome.failure
        return (failure.failure_class.value, failure.provider_charged.value, failure.code or "")
    return outcome


def read_kept(name: str) -> StartOutcome:
    return SKILLBOSS.read_start(read_answer("skillboss", name))


def test_every_kept_answer_has_a_meaning() -> None:
    assert answer_names("skillboss") == sorted(MEANINGS)


@pytest.mark.parametrize("name", MEANINGS)
def test_a_kept_answer_means(name: str) -> None:
    assert summary(read_kept(name)) == MEANINGS[name]


@pytest.mark.parametrize("name", ["minimax_body_with_hex", "result_minimax_body_with_hex"])
def test_the_hex_of_a_minimax_body_is_the_song_at_either_depth(name: str) -> None:
    decoder = HexDecoder()
    song = decoder.feed(AnswerScanner().feed(read_body("skillboss", name)))
    decoder.close()
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
    "place", [{"outputs": "x"}, {"outputs": {"url": LINK}}, {"data": LINK}, {"output": {"a": 1}}, {"audio": "00ff"}]
)
def test_a_link_at_a_place_that_nobody_documents_is_not_guessed(place: JsonValue) -> None:
    assert summary(SKILLBOSS.read_start(answer_with(json.dumps(place).encode()))) == UNKNOWN_200


def test_the_wish_to_wait_is_passed_on() -> None:
    assert failure_in(read_kept("http_429")).retry_after_s == 17
    assert failure_in(read_kept("http_429_empty_body")).retry_after_s == 30


@pytest.mark.parametrize("name", [name for name, meaning in MEANINGS.items() if isinstance(meaning, tuple)])
def test_a_message_says_what_was_expected_found_and_to_do_and_repeats_no_hint(name: str) -> None:
    message = failure_in(read_kept(name)).message
    assert message.startswith("expected ")
    assert " found " in message
    assert "; " in message
    assert len(message) <= MESSAGE_LIMIT
    assert "CANARY" not in message


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
