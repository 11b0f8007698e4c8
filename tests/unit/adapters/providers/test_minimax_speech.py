"""MiniMax's speech: what is sent, and what the answer counts."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Final

import pytest

from fermata.adapters.providers import load_provider
from fermata.adapters.providers.speech.languages import LANGUAGE_BOOST
from fermata.domain.catalogue.models import read_catalogue
from fermata.domain.providers.calls import AudioInAnswer, Metered, SongOrder, Speech
from fermata.errors import ConfigurationError
from tests.fixtures.http_answers import answer_with

SPEAKER = load_provider("minimax_speech")
SPEECH: Final = Speech("A sentence.", "English_Graceful_Lady", 1.25, "yue", "calm", subtitles=True)
ORDER: Final = SongOrder(
    upstream_model="speech-2.8-hd",
    prompt="",
    lyrics="",
    instrumental=False,
    auto_lyrics=False,
    audio_format="mp3",
    sample_rate=32000,
    bitrate=128000,
    delivery="hex",
    speech=SPEECH,
)


def test_the_paid_call_carries_the_text_and_every_choice() -> None:
    call = SPEAKER.start_call(ORDER)
    assert (call.method, call.path, dict(call.query)) == ("POST", "/v1/t2a_v2", {})
    assert call.body == {
        "model": "speech-2.8-hd",
        "text": "A sentence.",
        "voice_setting": {"voice_id": "English_Graceful_Lady", "speed": 1.25, "emotion": "calm"},
        "language_boost": "Chinese,Yue",
        "audio_setting": {"sample_rate": 32000, "bitrate": 128000, "format": "mp3"},
        "subtitle_enable": True,
        "stream": False,
        "output_format": "hex",
    }


def test_choices_that_the_order_leaves_open_are_not_sent() -> None:
    plain = replace(ORDER, delivery="url", audio_format="wav", speech=Speech("A sentence.", "Wise_Woman"))
    body = SPEAKER.start_call(plain).body or {}
    assert set(body) == {"model", "text", "voice_setting", "audio_setting", "stream", "output_format"}
    assert (body["voice_setting"], body["output_format"]) == ({"voice_id": "Wise_Woman"}, "url")


def test_a_song_is_no_speech() -> None:
    with pytest.raises(ConfigurationError, match=r"expected a text for speech-2\.8-hd, found a song"):
        SPEAKER.start_call(replace(ORDER, speech=None))


@pytest.mark.parametrize("model", [each for each in read_catalogue().models if each.speech], ids=lambda each: each.id)
def test_every_language_on_offer_has_a_name_at_the_provider(model: object) -> None:
    speech = getattr(model, "speech", None)
    assert speech is not None
    assert set(speech.languages) <= set(LANGUAGE_BOOST)


@pytest.mark.parametrize(("said", "metered"), [(1, 1), ("7", 7), (999_999_999, 999_999_999), (1.5, None), (True, None)])
def test_the_counted_characters_are_a_positive_whole_number(said: object, metered: int | None) -> None:
    body = {"data": {"audio": "00", "status": 2}, "extra_info": {"usage_characters": said}}
    outcome = SPEAKER.read_start(answer_with(json.dumps(body).encode()))
    assert outcome == AudioInAnswer(metered=None if metered is None else Metered(Decimal(metered)))


def test_there_is_nothing_to_poll() -> None:
    assert SPEAKER.blocking
    with pytest.raises(ConfigurationError):
        SPEAKER.poll_call("task")
