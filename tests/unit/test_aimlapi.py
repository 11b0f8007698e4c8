"""AIML API's dialect: every kept answer to a create and to a poll means what the provider's documentation says."""

import json
from dataclasses import replace
from typing import Final

import pytest
from pydantic import JsonValue

from fermata.adapters.providers import load_provider
from fermata.domain.failures import MESSAGE_LIMIT
from fermata.domain.upstream import (
    AudioAt,
    OrderedReference,
    PollOutcome,
    Refused,
    SongOrder,
    StartOutcome,
    StillRunning,
    TaskStarted,
)
from tests.fixtures.http_answers import answer_names, answer_with, read_answer

AIMLAPI = load_provider("aimlapi")

LINK: Final = "https://cdn.example.com/music/2026%2F11%2F21/song.mp3?Expires=1795334400&Signature=a%2Fb%2Bc%3D&x=1~2"
SONG: Final = AudioAt(LINK)
TASK: Final = TaskStarted("7a5f3e1c-60bb-4a4f-9c1e-0d6c6b1f2a33:minimax/music-2.0")
RUNNING: Final = StillRunning()
UNKNOWN_200: Final = ("unknown_outcome", "unknown", "http_200")

Verdict = tuple[str, str, str]
CREATED: Final[dict[str, StartOutcome | Verdict]] = {
    "create_queued_http_200": TASK,
    "create_queued_http_201": TASK,
    "create_generating": TASK,
    "create_unknown_status_word": TASK,
    "create_without_status": TASK,
    "create_id_under_generation_id": TASK,
    "create_id_without_a_slash": TaskStarted("7a5f3e1c-60bb-4a4f-9c1e-0d6c6b1f2a33:stable-audio"),
    "create_music_length_refused": ("invalid_request", "no", "400"),
    "create_reference_refused": ("invalid_request", "no", "400"),
    "create_id_is_a_number": TaskStarted("4711"),
    "create_id_empty": UNKNOWN_200,
    "create_id_null": TASK,
    "create_id_is_an_object": UNKNOWN_200,
    "create_error_null": TASK,
    "create_already_completed": SONG,
    "create_completed_without_url": TASK,
    "create_memory_hint": TASK,
    "create_memory_hint_beside_an_error": ("auth", "no", "401"),
    "create_status_error": ("provider_error", "unknown", "GenerationError"),
    "create_error_text_http_200": ("provider_error", "unknown", "http_200"),
    "create_error_object_http_200": ("provider_error", "unknown", "ModelOffline"),
    "create_neither_id_nor_error": UNKNOWN_200,
    "create_only_a_message": UNKNOWN_200,
    "create_empty_object": UNKNOWN_200,
    "create_list": UNKNOWN_200,
    "create_null": UNKNOWN_200,
    "create_empty_body": UNKNOWN_200,
    "create_cut": UNKNOWN_200,
    "create_http_400": ("invalid_request", "no", "400"),
    "create_http_401": ("auth", "no", "401"),
    "create_http_403": ("out_of_credit", "no", "403"),
    "create_http_404": ("not_found", "no", "404"),
    "create_http_422": ("invalid_request", "no", "422"),
    "create_http_429": ("rate_limited", "no", "429"),
    "create_http_500": ("unknown_outcome", "unknown", "500"),
    "create_http_502": ("unknown_outcome", "unknown", "502"),
    "create_http_503": ("unknown_outcome", "unknown", "503"),
    "create_http_504": ("unknown_outcome", "unknown", "504"),
    "create_status_code_as_string": ("rate_limited", "no", "429"),
    "create_error_inside_http_200": ("out_of_credit", "no", "403"),
    "create_status_code_other_than_http": ("auth", "no", "401"),
    "create_messages_in_a_list": ("invalid_request", "no", "400"),
    "create_http_401_error_text": ("auth", "no", "http_401"),
    "create_http_401_error_object": ("auth", "no", "http_401"),
    "create_http_401_empty_body": ("unknown_outcome", "unknown", "http_401"),
    "create_http_500_with_an_id": ("unknown_outcome", "unknown", "500"),
    "create_http_500_with_a_queued_task": TASK,
    "create_cdn_html_200": UNKNOWN_200,
    "create_cdn_html_429": ("rate_limited", "no", "http_429"),
    "create_cdn_html_502": ("unknown_outcome", "unknown", "http_502"),
}
POLLED: Final[dict[str, PollOutcome | Verdict]] = {
    "poll_queued": RUNNING,
    "poll_waiting": RUNNING,
    "poll_generating": RUNNING,
    "poll_warming_up": RUNNING,
    "poll_success": RUNNING,
    "poll_generating_with_retry_after": StillRunning(15),
    "poll_generating_with_a_url": RUNNING,
    "poll_completed": SONG,
    "poll_completed_only_url": SONG,
    "poll_completed_wav": AudioAt(LINK.replace(".mp3", ".wav")),
    "poll_completed_upper_case": SONG,
    "poll_completed_with_escaped_slashes": SONG,
    "poll_completed_wrong_size_and_type": SONG,
    "poll_memory_hint": SONG,
    "poll_completed_audio_file_null": RUNNING,
    "poll_completed_without_audio_file": RUNNING,
    "poll_completed_url_null": RUNNING,
    "poll_error_object": ("provider_error", "unknown", "ProviderError"),
    "poll_error_text": ("provider_error", "unknown", "http_200"),
    "poll_error_null": ("provider_error", "unknown", "http_200"),
    "poll_error_content_moderation": ("provider_error", "unknown", "ModerationError"),
    "poll_http_400": RUNNING,
    "poll_http_401": ("auth", "unknown", "401"),
    "poll_http_403": ("out_of_credit", "unknown", "403"),
    "poll_http_404": ("not_found", "unknown", "404"),
    "poll_not_found_inside_http_200": ("not_found", "unknown", "404"),
    "poll_http_429": StillRunning(20),
    "poll_http_500": RUNNING,
    "poll_http_503": RUNNING,
    "poll_http_504": RUNNING,
    "poll_http_500_status_error": RUNNING,
    "poll_http_429_status_error": RUNNING,
    "poll_cdn_html_404": RUNNING,
    "poll_cdn_html_502": RUNNING,
    "poll_empty_body": RUNNING,
    "poll_cut": RUNNING,
    "poll_list": RUNNING,
    "poll_text": RUNNING,
}

ORDER: Final = SongOrder(
    upstream_model="minimax/music-2.0",
    prompt="indie folk, rainy",
    lyrics="[Verse]\nRain",
    instrumental=False,
    auto_lyrics=False,
    audio_format="mp3",
    sample_rate=44100,
    bitrate=256000,
    delivery="url",
)


def summary(outcome: StartOutcome | PollOutcome) -> StartOutcome | PollOutcome | Verdict:
    if isinstance(outcome, Refused):
        failure = outcome.failure
        return (failure.failure_class.value, failure.provider_charged.value, failure.code or "")
    return outcome


def read_kept(name: str) -> StartOutcome | PollOutcome:
    answer = read_answer("aimlapi", name)
    return AIMLAPI.read_start(answer) if name.startswith("create_") else AIMLAPI.read_poll(answer)


def message_of(name: str) -> str:
    outcome = read_kept(name)
    assert isinstance(outcome, Refused)
    return outcome.failure.message


def test_every_kept_answer_has_a_meaning() -> None:
    assert answer_names("aimlapi") == sorted([*CREATED, *POLLED])


@pytest.mark.parametrize("name", CREATED)
def test_a_kept_answer_to_a_create_means(name: str) -> None:
    assert summary(read_kept(name)) == CREATED[name]


@pytest.mark.parametrize("name", POLLED)
def test_a_kept_answer_to_a_poll_means(name: str) -> None:
    assert summary(read_kept(name)) == POLLED[name]


@pytest.mark.parametrize("task_id", ["", "  ", "a\nb", "\ud800", True, 1.5, [], None])
def test_an_id_that_cannot_be_polled_is_an_unknown_outcome(task_id: JsonValue) -> None:
    outcome = AIMLAPI.read_start(answer_with(json.dumps({"id": task_id, "status": "queued"}).encode()))
    assert summary(outcome) == UNKNOWN_200


def test_the_wish_to_wait_is_passed_on() -> None:
    outcome = read_kept("create_http_429")
    assert isinstance(outcome, Refused)
    assert outcome.failure.retry_after_s == 12


def test_the_request_id_is_kept() -> None:
    outcome = read_kept("create_http_404")
    assert isinstance(outcome, Refused)
    assert (outcome.failure.trace_id, outcome.failure.http_status) == ("req-5f2c", 404)


REFUSED: Final = [name for name, meaning in {**CREATED, **POLLED}.items() if isinstance(meaning, tuple)]


@pytest.mark.parametrize("name", REFUSED)
def test_a_message_says_what_was_expected_found_and_to_do_and_repeats_no_hint(name: str) -> None:
    message = message_of(name)
    assert message.startswith("expected ")
    assert " found " in message
    assert "; " in message
    assert len(message) <= MESSAGE_LIMIT
    assert "CANARY" not in message


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("create_http_400", "lyrics must be longer"),
        ("create_messages_in_a_list", "prompt must be a string; lyrics must be a string"),
        ("create_http_401_error_text", "Unauthorized"),
        ("create_http_401_error_object", "Unauthorized"),
        ("create_status_error", "could not generate"),
        ("poll_error_text", "generation failed"),
        ("poll_error_object", "generation failed"),
    ],
)
def test_the_providers_own_words_are_in_the_message(name: str, words: str) -> None:
    assert words in message_of(name)


@pytest.mark.parametrize("model", ["minimax/music-1.5", "minimax/music-2.0", "minimax/music-2.6"])
def test_the_paid_call_carries_the_order(model: str) -> None:
    call = AIMLAPI.start_call(replace(ORDER, upstream_model=model))
    assert (call.method, call.path, dict(call.query)) == ("POST", "/v2/generate/audio", {})
    assert call.body == {
        "model": model,
        "prompt": "indie folk, rainy",
        "lyrics": "[Verse]\nRain",
        "audio_setting": {"audio_sample_rate": 44100, "bitrate": 256000, "format": "mp3"},
    }


@pytest.mark.parametrize("model", ["elevenlabs/eleven_music", "google/lyria2", "stable-audio"])
def test_a_model_that_takes_a_prompt_alone_is_sent_nothing_else(model: str) -> None:
    body = AIMLAPI.start_call(replace(ORDER, upstream_model=model, lyrics="", audio_format="wav")).body
    assert body == {"model": model, "prompt": "indie folk, rainy"}


@pytest.mark.parametrize(
    ("lyrics", "sung"),
    [
        ("Rain\non glass\n\nStay", "##Rain\non glass\n\nStay##"),
        ("##Rain\non glass##", "##Rain\non glass##"),
        ("##Rain", "####Rain##"),
        ("Rain##", "##Rain####"),
        ("####", "########"),
    ],
)
def test_the_legacy_model_is_sent_the_words_as_its_prompt_and_the_link_of_the_recording(lyrics: str, sung: str) -> None:
    link = "https://bucket.s3.amazonaws.com/references/a%2Fb?X-Amz-Signature=c%2Bd"
    order = replace(ORDER, upstream_model="minimax-music", prompt="", lyrics=lyrics, reference=OrderedReference(link))
    assert AIMLAPI.start_call(order).body == {
        "model": "minimax-music",
        "prompt": sung,
        "reference_audio_url": link,
    }


def test_what_the_order_leaves_out_is_not_sent() -> None:
    body = AIMLAPI.start_call(replace(ORDER, prompt="", lyrics="", instrumental=True, auto_lyrics=True)).body
    assert body is not None
    assert not {"prompt", "lyrics"} & body.keys()
    assert (body["is_instrumental"], body["lyrics_optimizer"]) == (True, True)


def test_a_poll_names_the_task_unencoded() -> None:
    call = AIMLAPI.poll_call(TASK.task_id)
    assert (call.method, call.path, dict(call.query)) == ("GET", "/v2/generate/audio", {"generation_id": TASK.task_id})
    assert call.body is None
    assert not AIMLAPI.blocking
