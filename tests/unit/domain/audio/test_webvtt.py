"""Subtitles become WebVTT that says the same at the same moments, whatever the text holds."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from fermata.domain.audio.webvtt import webvtt


def sentence(text: str, begin: float = 0, end: float = 1000) -> dict[str, JsonValue]:
    return {"text": text, "time_begin": begin, "time_end": end, "text_begin": 0}


def test_each_sentence_is_a_cue_with_its_times_to_the_millisecond() -> None:
    said: list[JsonValue] = [sentence("One.", 0, 999.6), sentence("Two.", 61_001, 3_723_004)]
    assert webvtt(said) == ("WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nOne.\n\n00:01:01.001 --> 01:02:03.004\nTwo.\n")


def test_text_is_text_and_neither_markup_nor_a_cue_of_its_own() -> None:
    text = "<script>&amp;</script>\n\n00:00:00.000 --> 00:00:09.000\nforged\x00"
    assert webvtt([sentence(text)]) == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n"
        "&lt;script&gt;&amp;amp;&lt;/script&gt;\n00:00:00.000 --&gt; 00:00:09.000\nforged\ufffd\n"
    )


@settings(max_examples=50)
@given(st.lists(st.tuples(st.text(), st.integers(0, 10**8), st.integers(1, 10**5)), max_size=5))
def test_no_text_makes_or_ends_a_cue(said: list[tuple[str, int, int]]) -> None:
    written = webvtt([sentence(text, begin, begin + length) for text, begin, length in said])
    assert written is not None
    head, *cues = written.rstrip("\n").split("\n\n")
    assert head == "WEBVTT"
    assert len(cues) <= len(said)
    timing = re.compile(r"\d{2,3}:[0-5]\d:[0-5]\d\.\d{3} --> \d{2,3}:[0-5]\d:[0-5]\d\.\d{3}")
    for cue in cues:
        first, *lines = cue.split("\n")
        assert timing.fullmatch(first)
        assert lines
        assert not any("-->" in line or "<" in line for line in lines)


@pytest.mark.parametrize(
    "entry",
    [
        "x",
        None,
        {},
        {"text": "x"},
        {"text": 1, "time_begin": 0, "time_end": 1},
        {"text": "x", "time_begin": "0", "time_end": 1},
        {"text": "x", "time_begin": True, "time_end": 1},
        {"text": "x", "time_begin": -1, "time_end": 1},
        {"text": "x", "time_begin": 2, "time_end": 1},
        {"text": "x", "time_begin": 0, "time_end": float("inf")},
        {"text": "x", "time_begin": 0, "time_end": 10**400},
    ],
)
def test_entries_without_times_make_no_webvtt(entry: JsonValue) -> None:
    assert webvtt([sentence("One."), entry]) is None


def test_silence_has_no_cue() -> None:
    assert webvtt([sentence(" \n "), sentence("x", 5, 5)]) == webvtt([]) == "WEBVTT\n"
