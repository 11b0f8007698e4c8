"""AIML API's music-01: what it sends, and that nothing which goes wrong with an upload is ever called charged."""

from dataclasses import replace
from typing import Final

import pytest

from fermata.adapters.providers import load_provider, load_reference_taker
from fermata.adapters.providers.minimax_body import CODES
from fermata.domain.providers.calls import (
    OrderedReference,
    SongOrder,
    UploadCall,
)
from fermata.domain.providers.failures import FailureClass, ProviderCharged
from fermata.errors import ConfigurationError
from tests.fixtures.http_answers import answer_with
from tests.fixtures.kept_answers import failure_in, failure_of
from tests.fixtures.meanings.aimlapi_music01 import INSTRUMENTAL, UPLOADED, VOICE

DIALECT: Final = "aimlapi_music01"
MUSIC_01 = load_provider(DIALECT)
TAKER = load_reference_taker(DIALECT)

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


@pytest.mark.parametrize("code", CODES)
def test_a_code_means_the_same_as_minimaxs_own_and_an_upload_is_never_charged(code: int) -> None:
    answer = answer_with(b'{"base_resp": {"status_code": %d, "status_msg": "words"}}' % code)
    paid, free = failure_in(MUSIC_01.read_start(answer)), failure_in(TAKER.read_upload(answer))
    assert (paid.failure_class, paid.provider_charged) == (CODES[code].failure_class, CODES[code].provider_charged)
    assert free.provider_charged is ProviderCharged.NO
    assert free.failure_class is not FailureClass.UNKNOWN_OUTCOME


@pytest.mark.parametrize("name", [name for name, meaning in UPLOADED.items() if isinstance(meaning, tuple)])
def test_an_upload_may_be_repeated_exactly_where_the_recording_was_not_refused(name: str) -> None:
    failure = failure_of(DIALECT, f"upload_{name}")
    assert failure.may_repeat is (failure.failure_class in {FailureClass.TRANSIENT, FailureClass.RATE_LIMITED})


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "generate_http_403",
            "AIML API music-01 answered code 403 with HTTP 403 saying 'You have run out of credits'",
        ),
        ("generate_messages_in_a_list", "lyrics must be a string; refer_voice must be a string"),
        ("generate_code_2013", "invalid params, refer_voice"),
        ("upload_http_400", "expected ids of the recording, found that AIML API music-01 answered code 400"),
        ("upload_code_1000", "order again later"),
        ("upload_cdn_html_200", "order again later"),
    ],
)
def test_a_message_holds_the_providers_own_words_and_the_way_out(name: str, words: str) -> None:
    assert words in failure_of(DIALECT, name).message


def test_the_requested_pause_and_the_request_id_are_kept() -> None:
    for name, wait_s in (("generate_http_429", 12), ("upload_code_1002", 17)):
        assert failure_of(DIALECT, name).retry_after_s == wait_s
    assert (
        failure_of(DIALECT, "generate_http_404").trace_id
        == failure_of(DIALECT, "upload_http_404").trace_id
        == "req-5f2c"
    )


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
