"""An order of speech is held against its model; a song takes none of its fields, and speech none of a song's."""

import json
from decimal import Decimal
from typing import Any

import pytest

from fermata.domain.catalogue.models import Catalogue, Model, read_catalogue
from fermata.domain.catalogue.voices import shipped_voices
from fermata.domain.orders.candidates import candidates_for
from fermata.domain.orders.idempotency import fingerprint_of
from fermata.domain.orders.order_request import SongRequest, parse_song_request
from fermata.domain.web.json_body import MAX_BODY_BYTES
from fermata.errors import InvalidRequestError

CATALOGUE = read_catalogue()
HD = "minimax/speech-2.8-hd"
BOSS = "skillboss/speech-2.8-hd"
AIML = "aimlapi/minimax/speech-2.8-hd"
SONG = {"model": "minimax/music-2.5", "prompt": "indie folk", "lyrics": "[Verse]\nRain"}
VOICE = "English_Graceful_Lady"


def body(model: str = HD, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    return {"model": model, "text": "A sentence that is spoken.", "voice": VOICE, **fields}


def wrong(asked: dict[str, Any], catalogue: Catalogue = CATALOGUE) -> dict[str, str]:
    try:
        parse_song_request(json.dumps(asked).encode(), catalogue)
    except InvalidRequestError as error:
        return {field.pointer: field.message for field in error.fields}
    return {}


def parsed(asked: dict[str, Any]) -> tuple[SongRequest, Model]:
    request, model = parse_song_request(json.dumps(asked).encode(), CATALOGUE)
    assert model is not None
    return request, model


@pytest.mark.parametrize("model", [each for each in CATALOGUE.models if each.speech], ids=lambda model: model.id)
def test_a_model_that_speaks_has_voices_and_a_price_for_1000_characters(model: Model) -> None:
    assert model.speech is not None
    voices = {voice.id for voice in shipped_voices()[model.speech.voices]}
    assert model.speech.default_voice is None or model.speech.default_voice in voices
    assert (model.kind, model.unit, model.songs) == ("speech", "1000_characters", 1)
    assert model.price_credits >= 1


def test_every_voice_is_named_once() -> None:
    for voices in shipped_voices().values():
        assert len({voice.id for voice in voices}) == len(voices)


@pytest.mark.parametrize(
    "asked",
    [
        body(),
        body(text="x"),
        body(text="\U0001f3b5" * 9999),
        body(speed=0.5),
        body(speed=2),
        body(speed=1.25, language="de", emotion="calm", subtitles=True),
        body(title="A title", metadata={"a": "b"}),
        body(audio={"format": "wav", "sample_rate": 8000}),
        body(audio={"format": "mp3", "sample_rate": 32000, "bitrate": 32000}),
        body("minimax/speech-2.6-turbo", emotion="whisper"),
        body("minimax/speech-9"),
        body(BOSS, voice="female-shaonv"),
        {"model": BOSS, "text": "Without a voice."},
        {"model": AIML, "text": "x" * 5000},
        body(fallbacks=[BOSS, AIML]),
        body(live=True),
        body("minimax/speech-9", live=True, fallbacks=[BOSS, AIML]),
    ],
)
def test_what_a_model_can_speak_is_taken(asked: dict[str, Any]) -> None:
    assert wrong(asked) == {}


@pytest.mark.parametrize(
    ("asked", "pointer", "says"),
    [
        (body(text=""), "/text", "is required and must have 1 to 9999 characters, got 0"),
        (body(text="x" * 10_000), "/text", "must have 1 to 9999 characters, got 10000"),
        (body(AIML, text="x" * 5001), "/text", "must have 1 to 5000 characters, got 5001"),
        (body(text=" \n\t\u200b"), "/text", "white space alone is no text"),
        (body(text="a\x00b"), "/text", "without NUL"),
        (body(text="a\ud800b"), "/text", "lone surrogates"),
        (body(text=7), "/text", "valid string"),
        (body(text=None), "/text", "valid string"),
        (body(voice="Nobody"), "/voice", f"is not a voice of {HD}; GET /v1/voices?model={HD} lists the voices"),
        (body(voice=""), "/voice", "at least 1 character"),
        (body(voice="a\ud800"), "/voice", "valid string"),
        ({"model": HD, "text": "A text."}, "/voice", "is required"),
        (body(speed=0.49), "/speed", "greater than or equal to 0.5"),
        (body(speed=2.01), "/speed", "less than or equal to 2"),
        (body(speed=True), "/speed", "valid number"),
        (body(speed="1"), "/speed", "valid number"),
        (body(BOSS, speed=1), "/speed", f"must be left out: {BOSS} has one speed"),
        (body(language="xx"), "/language", "must be one of zh, yue, en"),
        (body(BOSS, language="en"), "/language", f"must be left out: {BOSS} takes no language"),
        (body(emotion="whisper"), "/emotion", "must be one of happy, sad"),
        (body(BOSS, emotion="sad"), "/emotion", "must be left out"),
        (body(AIML, subtitles=True), "/subtitles", f"must be false: {AIML} makes no subtitles"),
        (body(subtitles="yes"), "/subtitles", "valid boolean"),
        (body(live=True, subtitles=True), "/subtitles", "must be false for a live order: a stream has no subtitles"),
        (body(live=True, audio={"format": "wav"}), "/live", "must be false for wav: only mp3 can be heard"),
        (body(BOSS, live=True), "/live", f"must be false: {BOSS} cannot be heard while it is made"),
        (body(lyrics="la"), "/lyrics", "must be left out: minimax/speech-2.8-hd speaks the text"),
        (body(prompt="folk"), "/prompt", "must be left out"),
        (body(instrumental=True), "/instrumental", "must be false"),
        (body(auto_lyrics=True), "/auto_lyrics", "must be false"),
        (body(duration_s=60), "/duration_s", "must be left out"),
        (body(reference={"audio_url": "https://files.example.com/a.mp3"}), "/reference", "must be left out"),
        (body(audio={"sample_rate": 48000}), "/audio/sample_rate", "must be one of 8000"),
        (body(BOSS, audio={"format": "wav"}), "/audio/format", "must be one of mp3"),
        ({**SONG, "text": "A text."}, "/text", "must be left out: minimax/music-2.5 makes songs"),
        ({**SONG, "voice": VOICE}, "/voice", "must be left out: minimax/music-2.5 makes songs"),
        ({**SONG, "speed": 1}, "/speed", "must be left out"),
        ({**SONG, "language": "en"}, "/language", "must be left out"),
        ({**SONG, "emotion": "sad"}, "/emotion", "must be left out"),
        ({**SONG, "subtitles": True}, "/subtitles", "must be false: minimax/music-2.5 makes songs"),
    ],
)
def test_what_a_model_cannot_speak_is_refused_at_its_field(asked: dict[str, Any], pointer: str, says: str) -> None:
    refused = wrong(asked)
    assert list(refused) == [pointer]
    assert says in refused[pointer]


def test_all_wrong_fields_of_a_speech_are_named_at_once() -> None:
    assert set(wrong(body(text="", voice="Nobody", lyrics="la", emotion="odd"))) == {
        "/text",
        "/voice",
        "/lyrics",
        "/emotion",
    }


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (body(fallbacks=["minimax/music-2.5"]), "/lyrics is required"),
        ({**SONG, "fallbacks": [HD]}, "/text is required"),
        (body(text="x" * 5001, fallbacks=[AIML]), "/text must have 1 to 5000 characters"),
        (body(speed=1.5, fallbacks=[BOSS]), "/speed must be left out"),
        ({"model": BOSS, "text": "Without a voice.", "fallbacks": [HD]}, "/voice is required"),
    ],
)
def test_a_fallback_that_cannot_serve_the_speech_is_refused(asked: dict[str, Any], says: str) -> None:
    refused = wrong(asked)
    assert set(refused) == {"/fallbacks/0"}
    assert says in refused["/fallbacks/0"] or "cannot serve this request" in refused["/fallbacks/0"]


def test_a_default_fallback_that_lacks_the_voice_is_left_out() -> None:
    (request, model), others = parsed(body(BOSS)), [AIML, HD]
    chain = candidates_for(request, model, CATALOGUE, {BOSS: others}, None)
    assert [each.model for each in chain] == [BOSS, *others]
    other_voices = {"voices": "nobody's"}
    changed = [
        each.model_copy(update={"speech": each.speech.model_copy(update=other_voices)})
        if each.speech and each.id == AIML
        else each
        for each in CATALOGUE.models
    ]
    without = CATALOGUE.model_copy(update={"models": tuple(changed)})
    assert [each.model for each in candidates_for(request, model, without, {BOSS: others}, None)] == [BOSS, HD]
    assert "/voice is not a voice" in wrong(body(BOSS, fallbacks=[AIML]), without)["/fallbacks/0"]


def test_a_voice_that_only_the_provider_names_is_taken_and_asked_for_once_it_is_needed() -> None:
    asked: list[str] = []

    def found(model: Model) -> list[str]:
        asked.append(model.id)
        return ["Brand_New"]

    parse_song_request(json.dumps(body()).encode(), CATALOGUE, found=found)
    assert asked == []
    request, model = parse_song_request(json.dumps(body(voice="Brand_New")).encode(), CATALOGUE, found=found)
    assert asked == [HD]
    assert model is not None
    chain = candidates_for(request, model, CATALOGUE, {HD: [AIML]}, None, found=found)
    assert [each.model for each in chain] == [HD, AIML]


@pytest.mark.parametrize(
    ("text", "price", "micro_usd"),
    [
        ("x", 1, 200),
        ("x" * 50, 1, 10_000),
        ("x" * 51, 2, 10_200),
        ("x" * 1000, 20, 200_000),
        ("x" * 1001, 21, 200_200),
        ("\u4e2d" * 1000, 20, 200_000),
        ("\U0001f3b5" * 1000, 20, 200_000),
        ("e\u0301" * 500, 20, 200_000),
    ],
)
def test_a_text_is_priced_by_its_code_points_and_books_twice_as_many(text: str, price: int, micro_usd: int) -> None:
    request, model = parsed(body(text=text))
    (candidate,) = candidates_for(request, model, CATALOGUE, {}, None)
    assert (candidate.price_credits, candidate.cost_micro_usd) == (price, micro_usd)
    assert (candidate.kind, candidate.unit, candidate.count) == ("speech", "1000_characters", len(text))


def test_the_longest_text_fits_into_a_body_however_it_is_escaped() -> None:
    raw = json.dumps(body(text="\U0001f3b5" * 9999)).encode()
    assert len(raw) > 119_000
    assert len(parse_song_request(raw + b" " * (MAX_BODY_BYTES - len(raw)), CATALOGUE)[0].text) == 9999


def test_a_speed_comes_back_from_the_table_as_the_same_number() -> None:
    request, _ = parsed(body(speed=1.15))
    stored = {**request.model_dump(mode="json"), "speed": Decimal("1.15")}
    assert SongRequest.model_validate(stored) == request


@pytest.mark.parametrize("language", ["DE", "De", "de"])
def test_the_letters_of_a_language_mean_the_same_in_either_case(language: str) -> None:
    request, _ = parse_song_request(json.dumps(body(language=language)).encode(), CATALOGUE)
    assert request.language == "de"


def test_the_languages_of_the_catalogue_are_in_lower_case() -> None:
    listed = [each for model in CATALOGUE.models if model.speech for each in model.speech.languages]
    assert listed == [each.lower() for each in listed]


def test_a_request_that_was_stored_before_speech_still_loads_and_keeps_its_fingerprint() -> None:
    request, _ = parsed(SONG)
    new = {"text", "voice", "speed", "language", "emotion", "subtitles"}
    before = {name: value for name, value in request.model_dump(mode="json").items() if name not in new}
    assert SongRequest.model_validate(before) == request
    assert not new & set(request.model_dump(mode="json", exclude_defaults=True))
    assert fingerprint_of(SongRequest.model_validate(before)) == fingerprint_of(request)


def test_equal_speeds_in_any_notation_are_one_request() -> None:
    first, second = parsed(body(speed=1))[0], parsed(body(speed=1.0))[0]
    assert fingerprint_of(first) == fingerprint_of(second)


def test_a_speaking_model_without_rules_and_a_song_with_them_are_refused() -> None:
    document = json.loads(CATALOGUE.model_dump_json())
    speaker = next(each for each in document["models"] if each["kind"] == "speech")
    speaker["speech"], rules = None, speaker["speech"]
    with pytest.raises(ValueError, match="must have speech"):
        Catalogue.model_validate(document)
    speaker["speech"] = rules
    document["models"][0]["speech"] = rules
    with pytest.raises(ValueError, match="no other model may have it"):
        Catalogue.model_validate(document)
