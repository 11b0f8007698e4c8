"""A body that is a song is known as one, whatever stands before its first byte; JSON behind line ends is none."""

import pytest

from fermata.domain.audio.answer_scanner import AnswerScanner
from fermata.domain.audio.container import LONGEST_LEAD_BYTES
from fermata.use_cases.generation.follow.parse_answer import read_answer
from tests.fakes.providers.upstream import ScriptedAnswer
from tests.support.audio_files import kept, mp3

LEADS = [b"", b"\0\0\0", b"\r\n\r\n", bytes(LONGEST_LEAD_BYTES), b"\n" * 60_000]


@pytest.mark.parametrize("lead", LEADS, ids=range(len(LEADS)))
@pytest.mark.parametrize("chunk_bytes", [1, 1000, 10_000_000])
@pytest.mark.parametrize("song", [mp3()[:2000], kept("tone_aac.m4a"), kept("tone.flac")], ids=["mp3", "m4a", "flac"])
def test_a_song_is_known_behind_zeros_and_line_ends(lead: bytes, chunk_bytes: int, song: bytes) -> None:
    answer = read_answer(ScriptedAnswer(lead + song, chunk_bytes=chunk_bytes))
    assert answer.begins_as_audio


@pytest.mark.parametrize("lead", LEADS, ids=range(len(LEADS)))
@pytest.mark.parametrize("body", [b'{"data": 1}', b"[1]", b"<html>", b"", b"plain text"])
def test_json_and_html_behind_line_ends_are_no_song(lead: bytes, body: bytes) -> None:
    assert not read_answer(ScriptedAnswer(lead + body)).begins_as_audio


def test_json_behind_line_ends_is_read() -> None:
    assert read_answer(ScriptedAnswer(b"\r\n" * 30_000 + b'{"data": 1}')).document == {"data": 1}


def test_an_answer_that_does_not_fit_into_the_memory_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_memory(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(AnswerScanner, "close", without_memory)
    answer = read_answer(ScriptedAnswer(b'{"data": 1}'))
    assert (answer.document, answer.flaw, answer.http_status) == (None, "too large", 200)


def test_a_text_behind_megabytes_of_white_space_begins_as_no_audio() -> None:
    blank = b"\\n" * 1_000_000
    answer = read_answer(ScriptedAnswer(b'{"data":{"audio":"' + blank * 9 + mp3().hex().encode() + b'"}}'))
    assert not answer.text_begins_as_audio
    answer = read_answer(ScriptedAnswer(b'{"data":{"audio":"' + blank + mp3().hex().encode() + b'"}}'))
    assert answer.text_begins_as_audio
