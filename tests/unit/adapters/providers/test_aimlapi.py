"""AIML API's dialect: what it sends, and what it makes of answers that no fixture holds."""

import json
from dataclasses import replace
from typing import Final

import pytest
from pydantic import JsonValue

from fermata.adapters.providers import load_provider
from fermata.domain.providers.calls import OrderedReference, SongOrder
from tests.fixtures.http_answers import answer_with
from tests.fixtures.kept_answers import failure_of, summary
from tests.fixtures.meanings.aimlapi import TASK, UNKNOWN_200

AIMLAPI = load_provider("aimlapi")

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


@pytest.mark.parametrize("task_id", ["", "  ", "a\nb", "\ud800", True, 1.5, [], None])
def test_an_id_that_cannot_be_polled_is_an_unknown_outcome(task_id: JsonValue) -> None:
    outcome = AIMLAPI.read_start(answer_with(json.dumps({"id": task_id, "status": "queued"}).encode()))
    assert summary(outcome) == UNKNOWN_200


def test_a_requested_pause_is_passed_on() -> None:
    assert failure_of("aimlapi", "create_http_429").retry_after_s == 12


def test_the_request_id_is_kept() -> None:
    failure = failure_of("aimlapi", "create_http_404")
    assert (failure.trace_id, failure.http_status) == ("req-5f2c", 404)


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
    assert words in failure_of("aimlapi", name).message


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


def test_an_ordered_length_is_sent_in_ms_to_the_model_that_is_sold_by_the_minute() -> None:
    order = replace(ORDER, upstream_model="elevenlabs/eleven_music", lyrics="", duration_ms=61_000)
    assert AIMLAPI.start_call(order).body == {
        "model": "elevenlabs/eleven_music",
        "prompt": "indie folk, rainy",
        "music_length_ms": 61_000,
    }


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


@pytest.mark.parametrize("lyrics", ["", "[Verse]\nRain"])
def test_a_cover_is_sent_its_recording_and_the_rate_under_the_vendors_name(lyrics: str) -> None:
    link = "https://bucket.s3.amazonaws.com/references/a%2Fb?X-Amz-Signature=c%2Bd"
    reference = OrderedReference(link)
    order = replace(ORDER, upstream_model="minimax/music-cover", lyrics=lyrics, audio_format="wav", reference=reference)
    assert AIMLAPI.start_call(order).body == {
        "model": "minimax/music-cover",
        "prompt": "indie folk, rainy",
        **({"lyrics": lyrics} if lyrics else {}),
        "reference_audio_url": link,
        "audio_setting": {"sample_rate": 44100, "bitrate": 256000, "format": "wav"},
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
