"""MiniMax's dialect: every kept answer, every code and every status means what the provider's documentation says."""

import json
from dataclasses import replace
from typing import Final

import pytest
from pydantic import JsonValue

from fermata.adapters.providers import load_provider
from fermata.domain.answer_scanner import AnswerScanner
from fermata.domain.failures import MESSAGE_LIMIT, Failure, FailureClass, ProviderCharged
from fermata.domain.hex_decoder import HexDecoder
from fermata.domain.upstream import AudioAt, AudioInAnswer, OrderedReference, Refused, SongOrder, StartOutcome
from fermata.errors import BadAudioError, ConfigurationError
from tests.fixtures.http_answers import answer_names, answer_with, read_answer, read_body

MINIMAX = load_provider("minimax")

LINK: Final = "https://cdn.example.com/music/2026%2F11%2F21/song.mp3?Expires=1795334400&Signature=a%2Fb%2Bc%3D&x=1~2"
HEX: Final = AudioInAnswer()
UNKNOWN_200: Final = ("unknown_outcome", "unknown", "http_200")
INCOMPLETE: Final = ("incomplete", "unknown", "http_200")

Verdict = tuple[str, str, str]
MEANINGS: Final[dict[str, AudioInAnswer | AudioAt | Verdict]] = {
    "hex_lower_case": HEX,
    "hex_upper_case": HEX,
    "hex_odd_length": HEX,
    "hex_with_white_space": HEX,
    "hex_with_a_line_break": HEX,
    "hex_is_no_hex": HEX,
    "keys_in_another_order": HEX,
    "white_space_between_all_tokens": HEX,
    "no_white_space": HEX,
    "audio_key_spelled_with_an_escape": HEX,
    "byte_order_mark": HEX,
    "audio_is_a_url": AudioAt(LINK),
    "audio_is_a_url_with_escaped_slashes": AudioAt(LINK),
    "audio_is_an_http_url": AudioAt("http://127.0.0.1:8080/files/song.mp3"),
    "audio_url_is_the_second_choice": AudioAt(LINK),
    "audio_url_beside_an_empty_audio": AudioAt(LINK),
    "audio_url_beside_a_null_audio": AudioAt(LINK),
    "audio_url_beside_hex": HEX,
    "extra_info_null": HEX,
    "extra_info_missing": HEX,
    "extra_info_audio_prefixed": HEX,
    "trace_id_null": HEX,
    "trace_id_missing": HEX,
    "music_size_zero": HEX,
    "music_size_and_duration_wrong": HEX,
    "status_2_as_string": HEX,
    "status_missing": HEX,
    "status_1_as_number": INCOMPLETE,
    "status_1_as_string": INCOMPLETE,
    "status_1_without_audio": INCOMPLETE,
    "status_1_with_a_url": INCOMPLETE,
    "status_code_0_as_string": HEX,
    "base_resp_missing_with_audio": HEX,
    "base_resp_null_with_audio": HEX,
    "base_resp_missing_without_audio": UNKNOWN_200,
    "empty_object": UNKNOWN_200,
    "other_audio_keys_are_metadata": HEX,
    "only_foreign_audio_keys": INCOMPLETE,
    "memory_hint_beside_the_song": HEX,
    "memory_hint_beside_a_failure": ("out_of_credit", "no", "1008"),
    "success_without_data": INCOMPLETE,
    "success_with_null_data": INCOMPLETE,
    "success_with_null_audio": INCOMPLETE,
    "success_with_empty_audio": INCOMPLETE,
    "input_refused_1026": ("content_refused", "no", "1026"),
    "output_refused_1027": ("content_refused", "unknown", "1027"),
    "data_null_on_failure": ("out_of_credit", "no", "1008"),
    "data_absent_on_failure": ("invalid_request", "no", "2013"),
    "status_code_as_string": ("rate_limited", "no", "1002"),
    "rate_limited_1002_with_retry_after": ("rate_limited", "no", "1002"),
    "unlisted_code_9999": ("provider_error", "unknown", "9999"),
    "timeout_1001": ("unknown_outcome", "unknown", "1001"),
    "server_trouble_1033": ("transient", "unknown", "1033"),
    "failure_code_beside_audio": ("transient", "unknown", "1013"),
    "closed_account_2153_http_410": ("not_entitled", "no", "2153"),
    "wrong_key_1004_http_401": ("auth", "no", "1004"),
    "code_1026_http_500": ("content_refused", "no", "1026"),
    "http_400_error_text": ("invalid_request", "no", "http_400"),
    "http_401_error_text": ("auth", "no", "http_401"),
    "http_401_error_object": ("auth", "no", "http_401"),
    "http_402_error_text": ("out_of_credit", "no", "http_402"),
    "http_403_error_text": ("auth", "no", "http_403"),
    "http_404_error_text": ("not_found", "no", "http_404"),
    "http_409_error_text": ("unknown_outcome", "unknown", "http_409"),
    "http_410_error_text": ("not_entitled", "no", "http_410"),
    "http_413_error_text": ("invalid_request", "no", "http_413"),
    "http_422_error_text": ("invalid_request", "no", "http_422"),
    "http_429_error_text": ("rate_limited", "no", "http_429"),
    "http_500_error_text": ("unknown_outcome", "unknown", "http_500"),
    "http_503_error_text": ("unknown_outcome", "unknown", "http_503"),
    "http_400_empty_body": ("unknown_outcome", "unknown", "http_400"),
    "http_429_empty_body": ("rate_limited", "no", "http_429"),
    "cdn_html_200": UNKNOWN_200,
    "cdn_html_401": ("unknown_outcome", "unknown", "http_401"),
    "cdn_html_429": ("rate_limited", "no", "http_429"),
    "cdn_html_502": ("unknown_outcome", "unknown", "http_502"),
    "cdn_html_503": ("unknown_outcome", "unknown", "http_503"),
    "cdn_html_504": ("unknown_outcome", "unknown", "http_504"),
    "empty_body": UNKNOWN_200,
    "only_white_space": UNKNOWN_200,
    "cut_inside_the_audio": UNKNOWN_200,
    "cut_after_the_audio": UNKNOWN_200,
    "cut_before_the_last_brace": UNKNOWN_200,
    "two_documents": UNKNOWN_200,
    "not_a_number_constant": UNKNOWN_200,
    "not_utf_8": UNKNOWN_200,
    "plain_text": UNKNOWN_200,
    "server_sent_events": UNKNOWN_200,
    "json_list": UNKNOWN_200,
    "json_text": UNKNOWN_200,
    "json_null": UNKNOWN_200,
    "json_list_http_401": ("auth", "no", "http_401"),
    "redirect_302": ("unknown_outcome", "unknown", "http_302"),
}
AMBIGUOUS: Final = ("data_audio_twice", "two_data_objects_with_audio")

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


def failure_in(outcome: StartOutcome) -> Failure:
    assert isinstance(outcome, Refused)
    return outcome.failure


def summary(outcome: StartOutcome) -> StartOutcome | Verdict:
    if isinstance(outcome, Refused):
        failure = outcome.failure
        return (failure.failure_class.value, failure.provider_charged.value, failure.code or "")
    return outcome


def refusal_of(document: JsonValue, status: int = 200) -> Failure:
    return failure_in(MINIMAX.read_start(answer_with(json.dumps(document).encode(), status)))


def decode_song(name: str) -> bytes:
    decoder = HexDecoder()
    song = decoder.feed(AnswerScanner().feed(read_body("minimax", name)))
    decoder.close()
    return song


def test_every_kept_answer_has_a_meaning() -> None:
    assert answer_names("minimax") == sorted([*MEANINGS, *AMBIGUOUS])


@pytest.mark.parametrize("name", MEANINGS)
def test_a_kept_answer_means(name: str) -> None:
    assert summary(MINIMAX.read_start(read_answer("minimax", name))) == MEANINGS[name]


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_an_answer_with_two_songs_is_bad_audio(name: str) -> None:
    with pytest.raises(BadAudioError):
        read_answer("minimax", name)


@pytest.mark.parametrize("name", ["hex_odd_length", "hex_with_white_space", "hex_with_a_line_break", "hex_is_no_hex"])
def test_hex_that_was_changed_on_its_way_is_refused_by_the_decoder(name: str) -> None:
    with pytest.raises(BadAudioError):
        decode_song(name)


def test_the_hex_of_either_case_is_the_same_song() -> None:
    assert decode_song("hex_upper_case") == decode_song("hex_lower_case")
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


@pytest.mark.parametrize("code", [None, True, "", "zero", [], {}, 0.5, "1e3", "9" * 5000])
def test_a_status_code_that_is_no_number_is_no_verdict(code: JsonValue) -> None:
    song = {"data": {"audio": "00"}, "base_resp": {"status_code": code}}
    assert MINIMAX.read_start(answer_with(json.dumps(song).encode())) == HEX
    assert refusal_of({"base_resp": {"status_code": code}}).failure_class is FailureClass.UNKNOWN_OUTCOME


@pytest.mark.parametrize(
    "document", [{"data": []}, {"data": "x"}, {"base_resp": [0]}, {"data": {"audio": 7}}, {"data": {"audio": {}}}]
)
def test_values_of_another_type_are_an_unknown_outcome(document: JsonValue) -> None:
    assert refusal_of(document).failure_class is FailureClass.UNKNOWN_OUTCOME


def test_the_wish_to_wait_is_passed_on() -> None:
    assert (
        failure_in(MINIMAX.read_start(read_answer("minimax", "rate_limited_1002_with_retry_after"))).retry_after_s == 17
    )
    assert failure_in(MINIMAX.read_start(read_answer("minimax", "http_429_empty_body"))).retry_after_s == 30


@pytest.mark.parametrize(
    ("trace", "kept"), [("04ed", "04ed"), ("", None), (7, None), ("x" * 129, None), ("a\nb", None), ("\ud800", None)]
)
def test_a_trace_id_is_kept_where_it_is_a_short_string(trace: JsonValue, kept: str | None) -> None:
    assert refusal_of({"trace_id": trace, "base_resp": {"status_code": 1002}}).trace_id == kept


@pytest.mark.parametrize("name", [name for name, meaning in MEANINGS.items() if isinstance(meaning, tuple)])
def test_a_message_says_what_was_expected_found_and_to_do_and_repeats_no_hint(name: str) -> None:
    message = failure_in(MINIMAX.read_start(read_answer("minimax", name))).message
    assert message.startswith("expected ")
    assert " found " in message
    assert "; " in message
    assert len(message) <= MESSAGE_LIMIT
    assert "CANARY" not in message


def test_the_providers_own_words_are_in_the_message() -> None:
    assert (
        "input new_sensitive"
        in refusal_of({"base_resp": {"status_code": 1026, "status_msg": "input new_sensitive"}}).message
    )
    assert "bad request" in failure_in(MINIMAX.read_start(read_answer("minimax", "http_400_error_text"))).message


def test_a_body_that_cannot_be_read_is_described() -> None:
    message = failure_in(MINIMAX.read_start(read_answer("minimax", "cdn_html_502"))).message
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


def test_a_cover_is_sung_after_the_recording_behind_our_link() -> None:
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
        ConfigurationError, match="aimlapi, aimlapi_music01, apiinone, minimax, skillboss, found 'nobody'"
    ):
        load_provider("nobody")
