"""MiniMax's dialect: every code and every status means what the provider's documentation says."""

import json
from dataclasses import replace
from typing import Final

import pytest
from pydantic import JsonValue

from fermata.adapters.providers import load_provider
from fermata.domain.audio.answer_scanner import AnswerScanner
from fermata.domain.audio.text_decoder import AudioTextDecoder
from fermata.domain.providers.calls import OrderedReference, SongOrder
from fermata.domain.providers.failures import Failure, FailureClass, ProviderCharged
from fermata.errors import BadAudioError, ConfigurationError
from tests.fixtures.http_answers import answer_with, read_answer, read_body
from tests.fixtures.kept_answers import failure_in, failure_of
from tests.fixtures.meanings.minimax import HEX

MINIMAX = load_provider("minimax")

CODES: Final[dict[tuple[str, str], tuple[int, ...]]] = {
    ("transient", "unknown"): (1000, 1013, 1024, 1033),
    ("unknown_outcome", "unknown"): (1001,),
    ("rate_limited", "no"): (1002, 1039, 1041, 2045),
    ("auth", "no"): (1004, 2038, 2049),
    ("out_of_credit", "no"): (1008, 1028, 1030, 2056),
    ("content_refused", "no"): (1026,),
    ("content_refused", "unknown"): (1027,),
    ("invalid_request", "no"): (1042, 2013, 1043, 1044, 2037, 2039, 2042, 2048, 20132),
    ("not_entitled", "no"): (2044, 2061, 2153),
    ("provider_error", "unknown"): (1, -1, 999, 1003, 1025, 2000, 99999),
}

ORDER: Final = SongOrder(
    upstream_model="music-2.5",
    prompt="indie folk",
    lyrics="[Verse]\nRain",
    instrumental=False,
    auto_lyrics=False,
    audio_format="mp3",
    sample_rate=44100,
    bitrate=256000,
    delivery="hex",
)


def refusal_of(document: JsonValue, status: int = 200) -> Failure:
    return failure_in(MINIMAX.read_start(answer_with(json.dumps(document).encode(), status)))


def decode_song(name: str) -> bytes:
    decoder = AudioTextDecoder()
    return decoder.feed(AnswerScanner().feed(read_body("minimax", name))) + decoder.close()


@pytest.mark.parametrize("name", ["data_audio_twice", "two_data_objects_with_audio"])
def test_of_two_songs_in_one_answer_the_first_is_the_song(name: str) -> None:
    assert MINIMAX.read_start(read_answer("minimax", name)) == HEX
    assert decode_song(name) == decode_song("hex_lower_case")


@pytest.mark.parametrize("name", ["hex_odd_length", "hex_is_no_hex"])
def test_hex_that_was_changed_on_its_way_is_refused_by_the_decoder(name: str) -> None:
    with pytest.raises(BadAudioError):
        decode_song(name)


@pytest.mark.parametrize("name", ["hex_upper_case", "hex_with_white_space", "hex_with_a_line_break"])
def test_the_hex_of_either_case_and_with_white_space_is_the_same_song(name: str) -> None:
    assert decode_song(name) == decode_song("hex_lower_case")
    assert decode_song("hex_lower_case").startswith(b"ID3")


@pytest.mark.parametrize(("code", "meaning"), [(code, meaning) for meaning, codes in CODES.items() for code in codes])
@pytest.mark.parametrize("status", [200, 400, 500])
def test_each_code_means_the_same_under_any_status_but_429(code: int, meaning: tuple[str, str], status: int) -> None:
    for spelled in (code, str(code), f" {code} "):
        failure = refusal_of({"base_resp": {"status_code": spelled, "status_msg": "words"}}, status)
        assert (failure.failure_class.value, failure.provider_charged.value) == meaning
        assert (failure.code, failure.http_status) == (str(code), status)


@pytest.mark.parametrize("code", [code for codes in CODES.values() for code in codes])
def test_a_429_is_never_charged(code: int) -> None:
    failure = refusal_of({"base_resp": {"status_code": code}}, 429)
    assert failure.provider_charged is ProviderCharged.NO
    assert failure.code == str(code)


@pytest.mark.parametrize("status", range(500, 600, 7))
def test_any_other_5xx_is_an_unknown_outcome(status: int) -> None:
    failure = refusal_of({"message": "down"}, status)
    assert (failure.failure_class, failure.provider_charged) == (FailureClass.UNKNOWN_OUTCOME, ProviderCharged.UNKNOWN)
    assert failure.code == f"http_{status}"


@pytest.mark.parametrize("code", [None, True, "", "zero", [], {}, 0.5, "1e", "9" * 5000])
def test_a_status_code_that_is_no_number_is_no_verdict(code: JsonValue) -> None:
    song = {"data": {"audio": "00"}, "base_resp": {"status_code": code}}
    assert MINIMAX.read_start(answer_with(json.dumps(song).encode())) == HEX
    assert refusal_of({"base_resp": {"status_code": code}}).failure_class is FailureClass.UNKNOWN_OUTCOME


@pytest.mark.parametrize(
    "document", [{"data": []}, {"data": "x"}, {"base_resp": [0]}, {"data": {"audio": 7}}, {"data": {"audio": {}}}]
)
def test_values_of_another_type_are_an_unknown_outcome(document: JsonValue) -> None:
    assert refusal_of(document).failure_class is FailureClass.UNKNOWN_OUTCOME


def test_a_requested_pause_is_passed_on() -> None:
    assert failure_of("minimax", "rate_limited_1002_with_retry_after").retry_after_s == 17
    assert failure_of("minimax", "http_429_empty_body").retry_after_s == 30


@pytest.mark.parametrize(
    ("trace", "kept"), [("04ed", "04ed"), ("", None), (7, None), ("x" * 129, None), ("a\nb", None), ("\ud800", None)]
)
def test_a_trace_id_is_kept_where_it_is_a_short_string(trace: JsonValue, kept: str | None) -> None:
    assert refusal_of({"trace_id": trace, "base_resp": {"status_code": 1002}}).trace_id == kept


def test_the_providers_own_words_are_in_the_message() -> None:
    assert (
        "input new_sensitive"
        in refusal_of({"base_resp": {"status_code": 1026, "status_msg": "input new_sensitive"}}).message
    )
    assert "bad request" in failure_of("minimax", "http_400_error_text").message


def test_a_body_that_cannot_be_read_is_described() -> None:
    message = failure_of("minimax", "cdn_html_502").message
    assert "a body that is HTML (HTTP 502, text/html; charset=UTF-8)" in message


def test_the_paid_call_carries_the_order() -> None:
    call = MINIMAX.start_call(ORDER)
    assert (call.method, call.path, dict(call.query)) == ("POST", "/v1/music_generation", {})
    assert call.body == {
        "model": "music-2.5",
        "prompt": "indie folk",
        "lyrics": "[Verse]\nRain",
        "stream": False,
        "output_format": "hex",
        "audio_setting": {"sample_rate": 44100, "bitrate": 256000, "format": "mp3"},
    }


def test_what_the_order_leaves_out_is_not_sent() -> None:
    body = MINIMAX.start_call(
        replace(ORDER, prompt="", lyrics="", instrumental=True, auto_lyrics=True, delivery="url")
    ).body
    assert body is not None
    assert not {"prompt", "lyrics"} & body.keys()
    assert (body["is_instrumental"], body["lyrics_optimizer"], body["output_format"]) == (True, True, "url")


def test_a_cover_is_ordered_with_our_link_to_the_recording() -> None:
    link = "https://bucket.s3.amazonaws.com/references/a%2Fb?X-Amz-Signature=c%2Bd"
    order = replace(ORDER, upstream_model="music-cover", lyrics="", reference=OrderedReference(url=link))
    body = MINIMAX.start_call(order).body or {}
    assert (body["model"], body["prompt"], body["audio_url"]) == ("music-cover", "indie folk", link)
    assert "lyrics" not in body
    assert "audio_url" not in (MINIMAX.start_call(replace(ORDER, reference=None)).body or {})


def test_there_is_nothing_to_poll() -> None:
    assert MINIMAX.blocking
    with pytest.raises(ConfigurationError):
        MINIMAX.poll_call("task")
    with pytest.raises(ConfigurationError):
        MINIMAX.read_poll(answer_with(b"{}"))


def test_an_unknown_dialect_is_a_configuration_error() -> None:
    with pytest.raises(
        ConfigurationError,
        match="aimlapi, aimlapi_music01, aimlapi_speech, apiinone, minimax, minimax_speech, skillboss, found 'nobody'",
    ):
        load_provider("nobody")
