"""API in One's dialect: every kept answer to a create and to a poll means what the provider's documentation says."""

import json
from dataclasses import replace
from typing import Final

import pytest

from fermata.adapters.providers import load_provider
from fermata.domain.failures import MESSAGE_LIMIT, Failure
from fermata.domain.upstream import (
    AudioAt,
    AudioIsAnswer,
    PollOutcome,
    Refused,
    SongOrder,
    StartOutcome,
    StillRunning,
    TaskStarted,
)
from tests.fixtures.http_answers import answer_names, answer_with, read_answer

APIINONE = load_provider("apiinone")

LINK: Final = "https://cdn.example.com/music/2026%2F11%2F21/song.mp3?Expires=1795334400&Signature=a%2Fb%2Bc%3D&x=1~2"
SECOND: Final = LINK.replace("song.mp3", "song-2.mp3")
SONG: Final = AudioAt(LINK)
TWO_SONGS: Final = AudioAt(LINK, (SECOND,))
FILE: Final = AudioIsAnswer()
TASK: Final = TaskStarted("n74a/b:c1")
RUNNING: Final = StillRunning()
UNKNOWN_200: Final = ("unknown_outcome", "unknown", "http_200")
FAILED: Final = ("provider_error", "unknown", "http_200")

Verdict = tuple[str, str, str]
CREATED: Final[dict[str, StartOutcome | Verdict]] = {
    "create_task_id_pending": TASK,
    "create_task_id_in_data": TASK,
    "create_http_201": TASK,
    "create_id_under_taskId": TASK,
    "create_id_under_id": TASK,
    "create_id_under_work_id": TASK,
    "create_id_under_id_in_data": TASK,
    "create_id_is_a_number": TaskStarted("4711"),
    "create_task_id_before_id": TASK,
    "create_unknown_status_word": TASK,
    "create_status_success_with_a_task": TASK,
    "create_first_with_a_link": TASK,
    "create_direct_audio_url": SONG,
    "create_direct_audio": SONG,
    "create_direct_audio_url_in_data": SONG,
    "create_direct_with_an_id": SONG,
    "create_direct_success_with_two_songs": TWO_SONGS,
    "create_direct_bytes_mpeg": FILE,
    "create_direct_bytes_octet_stream": FILE,
    "create_memory_hint": TASK,
    "create_memory_hint_beside_an_error": ("out_of_credit", "no", "402"),
    "create_code_400_inside_200": ("invalid_request", "no", "400"),
    "create_http_400": ("invalid_request", "no", "400"),
    "create_http_400_error_object": ("invalid_request", "no", "http_400"),
    "create_http_401": ("auth", "no", "http_401"),
    "create_code_401_inside_200": ("auth", "no", "401"),
    "create_http_401_with_a_request_id": ("auth", "no", "http_401"),
    "create_http_402": ("out_of_credit", "no", "402"),
    "create_http_403": ("auth", "no", "http_403"),
    "create_http_404": ("not_found", "no", "404"),
    "create_http_422": ("invalid_request", "no", "http_422"),
    "create_http_429": ("rate_limited", "no", "http_429"),
    "create_code_429_inside_200": ("rate_limited", "no", "429"),
    "create_code_500_http_429": ("rate_limited", "no", "500"),
    "create_400_says_insufficient_credits": ("out_of_credit", "no", "400"),
    "create_400_says_sensitive_words": ("content_refused", "no", "400"),
    "create_code_500_inside_200": ("unknown_outcome", "unknown", "500"),
    "create_code_40001": ("provider_error", "unknown", "40001"),
    "create_http_500": ("unknown_outcome", "unknown", "http_500"),
    "create_http_502": ("unknown_outcome", "unknown", "http_502"),
    "create_http_503": ("unknown_outcome", "unknown", "http_503"),
    "create_http_504": ("unknown_outcome", "unknown", "http_504"),
    "create_error_object_inside_200": FAILED,
    "create_status_failed": FAILED,
    "create_neither_id_nor_link": UNKNOWN_200,
    "create_only_image_and_video": UNKNOWN_200,
    "create_id_empty": UNKNOWN_200,
    "create_data_null": UNKNOWN_200,
    "create_empty_object": UNKNOWN_200,
    "create_list": UNKNOWN_200,
    "create_null": UNKNOWN_200,
    "create_empty_body": UNKNOWN_200,
    "create_cut": UNKNOWN_200,
    "create_cdn_html_200": UNKNOWN_200,
    "create_cdn_html_401": ("unknown_outcome", "unknown", "http_401"),
    "create_cdn_html_429": ("rate_limited", "no", "http_429"),
    "create_cdn_html_502": ("unknown_outcome", "unknown", "http_502"),
    "create_redirect_302": ("unknown_outcome", "unknown", "http_302"),
}
POLLED: Final[dict[str, PollOutcome | Verdict]] = {
    "poll_type_pending": RUNNING,
    "poll_type_queued": RUNNING,
    "poll_type_in_progress": RUNNING,
    "poll_type_processing": RUNNING,
    "poll_type_text": RUNNING,
    "poll_type_first": RUNNING,
    "poll_type_in_progress_in_capitals": RUNNING,
    "poll_type_queued_in_capitals": RUNNING,
    "poll_type_meditating": RUNNING,
    "poll_status_in_data": RUNNING,
    "poll_status_at_the_top": RUNNING,
    "poll_without_any_word": RUNNING,
    "poll_first_with_a_link": RUNNING,
    "poll_one_of_two_songs_complete": RUNNING,
    "poll_envelope_success_around_a_first_song": RUNNING,
    "poll_envelope_success_around_a_running_task": RUNNING,
    "poll_success_as_documented": SONG,
    "poll_success_with_two_songs": TWO_SONGS,
    "poll_success_first_song_without_a_link": SONG,
    "poll_success_with_one_failed_song": SONG,
    "poll_success_twice_the_same_link": SONG,
    "poll_completed_in_lower_case": SONG,
    "poll_complete_at_the_top": SONG,
    "poll_known_status_beside_an_unknown_type": SONG,
    "poll_every_song_complete": TWO_SONGS,
    "poll_every_song_complete_without_a_word": TWO_SONGS,
    "poll_every_song_ended_one_failed": SONG,
    "poll_songs_in_a_list_under_data": TWO_SONGS,
    "poll_success_with_escaped_slashes": SONG,
    "poll_success_without_a_link": RUNNING,
    "poll_success_only_image_and_video": RUNNING,
    "poll_memory_hint": SONG,
    "poll_failed": FAILED,
    "poll_error_word": FAILED,
    "poll_every_song_failed": FAILED,
    "poll_http_401": ("auth", "unknown", "http_401"),
    "poll_http_404": ("not_found", "unknown", "404"),
    "poll_http_404_other_code": ("not_found", "unknown", "http_404"),
    "poll_http_404_html": ("not_found", "unknown", "http_404"),
    "poll_http_404_empty": ("not_found", "unknown", "http_404"),
    "poll_code_404_inside_200": ("not_found", "unknown", "404"),
    "poll_http_400": RUNNING,
    "poll_http_429": StillRunning(20),
    "poll_http_500": RUNNING,
    "poll_http_500_status_error": RUNNING,
    "poll_http_503_html": RUNNING,
    "poll_cdn_html_200": RUNNING,
    "poll_cdn_html_401": RUNNING,
    "poll_error_object_inside_200": RUNNING,
    "poll_empty_body": RUNNING,
    "poll_cut": RUNNING,
    "poll_list": RUNNING,
}

ORDER: Final = SongOrder(
    upstream_model="minimax-music",
    prompt="indie folk, rainy",
    lyrics="[Verse]\nRain",
    instrumental=False,
    auto_lyrics=False,
    audio_format="mp3",
    sample_rate=44100,
    bitrate=60000,
    delivery="url",
    title="Rain",
)
SUNO: Final = replace(ORDER, upstream_model="suno")


def read_kept(name: str) -> StartOutcome | PollOutcome:
    answer = read_answer("apiinone", name)
    return APIINONE.read_start(answer) if name.startswith("create_") else APIINONE.read_poll(answer)


def summary(outcome: StartOutcome | PollOutcome) -> StartOutcome | PollOutcome | Verdict:
    if isinstance(outcome, Refused):
        failure = outcome.failure
        return (failure.failure_class.value, failure.provider_charged.value, failure.code or "")
    return outcome


def failure_of(name: str) -> Failure:
    outcome = read_kept(name)
    assert isinstance(outcome, Refused)
    return outcome.failure


def test_every_kept_answer_has_a_meaning() -> None:
    assert answer_names("apiinone") == sorted([*CREATED, *POLLED])


@pytest.mark.parametrize("name", CREATED)
def test_a_kept_answer_to_a_create_means(name: str) -> None:
    assert summary(read_kept(name)) == CREATED[name]


@pytest.mark.parametrize("name", POLLED)
def test_a_kept_answer_to_a_poll_means(name: str) -> None:
    assert summary(read_kept(name)) == POLLED[name]


@pytest.mark.parametrize(
    "name", [name for name, meaning in {**CREATED, **POLLED}.items() if isinstance(meaning, tuple)]
)
def test_a_message_says_what_was_expected_found_and_to_do_and_repeats_no_hint(name: str) -> None:
    message = failure_of(name).message
    assert message.startswith("expected ")
    assert " found " in message
    assert "; " in message
    assert len(message) <= MESSAGE_LIMIT
    assert "CANARY" not in message


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("create_code_400_inside_200", "prompt is required"),
        ("create_http_401", "invalid api key"),
        ("create_status_failed", "could not generate"),
        ("poll_failed", "moderation refused it"),
        ("poll_error_word", "could not generate"),
    ],
)
def test_the_providers_own_words_are_in_the_message(name: str, words: str) -> None:
    assert words in failure_of(name).message


def test_the_wish_to_wait_is_passed_on() -> None:
    assert failure_of("create_http_429").retry_after_s == 17


@pytest.mark.parametrize("word", ["SUCCESS", "success", " Completed ", "complete"])
@pytest.mark.parametrize("place", ["type", "status"])
def test_a_word_of_success_counts_in_any_case(word: str, place: str) -> None:
    body = {"data": {place: word, "response_data": [{"audio_url": LINK}]}}
    assert APIINONE.read_poll(answer_with(json.dumps(body).encode())) == SONG


def test_the_paid_call_of_minimax_music_carries_the_order() -> None:
    call = APIINONE.start_call(ORDER)
    assert (call.method, call.path, dict(call.query)) == ("POST", "/api/v1/audio/music", {})
    assert call.body == {
        "model": "minimax-music",
        "prompt": "indie folk, rainy",
        "lyrics": "[Verse]\nRain",
        "bitrate": 60000,
        "sample_rate": 44100,
    }
    assert call.instead is None


def test_absent_lyrics_are_not_sent() -> None:
    body = APIINONE.start_call(replace(ORDER, lyrics="")).body
    assert body is not None
    assert "lyrics" not in body


def test_a_suno_order_with_words_is_a_custom_one() -> None:
    assert APIINONE.start_call(SUNO).body == {
        "model": "suno",
        "prompt": "[Verse]\nRain",
        "style": "indie folk, rainy",
        "title": "Rain",
        "make_instrumental": False,
    }
    bare = APIINONE.start_call(replace(SUNO, prompt="", title="")).body
    assert bare == {"model": "suno", "prompt": "[Verse]\nRain", "make_instrumental": False}


@pytest.mark.parametrize("instrumental", [True, False])
def test_a_suno_order_without_words_is_an_inspiration(instrumental: bool) -> None:
    order = replace(SUNO, lyrics="", instrumental=instrumental, auto_lyrics=not instrumental)
    assert APIINONE.start_call(order).body == {
        "model": "suno",
        "gpt_description_prompt": "indie folk, rainy",
        "make_instrumental": instrumental,
    }


def test_a_poll_asks_for_the_task_and_instead_the_feed() -> None:
    call = APIINONE.poll_call(TASK.task_id)
    assert (call.method, call.path, dict(call.query)) == ("GET", "/api/v1/tasks/n74a%2Fb%3Ac1", {})
    assert call.instead is not None
    assert (call.instead.method, call.instead.path) == ("GET", "/api/v1/audio/music/feed")
    assert dict(call.instead.query) == {"task_id": TASK.task_id}
    assert call.instead.instead is None
    assert not APIINONE.blocking
