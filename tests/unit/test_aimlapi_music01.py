"""AIML API's music-01: every kept answer to an upload and to a generate means what the documentation says, and nothing
that goes wrong with an upload is ever called charged.
"""

from dataclasses import replace
from typing import Final

import pytest

from fermata.adapters.providers import load_provider, load_reference_taker
from fermata.adapters.providers.minimax_body import CODES
from fermata.domain.failures import MESSAGE_LIMIT, Failure, FailureClass, ProviderCharged
from fermata.domain.upstream import (
    AudioAt,
    AudioInAnswer,
    OrderedReference,
    Refused,
    SongOrder,
    StartOutcome,
    UploadCall,
    UploadedReference,
    UploadOutcome,
)
from fermata.errors import ConfigurationError
from tests.fixtures.http_answers import answer_names, answer_with, read_answer

DIALECT: Final = "aimlapi_music01"
MUSIC_01 = load_provider(DIALECT)
TAKER = load_reference_taker(DIALECT)

LINK: Final = "https://cdn.example.com/music/2026%2F11%2F21/song.mp3?Expires=1795334400&Signature=a%2Fb%2Bc%3D&x=1~2"
HEX: Final = AudioInAnswer()
UNKNOWN_200: Final = ("unknown_outcome", "unknown", "http_200")
INCOMPLETE: Final = ("incomplete", "unknown", "http_200")
VOICE: Final = "vocal-2025011815033225-1nLHHbmq"
INSTRUMENTAL: Final = "instrumental-2025011815033225-1nLHHbmq"
BOTH: Final = UploadedReference(VOICE, INSTRUMENTAL)
AGAIN_200: Final = ("transient", "no", "http_200")

Verdict = tuple[str, str, str]
GENERATED: Final[dict[str, StartOutcome | Verdict]] = {
    "hex": HEX,
    "hex_http_201": HEX,
    "hex_extra_info_music_prefixed": HEX,
    "hex_extra_info_null": HEX,
    "hex_extra_info_missing": HEX,
    "hex_base_resp_missing": HEX,
    "status_2_as_string": HEX,
    "memory_hint": HEX,
    "audio_is_a_url": AudioAt(LINK),
    "status_1": INCOMPLETE,
    "status_1_as_string": INCOMPLETE,
    "success_without_audio": INCOMPLETE,
    "success_with_null_data": INCOMPLETE,
    "code_1002": ("rate_limited", "no", "1002"),
    "code_1008": ("out_of_credit", "no", "1008"),
    "code_1026": ("content_refused", "no", "1026"),
    "code_1027": ("content_refused", "unknown", "1027"),
    "code_1033": ("transient", "unknown", "1033"),
    "code_2013": ("invalid_request", "no", "2013"),
    "code_9999": ("provider_error", "unknown", "9999"),
    "code_1004_http_401": ("auth", "no", "1004"),
    "memory_hint_beside_a_failure": ("out_of_credit", "no", "1008"),
    "http_400": ("invalid_request", "no", "400"),
    "http_401": ("auth", "no", "401"),
    "http_403": ("out_of_credit", "no", "403"),
    "http_404": ("not_found", "no", "404"),
    "http_422": ("invalid_request", "no", "422"),
    "http_429": ("rate_limited", "no", "429"),
    "http_500": ("unknown_outcome", "unknown", "500"),
    "http_502": ("unknown_outcome", "unknown", "502"),
    "http_503": ("unknown_outcome", "unknown", "503"),
    "http_504": ("unknown_outcome", "unknown", "504"),
    "status_code_as_string": ("rate_limited", "no", "429"),
    "error_inside_http_200": ("out_of_credit", "no", "403"),
    "error_text_http_401": ("auth", "no", "http_401"),
    "error_object_http_401": ("auth", "no", "http_401"),
    "error_object_http_200": UNKNOWN_200,
    "messages_in_a_list": ("invalid_request", "no", "400"),
    "empty_object": UNKNOWN_200,
    "task_instead_of_a_song": ("unknown_outcome", "unknown", "http_201"),
    "json_list": UNKNOWN_200,
    "empty_body": UNKNOWN_200,
    "cut": UNKNOWN_200,
    "cdn_html_200": UNKNOWN_200,
    "cdn_html_429": ("rate_limited", "no", "http_429"),
    "cdn_html_502": ("unknown_outcome", "unknown", "http_502"),
    "cdn_html_504": ("unknown_outcome", "unknown", "http_504"),
}
UPLOADED: Final[dict[str, UploadOutcome | Verdict]] = {
    "song": BOTH,
    "song_http_201": BOTH,
    "without_base_resp": BOTH,
    "memory_hint": BOTH,
    "voice": UploadedReference(voice_id=VOICE),
    "voice_beside_an_empty_id": UploadedReference(voice_id=VOICE),
    "voice_beside_a_null_id": UploadedReference(voice_id=VOICE),
    "instrumental": UploadedReference(instrumental_id=INSTRUMENTAL),
    "without_ids": ("provider_error", "no", "http_200"),
    "id_is_an_object": ("provider_error", "no", "http_200"),
    "code_1000": ("transient", "no", "1000"),
    "code_1001": ("transient", "no", "1001"),
    "code_1002": ("rate_limited", "no", "1002"),
    "code_1004": ("auth", "no", "1004"),
    "code_1026": ("content_refused", "no", "1026"),
    "code_1027": ("content_refused", "no", "1027"),
    "code_2013": ("invalid_request", "no", "2013"),
    "code_9999": ("provider_error", "no", "9999"),
    "http_400": ("invalid_request", "no", "400"),
    "http_401": ("auth", "no", "401"),
    "http_403": ("out_of_credit", "no", "403"),
    "http_404": ("not_found", "no", "404"),
    "http_413": ("invalid_request", "no", "413"),
    "http_413_html": ("invalid_request", "no", "http_413"),
    "http_429": ("rate_limited", "no", "429"),
    "http_500": ("transient", "no", "500"),
    "http_503": ("transient", "no", "503"),
    "http_504": ("transient", "no", "504"),
    "error_inside_http_200": ("auth", "no", "401"),
    "cdn_html_200": AGAIN_200,
    "cdn_html_401": ("transient", "no", "http_401"),
    "cdn_html_429": ("rate_limited", "no", "http_429"),
    "empty_body": AGAIN_200,
    "json_list": ("provider_error", "no", "http_200"),
    "cut": AGAIN_200,
}

ORDER: Final = SongOrder(
    upstream_model="music-01",
    prompt="",
    lyrics="Rain on glass\n\nStay",
    instrumental=False,
    auto_lyrics=False,
    audio_format="mp3",
    sample_rate=44100,
    bitrate=256000,
    delivery="hex",
    reference=OrderedReference(voice_id=VOICE, instrumental_id=INSTRUMENTAL),
)


def generated(name: str) -> StartOutcome:
    return MUSIC_01.read_start(read_answer(DIALECT, f"generate_{name}"))


def uploaded(name: str) -> UploadOutcome:
    return TAKER.read_upload(read_answer(DIALECT, f"upload_{name}"))


def summary(outcome: StartOutcome | UploadOutcome) -> StartOutcome | UploadOutcome | Verdict:
    if isinstance(outcome, Refused):
        failure = outcome.failure
        return (failure.failure_class.value, failure.provider_charged.value, failure.code or "")
    return outcome


def failure_in(outcome: StartOutcome | UploadOutcome) -> Failure:
    assert isinstance(outcome, Refused)
    return outcome.failure


def test_every_kept_answer_has_a_meaning() -> None:
    meant = [*(f"generate_{name}" for name in GENERATED), *(f"upload_{name}" for name in UPLOADED)]
    assert answer_names(DIALECT) == sorted(meant)


@pytest.mark.parametrize("name", GENERATED)
def test_a_kept_answer_to_a_generate_means(name: str) -> None:
    assert summary(generated(name)) == GENERATED[name]


@pytest.mark.parametrize("name", UPLOADED)
def test_a_kept_answer_to_an_upload_means(name: str) -> None:
    assert summary(uploaded(name)) == UPLOADED[name]


@pytest.mark.parametrize("code", CODES)
def test_a_code_means_the_same_as_minimaxs_own_and_an_upload_is_never_charged(code: int) -> None:
    answer = answer_with(b'{"base_resp": {"status_code": %d, "status_msg": "words"}}' % code)
    paid, free = failure_in(MUSIC_01.read_start(answer)), failure_in(TAKER.read_upload(answer))
    assert (paid.failure_class, paid.provider_charged) == (CODES[code].failure_class, CODES[code].provider_charged)
    assert free.provider_charged is ProviderCharged.NO
    assert free.failure_class is not FailureClass.UNKNOWN_OUTCOME


@pytest.mark.parametrize("name", [name for name, meaning in UPLOADED.items() if isinstance(meaning, tuple)])
def test_an_upload_may_be_repeated_exactly_where_nobody_refused_the_recording(name: str) -> None:
    failure = failure_in(uploaded(name))
    assert failure.may_repeat is (failure.failure_class in {FailureClass.TRANSIENT, FailureClass.RATE_LIMITED})


@pytest.mark.parametrize("answers", [GENERATED, UPLOADED], ids=["generate", "upload"])
def test_a_message_says_what_was_expected_found_and_to_do_and_repeats_no_hint(answers: dict[str, object]) -> None:
    read = generated if answers is GENERATED else uploaded
    for name in (name for name, meaning in answers.items() if isinstance(meaning, tuple)):
        message = failure_in(read(name)).message
        assert message.startswith("expected ")
        assert " found " in message
        assert "; " in message
        assert len(message) <= MESSAGE_LIMIT
        assert "CANARY" not in message


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (
            generated("http_403"),
            "AIML API music-01 answered code 403 with HTTP 403 saying 'You have run out of credits'",
        ),
        (generated("messages_in_a_list"), "lyrics must be a string; refer_voice must be a string"),
        (generated("code_2013"), "invalid params, refer_voice"),
        (uploaded("http_400"), "expected ids of the recording, found that AIML API music-01 answered code 400"),
        (uploaded("code_1000"), "order again later"),
        (uploaded("cdn_html_200"), "order again later"),
    ],
)
def test_a_message_holds_the_providers_own_words_and_the_way_out(
    failure: StartOutcome | UploadOutcome, words: str
) -> None:
    assert words in failure_in(failure).message


def test_the_wish_to_wait_and_the_request_id_are_kept() -> None:
    for outcome, wait_s in ((generated("http_429"), 12), (uploaded("code_1002"), 17)):
        assert failure_in(outcome).retry_after_s == wait_s
    assert failure_in(generated("http_404")).trace_id == failure_in(uploaded("http_404")).trace_id == "req-5f2c"


def test_an_upload_is_a_form_with_a_purpose_and_a_file() -> None:
    call = TAKER.upload_call("voice", "reference.wav", "audio/wav")
    assert call == UploadCall(
        "/v2/generate/audio/minimax/upload", {"purpose": "voice"}, "file", "reference.wav", "audio/wav"
    )


def test_the_paid_call_carries_the_order() -> None:
    call = MUSIC_01.start_call(ORDER)
    assert (call.method, call.path, dict(call.query)) == ("POST", "/v2/generate/audio/minimax/generate", {})
    assert call.body == {
        "model": "music-01",
        "refer_voice": VOICE,
        "refer_instrumental": INSTRUMENTAL,
        "lyrics": "##Rain on glass\n\nStay##",
        "audio_setting": {"sample_rate": 44100, "bitrate": 256000, "format": "mp3"},
    }


@pytest.mark.parametrize(
    ("reference", "absent"),
    [
        (OrderedReference(voice_id=VOICE), {"refer_instrumental"}),
        (OrderedReference(instrumental_id=INSTRUMENTAL), {"refer_voice"}),
        (OrderedReference(), {"refer_voice", "refer_instrumental"}),
        (None, {"refer_voice", "refer_instrumental"}),
    ],
)
def test_an_id_that_the_recording_does_not_have_is_left_out_and_never_null(
    reference: OrderedReference | None, absent: set[str]
) -> None:
    body = MUSIC_01.start_call(replace(ORDER, reference=reference)).body
    assert body is not None
    assert not absent & body.keys()
    assert None not in body.values()


def test_there_is_nothing_to_poll() -> None:
    assert MUSIC_01.blocking
    with pytest.raises(ConfigurationError):
        MUSIC_01.poll_call("task")


def test_a_dialect_without_uploads_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="takes uploads of recordings, found 'aimlapi'"):
        load_reference_taker("aimlapi")
