"""MiniMax's speech: what is sent, and what the answer counts."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Final

import pytest

from fermata.adapters.providers import load_provider
from fermata.adapters.providers.speech.languages import LANGUAGE_BOOST
from fermata.domain.catalogue.models import read_catalogue
from fermata.domain.providers.calls import AudioInAnswer, AudioInEvents, Metered, SongOrder, Speech
from fermata.errors import ConfigurationError
from fermata.use_cases.generation.follow.parse_answer import decoded_events, decoded_song
from tests.fixtures.http_answers import answer_with, read_answer, read_body

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


def test_a_live_order_streams_hex_without_the_whole_file_at_the_end() -> None:
    plain = SPEAKER.start_call(replace(ORDER, speech=replace(SPEECH, subtitles=False))).body or {}
    for delivery in ("hex", "url"):
        live = replace(ORDER, live=True, delivery=delivery, speech=replace(SPEECH, subtitles=False))
        assert SPEAKER.start_call(live).body == {
            **plain,
            "stream": True,
            "stream_options": {"exclude_aggregated_audio": True},
            "output_format": "hex",
        }


def speech_in(name: str) -> bytes:
    found, body = SPEAKER.read_start(read_answer("minimax_speech", name)), read_body("minimax_speech", name)
    assert isinstance(found, AudioInEvents)
    return b"".join(decoded_events([body], found.whole_event))


@pytest.mark.parametrize(
    "name",
    [
        "stream_last_without_audio",
        "stream_last_is_a_part",
        "stream_last_repeats_everything",
        "stream_last_stands_before_a_part",
    ],
)
def test_the_speech_of_a_stream_is_the_speech_of_the_plain_answer(name: str) -> None:
    assert speech_in(name) == b"".join(decoded_song([read_body("minimax_speech", "hex")]))


def test_a_last_event_that_is_longer_than_the_parts_is_the_whole_speech() -> None:
    plain = b"".join(decoded_song([read_body("minimax_speech", "hex")]))
    assert speech_in("stream_last_is_longer") == plain[:26] + bytes(9) + plain[26:]


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
