"""A text of nothing that can be seen is none, however many characters it has."""

import json
import sys
import unicodedata
from typing import Any

import pytest

from fermata.domain.catalogue.models import read_catalogue
from fermata.domain.orders.order_request import parse_song_request
from fermata.domain.web.visible_text import is_blank
from fermata.errors import InvalidRequestError

BODY = {"model": "minimax/music-2.6", "prompt": "indie folk, rainy", "lyrics": "[Verse]\nRain on glass"}
UNSEEN = [
    pytest.param(" \t\r\n\v\f", id="white space"),
    pytest.param("\u00a0\u1680\u2000\u2007\u200a\u202f\u205f\u3000\u2028\u2029\u0085", id="spaces of Unicode"),
    pytest.param("\u200b\u200c\u200d\u2060\ufeff\u180e", id="zero width"),
    pytest.param("\u200e\u200f\u202a\u202e\u2066\u2069\u061c", id="directions"),
    pytest.param("\u00ad\u034f", id="soft hyphen, grapheme joiner"),
    pytest.param("\u115f\u1160\u3164\uffa0", id="fillers of Hangul"),
    pytest.param("\u2800\U0001d159", id="blank glyphs"),
    pytest.param("\ufe0e\ufe0f\U000e0100\u180b", id="variation selectors"),
    pytest.param("\U000e0041\U000e007f", id="tags"),
    pytest.param("\u17b4\u17b5\u0301\u20dd", id="marks on nothing"),
    pytest.param("\x01\x1f\x7f\x9f", id="control characters"),
    pytest.param("\u2065\ufff0\U000e0fff", id="ignored and unassigned"),
]


def wrong(**fields: Any) -> dict[str, str]:  # noqa: ANN401 - any JSON value
    try:
        parse_song_request(json.dumps({**BODY, **fields}).encode(), read_catalogue())
    except InvalidRequestError as error:
        return {field.pointer: field.message for field in error.fields}
    return {}


@pytest.mark.parametrize("text", UNSEEN)
def test_text_without_visible_characters_is_blank(text: str) -> None:
    assert is_blank(text)
    assert [character for character in text if not is_blank(character)] == []
    assert not is_blank(f"{text}a{text}")


@pytest.mark.parametrize(
    "text", ["a", "雨", "क\u093e", "♪", "🎵", "👩\u200d🎤", ".", "1", "e\u0301", "[Inst]", "\U0001fae9"]
)
def test_text_with_a_visible_character_is_not_blank(text: str) -> None:
    assert not is_blank(f" {text}\u200b")


def test_every_format_control_and_separating_character_is_unseen() -> None:
    seen = [
        chr(number)
        for number in range(sys.maxunicode + 1)
        if unicodedata.category(chr(number)) in {"Zs", "Zl", "Zp", "Cc", "Cf"} and not is_blank(chr(number))
    ]
    assert seen == []


@pytest.mark.parametrize("text", UNSEEN)
@pytest.mark.parametrize("name", ["prompt", "lyrics"])
def test_a_blank_text_is_refused_before_anything_is_paid(name: str, text: str) -> None:
    message = wrong(**{name: (text * 20)[:20]})[f"/{name}"]
    assert message.startswith("must have a character that can be seen")
    assert ("left out" in message) is (name == "prompt")


def test_a_title_is_refused_where_the_provider_is_sent_it() -> None:
    suno = {"model": "apiinone/suno", "title": "\u200b"}
    assert set(wrong(**suno)) == {"/title"}
    assert wrong(title="\u200b") == {}


def test_a_text_that_may_be_left_out_may_still_be_empty() -> None:
    assert wrong(prompt="") == {}
    assert wrong(lyrics="", instrumental=True) == {}


def test_a_fallback_is_not_ordered_with_a_blank_text_either() -> None:
    found = wrong(prompt="\u3000" * 12, fallbacks=["aimlapi/minimax/music-2.0"])
    assert set(found) == {"/prompt", "/fallbacks/0"}
