"""The body of `POST /v1/jobs`: every wrong field is named by its pointer together with what is allowed."""

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fermata.domain.catalogue.models import read_catalogue
from fermata.domain.orders.order_request import SongRequest, can_be_heard, parse_song_request
from fermata.domain.web.json_body import MAX_BODY_BYTES, MAX_FIELDS_TOLD
from fermata.errors import BodyTooLargeError, InvalidRequestError, MalformedBodyError, RequestRefusedError

CATALOGUE = read_catalogue()
GOOD = {"model": "minimax/music-2.5", "prompt": "indie folk, rainy evening", "lyrics": "[Verse]\nRain"}
DEEP = b"[" * 100_000


def parse(body: object) -> SongRequest:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return parse_song_request(raw, CATALOGUE)[0]


def wrong_fields(body: object) -> dict[str, str]:
    with pytest.raises(InvalidRequestError) as caught:
        parse(body)
    return {field.pointer: field.message for field in caught.value.fields}


def test_a_good_body_is_read_with_its_defaults() -> None:
    request = parse(GOOD)
    assert (request.instrumental, request.auto_lyrics, request.title, request.metadata) == (False, False, None, {})
    assert (request.audio.format, request.audio.sample_rate, request.audio.bitrate) == ("mp3", None, None)


def test_a_full_body_is_read_whole() -> None:
    audio = {"format": "mp3", "sample_rate": 32000, "bitrate": 128000}
    request = parse({**GOOD, "audio": audio, "title": "Rain", "metadata": {"order": "42"}})
    assert request.audio.model_dump() == audio
    assert (request.title, request.metadata) == ("Rain", {"order": "42"})


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut"),
        pytest.param(b"{'model': 1}", id="single_quotes"),
        pytest.param(b'{"model": "a",}', id="trailing_comma"),
        pytest.param(b'{"a": 1} {"b": 2}', id="two_documents"),
        pytest.param(b'{"prompt": "\xff\xfe"}', id="not_utf_8"),
        pytest.param(json.dumps(GOOD).encode("utf-16"), id="utf_16"),
        pytest.param(b"\xef\xbb\xbf{}", id="byte_order_mark"),
        pytest.param(b'{"prompt": NaN}', id="nan"),
        pytest.param(b'{"prompt": Infinity}', id="infinity"),
        pytest.param(b'{"prompt": -Infinity}', id="minus_infinity"),
        pytest.param(b'{"prompt": "a\nb"}', id="raw_line_break"),
        pytest.param(b'{"audio": ' + b"1" * 5000 + b"}", id="a_number_of_5000_digits"),
        pytest.param(b'{"prompt": "a", "prompt": "b"}', id="a_name_twice"),
        pytest.param(b'{"audio": {"format": "mp3", "format": "mp3"}}', id="a_name_twice_inside"),
        pytest.param(DEEP, id="deep_arrays"),
        pytest.param(b'{"a":' * 20_000, id="deep_objects"),
        pytest.param(DEEP[:40_000] + b"]" * 40_000, id="deep_and_whole"),
    ],
)
def test_what_is_not_one_json_document_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedBodyError, match="expected one JSON object"):
        parse(body)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"[]", "an array"),
        (b'"a"', "a string"),
        (b"7", "a number"),
        (b"7.5", "a number"),
        (b"true", "a boolean"),
        (b"null", "null"),
    ],
)
def test_what_is_json_but_no_object_is_named(body: bytes, kind: str) -> None:
    assert wrong_fields(body) == {"": f"must be a JSON object, got {kind}"}


def test_a_body_may_be_as_long_as_the_limit_and_no_longer() -> None:
    text = json.dumps(GOOD).encode()
    assert parse(text + b" " * (MAX_BODY_BYTES - len(text))).model == GOOD["model"]
    with pytest.raises(BodyTooLargeError, match=str(MAX_BODY_BYTES)):
        parse(text + b" " * (MAX_BODY_BYTES - len(text) + 1))


def test_the_longest_lyrics_fit_into_the_limit_however_they_are_escaped() -> None:
    body = {**GOOD, "prompt": "\U0001f3b5" * 2000, "lyrics": "\U0001f3b5" * 3500}
    assert len(parse(body).lyrics) == 3500


@pytest.mark.parametrize(
    ("change", "pointer", "message"),
    [
        pytest.param({"model": None}, "/model", "valid string", id="model_null"),
        pytest.param({"model": 7}, "/model", "valid string", id="model_number"),
        pytest.param({"model": ""}, "/model", "at least 1 character", id="model_empty"),
        pytest.param({"model": "m" * 101}, "/model", "at most 100 characters", id="model_too_long"),
        pytest.param({"model": "suno/v5"}, "/model", "allowed: minimax/music-1.5", id="model_unknown"),
        pytest.param({"model": "minimax/music- 9"}, "/model", "is not a model on offer", id="pattern_with_space"),
        pytest.param({"model": "minimax/music-" + "9" * 50}, "/model", "is not a model on offer", id="pattern_long"),
        pytest.param({"prompt": 7}, "/prompt", "valid string", id="prompt_number"),
        pytest.param({"prompt": ["a"]}, "/prompt", "valid string", id="prompt_list"),
        pytest.param({"prompt": None}, "/prompt", "valid string", id="prompt_null"),
        pytest.param({"prompt": "p" * 2001}, "/prompt", "to 2000 characters, got 2001", id="prompt_too_long"),
        pytest.param({"prompt": "a\x00b"}, "/prompt", "without NUL", id="prompt_nul"),
        pytest.param({"lyrics": ""}, "/lyrics", "is required and must have 1 to 3500", id="lyrics_empty"),
        pytest.param({"lyrics": "l" * 3501}, "/lyrics", "1 to 3500 characters, got 3501", id="lyrics_too_long"),
        pytest.param({"instrumental": "yes"}, "/instrumental", "valid boolean", id="instrumental_text"),
        pytest.param({"instrumental": 1}, "/instrumental", "valid boolean", id="instrumental_number"),
        pytest.param({"auto_lyrics": True}, "/lyrics", "must be left out when auto_lyrics", id="auto_and_lyrics"),
        pytest.param({"audio": "mp3"}, "/audio", "valid dictionary", id="audio_text"),
        pytest.param({"audio": None}, "/audio", "valid dictionary", id="audio_null"),
        pytest.param({"audio": {"format": "pcm"}}, "/audio/format", "must be 'mp3' or 'wav'", id="format_unknown"),
        pytest.param({"audio": {"sample_rate": 48000}}, "/audio/sample_rate", "16000, 24000", id="rate_unknown"),
        pytest.param({"audio": {"sample_rate": "44100"}}, "/audio/sample_rate", "valid integer", id="rate_text"),
        pytest.param({"audio": {"sample_rate": 44100.5}}, "/audio/sample_rate", "valid integer", id="rate_float"),
        pytest.param({"audio": {"sample_rate": True}}, "/audio/sample_rate", "valid integer", id="rate_boolean"),
        pytest.param({"audio": {"bitrate": 192000}}, "/audio/bitrate", "32000, 64000", id="bitrate_unknown"),
        pytest.param(
            {"audio": {"format": "wav", "bitrate": 128000}}, "/audio/bitrate", "left out for wav", id="wav_bitrate"
        ),
        pytest.param({"audio": {"channels": 2}}, "/audio/channels", "allowed: format, sample_rate", id="audio_extra"),
        pytest.param({"live": 1}, "/live", "valid boolean", id="live_number"),
        pytest.param({"live": True, "audio": {"format": "wav"}}, "/live", "only mp3 can be heard", id="live_wav"),
        pytest.param({"title": "t" * 121}, "/title", "at most 120 characters", id="title_too_long"),
        pytest.param({"title": ["a"]}, "/title", "valid string", id="title_list"),
        pytest.param({"metadata": []}, "/metadata", "valid dictionary", id="metadata_list"),
        pytest.param({"metadata": {"n": 42}}, "/metadata/n", "valid string", id="metadata_number"),
        pytest.param({"metadata": {"n": {"m": "o"}}}, "/metadata/n", "valid string", id="metadata_nested"),
        pytest.param({"metadata": {"n": "v" * 501}}, "/metadata/n", "at most 500 characters", id="value_too_long"),
        pytest.param({"metadata": {"": "v"}}, "/metadata/", "at least 1 character", id="key_empty"),
        pytest.param({"metadata": {"k" * 41: "v"}}, "/metadata/" + "k" * 41, "at most 40", id="key_too_long"),
        pytest.param({"metadata": {"[key]": 1}}, "/metadata/[key]", "valid string", id="key_called_key"),
        pytest.param({"metadata": {str(n): "" for n in range(17)}}, "/metadata", "at most 16 items", id="metadata_17"),
        pytest.param({"metadata": {"a/b~c": 7}}, "/metadata/a~1b~0c", "valid string", id="pointer_characters"),
        pytest.param({"duration": 60}, "/duration", "allowed: model, fallbacks, on_unknown", id="unknown_field"),
        pytest.param({"a/b~c": 1}, "/a~1b~0c", "is not a field here", id="unknown_field_with_pointer_characters"),
        pytest.param({"": 1}, "/", "is not a field here", id="unknown_empty_field"),
        pytest.param({"[key]": 1}, "/[key]", "is not a field here", id="unknown_field_called_key"),
        pytest.param({"audio ": {}}, "/audio ", "is not a field here", id="unknown_field_with_a_space"),
    ],
)
def test_a_wrong_field_is_named_with_what_is_allowed(change: dict[str, object], pointer: str, message: str) -> None:
    found = wrong_fields({**GOOD, **change})
    assert list(found) == [pointer]
    assert message in found[pointer]


def test_a_missing_model_is_named() -> None:
    assert wrong_fields({"prompt": "a"}) == {"/model": "is required"}


def test_every_wrong_field_is_reported_at_once() -> None:
    found = wrong_fields({"prompt": 7, "audio": {"format": 8, "x": 1}, "metadata": {"n": 1}, "wrong": 1})
    assert set(found) == {"/model", "/prompt", "/audio/format", "/audio/x", "/metadata/n", "/wrong"}


def test_everything_that_a_model_refuses_is_reported_at_once() -> None:
    audio = {"format": "wav", "sample_rate": 8000, "bitrate": 1}
    body = {"model": "minimax/music-1.5", "prompt": "short", "instrumental": True, "auto_lyrics": True, "audio": audio}
    found = wrong_fields(body)
    assert set(found) == {"/instrumental", "/auto_lyrics", "/prompt", "/audio/sample_rate", "/audio/bitrate"}


@pytest.mark.parametrize("where", ["prompt", "lyrics", "title", "model"])
def test_a_lone_surrogate_is_refused(where: str) -> None:
    text = json.dumps({**GOOD, where: "x" * 10}).replace("x" * 10, "a \\ud800 b")
    assert list(wrong_fields(text.encode())) == [f"/{where}"]


@pytest.mark.parametrize("name", ["metadata", "unknown"])
def test_a_lone_surrogate_in_a_name_is_refused(name: str) -> None:
    body = {**GOOD, "metadata": {"KEY": "v"}} if name == "metadata" else {**GOOD, "KEY": 1}
    with pytest.raises(RequestRefusedError):
        parse(json.dumps(body).replace("KEY", "\\udfff").encode())


def test_lengths_count_characters_and_not_bytes() -> None:
    assert len(parse({**GOOD, "prompt": "\U0001f3b5" * 2000}).prompt) == 2000
    assert list(wrong_fields({**GOOD, "prompt": "\U0001f3b5" * 2001})) == ["/prompt"]
    assert len(parse({**GOOD, "title": "é" * 120}).title or "") == 120


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"model": "minimax/music-2.6", "prompt": "piano", "instrumental": True}, id="instrumental"),
        pytest.param({"model": "minimax/music-2.5", "prompt": "folk", "auto_lyrics": True}, id="auto_lyrics"),
        pytest.param({"model": "minimax/music-2.5", "lyrics": "la"}, id="no_prompt"),
        pytest.param({**GOOD, "title": None}, id="title_null"),
        pytest.param({**GOOD, "audio": {"bitrate": None}}, id="bitrate_null"),
        pytest.param({**GOOD, "model": "minimax/music-9"}, id="a_new_model_of_a_family"),
        pytest.param({**GOOD, "model": "aimlapi/minimax/music-2.0", "lyrics": "l" * 10}, id="aimlapi"),
    ],
)
def test_a_good_combination_is_accepted(body: dict[str, object]) -> None:
    parse(body)


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"model": "minimax/music-2.6", "prompt": "piano", "lyrics": "la", "instrumental": True}, ["/lyrics"]),
        ({"model": "minimax/music-2.6", "instrumental": True}, ["/prompt"]),
        ({"model": "minimax/music-2.5", "prompt": "a", "instrumental": True}, ["/instrumental"]),
        ({"model": "minimax/music-2.6", "prompt": "a", "instrumental": True, "auto_lyrics": True}, ["/auto_lyrics"]),
        ({"model": "minimax/music-2.5", "auto_lyrics": True}, ["/prompt"]),
        ({"model": "minimax/music-1.5", "prompt": "p" * 9, "lyrics": "l" * 10}, ["/prompt"]),
        ({"model": "minimax/music-1.5", "prompt": "p" * 301, "lyrics": "l" * 3001}, ["/prompt", "/lyrics"]),
        ({"model": "aimlapi/minimax/music-2.0", "lyrics": "l" * 10}, ["/prompt"]),
    ],
)
def test_a_combination_that_the_provider_would_ignore_is_refused(body: dict[str, object], pointers: list[str]) -> None:
    assert list(wrong_fields(body)) == pointers


def test_a_family_pattern_keeps_the_requested_name() -> None:
    _, model = parse_song_request(json.dumps({**GOOD, "model": "minimax/music-9"}).encode(), CATALOGUE)
    assert model is not None
    assert (model.id, model.provider, model.upstream_model) == ("minimax/music-9", "minimax", "music-9")


def test_a_body_of_wrong_fields_alone_is_refused_in_an_answer_of_bounded_length() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        parse({**GOOD, **{f"{n:x}": 1 for n in range(8_000)}})
    assert len(caught.value.fields) == MAX_FIELDS_TOLD + 1
    last = caught.value.fields[-1]
    assert (last.pointer, last.message) == ("", f"has {8_000 - MAX_FIELDS_TOLD} more wrong fields")


def test_no_message_repeats_what_was_sent() -> None:
    canary = "canary-of-the-caller"
    for body in ({**GOOD, "model": canary}, {**GOOD, "audio": {"format": canary}}, {**GOOD, "instrumental": canary}):
        assert canary not in str(wrong_fields(body))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
FIELDS = st.sampled_from([*SongRequest.model_fields, "format", "[key]", ""])


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(FIELDS, JSON, max_size=5))
def test_any_json_is_either_read_or_refused(change: dict[str, object]) -> None:
    with contextlib.suppress(InvalidRequestError):
        assert isinstance(parse({**GOOD, **change}), SongRequest)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_refused_as_a_request(body: bytes) -> None:
    with pytest.raises(RequestRefusedError):
        parse(body)


@pytest.mark.parametrize("model", ["skillboss/music-2.5", "aimlapi/minimax/music-2.0", "minimax/music-cover"])
def test_a_live_song_of_a_model_that_cannot_stream_is_refused(model: str) -> None:
    found = wrong_fields({**GOOD, "model": model, "lyrics": "l" * 10, "live": True})
    assert found["/live"] == f"must be false: {model} cannot be heard while it is made"


def test_a_fallback_that_cannot_stream_serves_a_live_order() -> None:
    request = parse({**GOOD, "live": True, "fallbacks": ["skillboss/music-2.5"]})
    models = [CATALOGUE.find(each) for each in (request.model, "skillboss/music-2.5")]
    assert [can_be_heard(request, model) for model in models if model] == [True, False]


def test_a_song_is_not_live_unless_it_is_asked_for() -> None:
    model = CATALOGUE.find("minimax/music-2.5")
    assert model is not None
    assert not can_be_heard(parse(GOOD), model)
