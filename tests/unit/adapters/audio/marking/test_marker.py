"""A song's file says what it is; its sound, and whatever its provider wrote into it, stay byte for byte."""

import hashlib
import io
from collections.abc import Callable
from datetime import date
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fermata.adapters.audio.marking import marker
from fermata.adapters.audio.marking.changes import Change
from fermata.adapters.audio.marking.id3 import tag_change
from fermata.adapters.audio.marking.marker import FileMarker
from fermata.adapters.audio.measurement import measure_audio
from fermata.adapters.audio.window import ByteWindow
from fermata.domain.audio.marks import MADE_BY_A_MODEL, Edit, Mark, Part, SongFacts, Span, source_bytes
from fermata.errors import BadAudioError
from fermata.ports.audio import MarkedFile
from tests.support.audio_files import (
    decoded_ms,
    mp3,
)
from tests.support.players import tags_of
from tests.support.songs_to_mark import ABOUT, MARKED, RF64, SIGNED, UNMARKED, undone

MarkSong = Callable[..., tuple[bytes, MarkedFile]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("songs")


@pytest.fixture(scope="module")
def mark(folder: Path) -> MarkSong:
    """Marks the bytes of a file."""

    def mark_bytes(song: bytes, about: SongFacts = ABOUT) -> tuple[bytes, MarkedFile]:
        path = folder / "song"
        path.write_bytes(song)
        with (folder / "marked").open("w+b") as into:
            marked = FileMarker().mark(path, measure_audio(path), hashlib.sha256(song).hexdigest(), about, into)
        assert (folder / "marked").read_bytes() == b""
        stored = b"".join(_bytes_of(song, part) for part in marked.parts) if marked.edits else song
        assert hashlib.sha256(stored).hexdigest() == marked.sha256
        return stored, marked

    return mark_bytes


@pytest.mark.parametrize("name", MARKED)
def test_a_marked_song_leads_back_to_its_providers_file_and_sounds_the_same(mark: MarkSong, name: str) -> None:
    song = MARKED[name]
    stored, marked = mark(song)
    assert marked.marks == (Mark.TAGS,)
    assert MADE_BY_A_MODEL.encode() in stored or MADE_BY_A_MODEL.encode("utf-16-le") in stored
    assert undone(stored, marked.edits) == song
    assert source_bytes(marked.edits, len(stored)) == len(song)
    # What is undone is small, so that it can be kept with the record.
    assert sum(len(edit.was) for edit in marked.edits) <= 16
    assert len(marked.edits) <= 3


@pytest.mark.parametrize("name", UNMARKED)
def test_a_file_that_has_no_safe_place_for_marks_is_left_as_it_is(mark: MarkSong, name: str) -> None:
    assert mark(UNMARKED[name]) == (UNMARKED[name], MarkedFile((), hashlib.sha256(UNMARKED[name]).hexdigest()))


@pytest.mark.parametrize("name", SIGNED)
def test_a_file_that_its_provider_signed_is_left_as_it_is_because_a_change_would_void_the_signature(
    mark: MarkSong, name: str
) -> None:
    stored, marked = mark(SIGNED[name])
    assert (stored, marked.marks, marked.edits) == (SIGNED[name], (Mark.C2PA,), ())


@pytest.mark.parametrize("name", ["MP3", "WAV", "MP3 with a tag of 2.3 and padding"])
def test_an_independent_decoder_hears_the_same_song(mark: MarkSong, name: str) -> None:
    assert decoded_ms(mark(MARKED[name])[0]) == decoded_ms(MARKED[name])


@settings(max_examples=25)
@given(title=st.text(max_size=40), text=st.text(max_size=200), name=st.sampled_from(["MP3", "AAC", "FLAC", "M4A"]))
def test_no_title_and_no_text_keeps_a_song_from_being_marked(mark: MarkSong, title: str, text: str, name: str) -> None:
    stored, marked = mark(MARKED[name], SongFacts("job_1", "x", "x/y", date(2026, 1, 2), title or None, text or None))
    assert marked.marks == (Mark.TAGS,)
    assert undone(stored, marked.edits) == MARKED[name]


def test_the_same_song_gets_the_same_bytes_each_time(mark: MarkSong) -> None:
    assert mark(MARKED["MP3"]) == mark(MARKED["MP3"])


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("MP3 with a tag of 2.4", b"TIT2"),
        ("WAV with fields", b"INAM"),
        ("FLAC with comments", b"TITLE="),
    ],
)
def test_the_providers_own_title_stays_the_only_one(mark: MarkSong, name: str, title: bytes) -> None:
    stored, _ = mark(MARKED[name])
    # What Fermata put into a WAV's tag is a tag of its own.
    fields = stored.partition(b"id3 ")[0]
    assert (fields.count(title), b"Theirs" in fields) == (1, True)


def test_the_xmp_packet_is_xml_whatever_the_title_says(mark: MarkSong) -> None:
    about = SongFacts("job_1", "x", "x/y", date(2026, 1, 2), "]]> </dc:title> & \x00\x0b\ufffe \"'")
    stored, _ = mark(MARKED["M4A"], about)
    packet = stored[stored.index(b"<x:xmpmeta") : stored.index(b"</x:xmpmeta>") + len(b"</x:xmpmeta>")]
    found = ET.fromstring(packet)  # noqa: S314 - written above
    texts = [each.text for each in found.iter() if each.text and each.text.strip()]
    assert MADE_BY_A_MODEL in texts
    assert any(text.startswith("]]> </dc:title> &") for text in texts)


def test_a_marked_copy_that_sounds_otherwise_or_leads_elsewhere_is_not_used(
    mark: MarkSong, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = tag_change(ByteWindow(io.BytesIO(mp3()), len(mp3())), 0, ABOUT)
    for wrong in (
        Change(0, 0, plain.put + mp3()),
        Change(len(mp3()) // 2, 5000, b""),
        Change(0, 0, b"RIFF"),
    ):
        monkeypatch.setattr(marker, "tag_changes", lambda *_, wrong=wrong: [wrong])
        with pytest.raises(BadAudioError):
            mark(mp3())
    monkeypatch.setattr(marker, "tag_changes", lambda *_: [plain])
    edits, parts = (Edit(at=0, length=len(plain.put)),), (plain.put, Span(0, len(mp3())))
    for wrong_edits, wrong_parts in (
        ((Edit(at=0, length=1),), parts),
        ((Edit(at=0, length=len(plain.put), was="00"),), parts),
        ((Edit(at=0, length=len(plain.put)),), (plain.put, Span(0, len(mp3()) - 1))),
        (edits, (plain.put, Span(1, len(mp3()) - 1))),
        (edits, (plain.put, mp3()[:50], mp3()[49:50], Span(51, len(mp3()) - 51))),
        ((), parts),
    ):
        monkeypatch.setattr(marker, "splice", lambda *_, wrong=(wrong_edits, wrong_parts): wrong)
        with pytest.raises(BadAudioError, match="found another one"):
            mark(mp3())
    monkeypatch.setattr(marker, "splice", lambda *_: (edits, (plain.put, mp3()[:50], Span(50, len(mp3()) - 50))))
    stored, _ = mark(mp3())
    assert stored == plain.put + mp3()


def _bytes_of(song: bytes, part: Part) -> bytes:
    return song[part.at : part.at + part.length] if isinstance(part, Span) else part


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("MP3", "mp3"),
        ("MP3 with a tag of 2.3 and padding", "mp3"),
        ("AAC", "aac"),
        ("WAV", "wav"),
        ("WAV of unknown length", "wav"),
        ("FLAC", "flac"),
        ("FLAC of one block", "flac"),
    ],
)
def test_a_player_reads_what_the_marks_say(mark: MarkSong, folder: Path, name: str, suffix: str) -> None:
    file = folder / f"player.{suffix}"
    file.write_bytes(mark(MARKED[name])[0])
    said = tags_of(str(file))
    assert (said["comment"], said["date"]) == ("AI-generated by minimax/music-2.6", "2026-11-30")
    assert MADE_BY_A_MODEL in said.get("digital_source_type", said.get("ikey", ""))
    assert said["title"] == "Rain & <sun>"
    if suffix != "wav":
        assert said.get("lyrics", said.get("lyrics-xxx")) == "[Verse]\nLa la\n"


def test_the_wide_size_of_a_file_grows_with_it_and_a_player_shows_the_fields(mark: MarkSong, folder: Path) -> None:
    stored, marked = mark(RF64)
    assert int.from_bytes(stored[20:28], "little") == len(stored) - 8
    assert (marked.edits[0].at, marked.edits[0].length) == (20, 8)
    path = folder / "wide.wav"
    path.write_bytes(stored)
    assert tags_of(str(path))["title"] == "Rain & <sun>"
