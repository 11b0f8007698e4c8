"""API in One's dialect: what it sends, and what it makes of answers that no fixture holds."""

import json
from dataclasses import replace
from typing import Final

import pytest

from fermata.adapters.providers import load_provider
from fermata.domain.providers.calls import Refused, SongOrder
from fermata.domain.providers.failures import FailureClass
from tests.fixtures.http_answers import answer_with
from tests.fixtures.kept_answers import LINK, failure_of
from tests.fixtures.meanings.apiinone import SONG, TASK

APIINONE = load_provider("apiinone")

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
    assert words in failure_of("apiinone", name).message


@pytest.mark.parametrize(
    ("said", "failure_class"),
    [
        ("model suno-credits is not supported", FailureClass.INVALID_REQUEST),
        ("model SUNO-CREDITS is not supported", FailureClass.INVALID_REQUEST),
        ("a sensitive title is too long", FailureClass.INVALID_REQUEST),
        ("no credits left: the balance is empty", FailureClass.OUT_OF_CREDIT),
        ("credits: quota exceeded", FailureClass.OUT_OF_CREDIT),
        ("our moderation refused it", FailureClass.CONTENT_REFUSED),
    ],
)
def test_words_of_the_order_do_not_decide_the_class_of_a_refusal(said: str, failure_class: FailureClass) -> None:
    answer = answer_with(json.dumps({"error": {"message": said}}).encode(), 400)
    outcome = APIINONE.read_start(replace(answer, ordered=("suno-credits", "a Sensitive title", "")))
    assert isinstance(outcome, Refused)
    assert outcome.failure.failure_class is failure_class


def test_a_requested_pause_is_passed_on() -> None:
    assert failure_of("apiinone", "create_http_429").retry_after_s == 17


@pytest.mark.parametrize("word", ["SUCCESS", "success", " Completed ", "complete"])
@pytest.mark.parametrize("place", ["type", "status"])
def test_a_word_of_success_counts_in_any_case(word: str, place: str) -> None:
    body = {"data": {place: word, "response_data": [{"audio_url": LINK}]}}
    assert APIINONE.read_poll(answer_with(json.dumps(body).encode())) == SONG


@pytest.mark.parametrize("lyrics", ["[Verse]\nRain", ""])
def test_a_suno_order_carries_the_address_to_call_back(lyrics: str) -> None:
    url = "https://api.example.com/v1/callbacks/token"
    order = replace(SUNO, lyrics=lyrics, callback_url=url)
    called, silent = APIINONE.start_call(order).body, APIINONE.start_call(replace(order, callback_url="")).body
    assert called is not None
    assert silent is not None
    assert called["callback_url"] == url
    assert dict(silent) == {name: value for name, value in called.items() if name != "callback_url"}


def test_minimax_music_is_given_no_address_because_it_never_calls_back() -> None:
    body = APIINONE.start_call(replace(ORDER, callback_url="https://api.example.com/v1/callbacks/token")).body
    assert body is not None
    assert "callback_url" not in body


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


@pytest.mark.parametrize("model", ["suno-v4", "chirp-v3-5", "chirp-v5-5"])
def test_a_model_of_suno_is_ordered_as_such_under_each_of_its_names(model: str) -> None:
    body = APIINONE.start_call(replace(ORDER, upstream_model=model)).body
    assert body is not None
    assert (body["model"], body["make_instrumental"], "sample_rate" in body) == (model, False, False)


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


def test_a_poll_reads_the_task_or_else_the_feed() -> None:
    call = APIINONE.poll_call(TASK.task_id)
    assert (call.method, call.path, dict(call.query)) == ("GET", "/api/v1/tasks/n74a%2Fb%3Ac1", {})
    assert call.instead is not None
    assert (call.instead.method, call.instead.path) == ("GET", "/api/v1/audio/music/feed")
    assert dict(call.instead.query) == {"task_id": TASK.task_id}
    assert call.instead.instead is None
    assert not APIINONE.blocking
