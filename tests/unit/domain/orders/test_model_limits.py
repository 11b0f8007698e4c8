"""What a model cannot do is refused naming what it allows; what it can do passes."""

import json
from typing import Any

import pytest

from fermata.domain.catalogue.models import read_catalogue
from fermata.domain.orders.order_request import parse_song_request
from fermata.errors import InvalidRequestError

CATALOGUE = read_catalogue()
SKILLBOSS = "skillboss/music-2.5"
MINIMAX_MUSIC = "apiinone/minimax-music"
SUNO = "apiinone/suno"
AIML_26 = "aimlapi/minimax/music-2.6"
ELEVEN = "aimlapi/elevenlabs/eleven_music"
LYRIA = "aimlapi/google/lyria2"
STABLE = "aimlapi/stable-audio"
LEGACY = "aimlapi/minimax-music"
MUSIC_01 = "aimlapi/music-01"
COVER = "minimax/music-cover"
AIML_COVER = "aimlapi/minimax/music-cover"
AFTER = {"reference": {"audio_url": "https://files.example.com/song.mp3"}}


def wrong(model: str, **fields: Any) -> dict[str, str]:  # noqa: ANN401 - any JSON value
    body = {"model": model, "prompt": "indie folk, rainy", "lyrics": "[Verse]\nRain on glass", **fields}
    try:
        parse_song_request(json.dumps(body).encode(), CATALOGUE)
    except InvalidRequestError as error:
        return {field.pointer: field.message for field in error.fields}
    return {}


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (SKILLBOSS, {}),
        (SKILLBOSS, {"prompt": ""}),
        (SKILLBOSS, {"prompt": "🎵" * 2000, "lyrics": "🎵" * 3500}),
        (SKILLBOSS, {"audio": {"format": "mp3", "sample_rate": 44100, "bitrate": 256000}}),
        (MINIMAX_MUSIC, {"lyrics": ""}),
        (MINIMAX_MUSIC, {"audio": {"bitrate": 60000, "sample_rate": 16000}}),
        (SUNO, {"prompt": "x" * 200, "lyrics": "x" * 3000, "title": "x" * 80}),
        (SUNO, {"prompt": ""}),
        ("apiinone/suno-v9", {}),
        ("apiinone/chirp-v3-5", {"prompt": "x" * 200, "lyrics": "x" * 3000, "title": "x" * 80}),
        ("apiinone/chirp-v4-5", {"prompt": "x" * 1000, "lyrics": "x" * 5000, "title": "x" * 80}),
        ("apiinone/chirp-v5-5", {"prompt": "x" * 400, "lyrics": ""}),
        (AIML_COVER, {"prompt": "x" * 2000, "lyrics": "", **AFTER}),
        (AIML_COVER, {"prompt": "x" * 10, "lyrics": "x" * 3000, "audio": {"format": "wav"}, **AFTER}),
        (SUNO, {"prompt": "x" * 400, "lyrics": ""}),
        (SUNO, {"lyrics": "", "instrumental": True}),
        (SUNO, {"lyrics": "", "auto_lyrics": True}),
        ("aimlapi/minimax/music-1.5", {"prompt": "x" * 300, "lyrics": "x" * 3000}),
        (AIML_26, {"prompt": "", "lyrics": "x" * 3000}),
        (AIML_26, {"prompt": "x" * 2000, "lyrics": "", "instrumental": True, "audio": {"format": "wav"}}),
        (AIML_26, {"lyrics": "", "auto_lyrics": True}),
        (ELEVEN, {"prompt": "x" * 2000, "lyrics": ""}),
        (LYRIA, {"lyrics": "", "audio": {"format": "wav"}}),
        (STABLE, {"lyrics": ""}),
    ],
)
def test_a_request_within_the_limits_passes(model: str, fields: dict[str, Any]) -> None:
    assert wrong(model, **fields) == {}


@pytest.mark.parametrize(
    ("model", "fields", "pointer", "says"),
    [
        (SKILLBOSS, {"lyrics": ""}, "/lyrics", "is required and must have 1 to 3500 characters"),
        (SKILLBOSS, {"instrumental": True, "lyrics": ""}, "/instrumental", "must be false"),
        (SKILLBOSS, {"auto_lyrics": True, "lyrics": ""}, "/auto_lyrics", "must be false"),
        (SKILLBOSS, {"audio": {"format": "wav"}}, "/audio/format", "must be one of mp3"),
        (SKILLBOSS, {"audio": {"sample_rate": 32000}}, "/audio/sample_rate", "must be one of 44100"),
        (SKILLBOSS, {"audio": {"bitrate": 60000}}, "/audio/bitrate", "must be one of 256000"),
        (MINIMAX_MUSIC, {"prompt": ""}, "/prompt", "is required"),
        ("apiinone/chirp-v3-5", {"lyrics": "x" * 3001}, "/lyrics", "1 to 3000 characters"),
        ("apiinone/chirp-v4", {"prompt": "x" * 201}, "/prompt", "1 to 200 characters"),
        ("apiinone/chirp-v5", {"prompt": "x" * 1001}, "/prompt", "1 to 1000 characters"),
        ("apiinone/chirp-v5", {"prompt": "x" * 401, "lyrics": ""}, "/prompt", "1 to 400 characters"),
        (AIML_COVER, {}, "/reference", "is required"),
        (AIML_COVER, {"prompt": "x" * 9, **AFTER}, "/prompt", "10 to 2000 characters"),
        (AIML_COVER, {"prompt": "", **AFTER}, "/prompt", "is required"),
        (AIML_COVER, {"lyrics": "x" * 9, **AFTER}, "/lyrics", "10 to 3000 characters"),
        (AIML_COVER, {"lyrics": "x" * 3001, **AFTER}, "/lyrics", "10 to 3000 characters"),
        (AIML_COVER, {"instrumental": True, "lyrics": "", **AFTER}, "/instrumental", "must be false"),
        (MINIMAX_MUSIC, {"instrumental": True, "lyrics": ""}, "/instrumental", "must be false"),
        (MINIMAX_MUSIC, {"audio": {"bitrate": 96000}}, "/audio/bitrate", "32000, 60000, 64000, 128000, 256000"),
        (
            SUNO,
            {"audio": {"sample_rate": 44100}},
            "/audio/sample_rate",
            "must be left out: apiinone/suno has no choice",
        ),
        (SUNO, {"audio": {"bitrate": 256000}}, "/audio/bitrate", "must be left out: apiinone/suno has no"),
        (SUNO, {"audio": {"format": "wav"}}, "/audio/format", "must be one of mp3"),
        (SUNO, {"prompt": "x" * 201}, "/prompt", "1 to 200 characters"),
        (SUNO, {"prompt": "x" * 401, "lyrics": ""}, "/prompt", "1 to 400 characters"),
        (SUNO, {"prompt": "", "lyrics": ""}, "/prompt", "is required"),
        (SUNO, {"lyrics": "x" * 3001}, "/lyrics", "to 3000 characters"),
        (SUNO, {"title": "x" * 81}, "/title", "to 80 characters"),
        ("minimax/music-2.5", {"audio": {"bitrate": 60000}}, "/audio/bitrate", "32000, 64000, 128000, 256000"),
        ("aimlapi/minimax/music-2.0", {"audio": {"bitrate": 60000}}, "/audio/bitrate", "32000, 64000"),
        ("aimlapi/minimax/music-1.5", {"prompt": "x" * 301}, "/prompt", "10 to 300 characters"),
        (AIML_26, {"lyrics": "x" * 3001}, "/lyrics", "1 to 3000 characters"),
        (AIML_26, {"lyrics": ""}, "/lyrics", "is required"),
        (ELEVEN, {}, "/lyrics", "must be left out: aimlapi/elevenlabs/eleven_music takes no lyrics"),
        (ELEVEN, {"prompt": "", "lyrics": ""}, "/prompt", "is required"),
        (ELEVEN, {"instrumental": True, "lyrics": ""}, "/instrumental", "has no such switch, so say it in the prompt"),
        (ELEVEN, {"lyrics": "", "audio": {"sample_rate": 44100}}, "/audio/sample_rate", "must be left out"),
        (LYRIA, {"lyrics": ""}, "/audio/format", "must be one of wav"),
        (STABLE, {"lyrics": "", "audio": {"format": "wav"}}, "/audio/format", "must be one of mp3"),
        (STABLE, {"lyrics": "", "auto_lyrics": True}, "/auto_lyrics", "must be false"),
    ],
)
def test_what_a_model_cannot_do_is_refused_naming_what_it_allows(
    model: str, fields: dict[str, Any], pointer: str, says: str
) -> None:
    refused = wrong(model, **fields)
    assert list(refused) == [pointer]
    assert says in refused[pointer]


@pytest.mark.parametrize("model", [LEGACY, MUSIC_01])
def test_a_model_that_takes_a_recording_takes_no_style_and_leaves_room_for_the_marks_around_the_lyrics(
    model: str,
) -> None:
    refused = wrong(model, lyrics="x" * 597)
    assert refused["/prompt"] == f"must be left out: {model} takes no prompt"
    assert "1 to 596 characters" in refused["/lyrics"]
    assert list(wrong(model, prompt="", lyrics="x" * 596)) == ["/reference"]


@pytest.mark.parametrize("model", [LEGACY, MUSIC_01, COVER])
def test_a_model_that_needs_a_recording_is_not_ordered_without_one(model: str) -> None:
    assert f"is required: {model} needs a reference recording" in wrong(model)["/reference"]


def test_every_offered_model_has_a_price_that_follows_its_cost() -> None:
    for model in CATALOGUE.models:
        assert model.price_credits == round(float(model.cost_usd) * 200)
