"""AIML API's speech: what is sent, and what the answer says that it took."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Final

import pytest

from fermata.adapters.providers import load_provider
from fermata.domain.providers.calls import AudioAt, Metered, SongOrder, Speech
from fermata.errors import ConfigurationError
from tests.fixtures.http_answers import answer_with
from tests.fixtures.kept_answers import LINK, failure_of

SPEAKER = load_provider("aimlapi_speech")
SPEECH: Final = Speech("A sentence.", speed=0.5, language="de")
ORDER: Final = SongOrder(
    upstream_model="minimax/speech-2.8-hd",
    prompt="",
    lyrics="",
    instrumental=False,
    auto_lyrics=False,
    audio_format="mp3",
    sample_rate=32000,
    bitrate=128000,
    delivery="url",
    speech=SPEECH,
)


def test_the_paid_call_carries_the_text_and_leaves_the_voice_to_the_provider() -> None:
    call = SPEAKER.start_call(ORDER)
    assert (call.method, call.path) == ("POST", "/v1/tts")
    assert call.body == {
        "model": "minimax/speech-2.8-hd",
        "text": "A sentence.",
        "voice_setting": {"speed": 0.5},
        "language_boost": "German",
        "audio_setting": {"sample_rate": 32000, "bitrate": 128000, "format": "mp3"},
    }


def test_an_order_without_choices_has_no_voice_setting() -> None:
    body = SPEAKER.start_call(replace(ORDER, speech=Speech("A sentence."))).body or {}
    assert set(body) == {"model", "text", "audio_setting"}


def test_a_song_is_no_speech() -> None:
    with pytest.raises(ConfigurationError, match="found a song"):
        SPEAKER.start_call(replace(ORDER, speech=None))


@pytest.mark.parametrize(
    ("usage", "metered"),
    [
        ({"credits_used": 1, "usd_spent": 0.0000005}, Metered(Decimal(1), 0)),
        ({"credits_used": 390000, "usd_spent": 0.195}, Metered(Decimal(390000), 195_000)),
        ({"credits_used": 7541.5, "usd_spent": 1}, Metered(Decimal("7541.5"), 1_000_000)),
        ({"credits_used": True, "usd_spent": 1}, None),
        ({"credits_used": -1, "usd_spent": 1}, None),
        ({"credits_used": 1, "usd_spent": 10**6}, None),
    ],
)
def test_the_amount_that_the_provider_states_is_read_exactly(usage: object, metered: Metered | None) -> None:
    body = {"audio": {"url": LINK}, "meta": {"usage": usage}}
    assert SPEAKER.read_start(answer_with(json.dumps(body).encode())) == AudioAt(LINK, metered=metered)


def test_a_requested_pause_is_passed_on() -> None:
    assert failure_of("aimlapi_speech", "http_429").retry_after_s == 9


def test_a_failure_names_the_provider_and_its_words() -> None:
    failure = failure_of("aimlapi_speech", "http_400")
    assert (failure.trace_id, "AIML API speech answered code 400" in failure.message) == ("2b8a5b1e", True)


def test_there_is_nothing_to_poll() -> None:
    assert SPEAKER.blocking
    with pytest.raises(ConfigurationError):
        SPEAKER.poll_call("task")
