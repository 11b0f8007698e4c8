"""A song's file says what it is; its sound, and whatever its provider wrote into it, stay byte for byte."""

import hashlib
import io
import struct
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
from fermata.domain.audio.marks import MADE_BY_A_MODEL, Edit, Mark, SongFacts, Span, parts_of_source, source_bytes
from fermata.errors import BadAudioError
from fermata.ports.audio import MarkedFile
from tests.support.audio_files import (
    ID3V1,
    ID3V2,
    ID3V2_WITH_FOOTER,
    LONG_ID3V2,
    box,
    decoded_ms,
    fmt,
    kept,
    mp3,
    riff,
    samples,
    wav,
    with_xing_header,
)
from tests.support.players import tags_of

ABOUT = SongFacts("job_1", "minimax", "minimax/music-2.6", date(2026, 11, 30), "Rain & <sun>", "[Verse]\nLa la\n")
PICTURE = b"APIC" + b"\0\0\x40\x00\0\0" + bytes(0x2000 * 0x100)
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
        stored = (folder / "marked").read_bytes() if marked.edits else song
        assert hashlib.sha256(stored).hexdigest() == marked.sha256
        return stored, marked

    return mark_bytes


def undone(stored: bytes, edits: tuple[Edit, ...]) -> bytes:
    """The provider's file, from the stored one."""
    parts = parts_of_source(edits, len(stored))
    return b"".join(stored[part.at : part.at + part.length] if isinstance(part, Span) else part for part in parts)


def tag(version: int, *frames: tuple[bytes, bytes], flags: int = 0, padding: int = 0) -> bytes:
    """An ID3 tag with these frames, of up to 127 bytes each."""
    body = b"".join(name + bytes([0, 0, 0, len(content)]) + b"\0\0" + content for name, content in frames)
    size = len(body) + padding
    return b"ID3" + bytes([version, 0, flags, 0, 0, size >> 7, size & 0x7F]) + body + bytes(padding)


def comments(*texts: str, is_last: bool = False) -> bytes:
    """A block of Vorbis comments."""
    counted = [struct.pack("<I", len(text.encode())) + text.encode() for text in texts]
    body = struct.pack("<I", 0) + struct.pack("<I", len(counted)) + b"".join(counted)
    return bytes([4 | is_last << 7]) + len(body).to_bytes(3, "big") + body


def flac(*blocks: bytes) -> bytes:
    """A FLAC file with these blocks behind its first."""
    song = kept("silence_40_s.flac")
    blocks_end = 4
    while True:
        is_last, size = song[blocks_end] >> 7, int.from_bytes(song[blocks_end + 1 : blocks_end + 4], "big")
        blocks_end += 4 + size
        if is_last:
            break
    first = song[4:42] if blocks else bytes([song[4] | 0x80]) + song[5:42]
    return song[:4] + first + b"".join(blocks) + song[blocks_end:]


MARKED = {
    "MP3": mp3(),
    "MP3 with a Xing header": with_xing_header(mp3(), None),
    "MP3 with a tag of 2.4": tag(4, (b"TIT2", b"\x03Theirs")) + mp3(),
    "MP3 with a tag of 2.3 and padding": tag(3, (b"TPE1", b"\0Them"), padding=300) + mp3(),
    "MP3 with a tag of 2.2": tag(2, (b"TT2\0", b"Old")) + mp3(),
    "MP3 with an unsynchronised tag": tag(4, (b"TIT2", b"\x03Theirs"), flags=0x80) + mp3(),
    "MP3 with a footer": ID3V2_WITH_FOOTER + mp3(),
    "MP3 with an empty tag": ID3V2 + mp3(),
    "MP3 with a long tag": LONG_ID3V2 + mp3(),
    "MP3 with a hundred tags": tag(4, (b"TIT2", b"\x03x")) * 60 + mp3(),
    "MP3 with thousands of frames": b"ID3\x04\0\0" + bytes([0, 2, 0x57, 0x20]) + (b"TPE1\0\0\0\1\0\0x" * 4000) + mp3(),
    "MP3 with a tag that is longer than its file": b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + mp3(),
    "MP3 with a broken tag": b"ID3\x04\0\0\0\0\x07\x68" + b"\xee" * 1000 + mp3(),
    "MP3 with a large picture": b"ID3\x03\0\0" + bytes([1, 0, 0, 0]) + PICTURE[: 1 << 21].ljust(1 << 21, b"\0") + mp3(),
    "MP3 behind line ends": b"\r\n\r\n" + mp3(),
    "MP3 with an old tag at its end": mp3() + ID3V1,
    "AAC": kept("tone_adts.aac"),
    "WAV": wav(),
    "WAV of unknown length": wav()[:4] + b"\xff" * 4 + wav()[8:40] + b"\xff" * 4 + wav()[44:],
    "WAV of silence and unknown length": riff(fmt(), (b"data", bytes(200_000)), size=0)[:40] + bytes(200_004),
    "WAV with fields": riff(fmt(), (b"LIST", b"INFOINAM\7\0\0\0Theirs\0\0"), (b"data", samples(1, 44100, 2))),
    "WAV with chunks behind its sound": riff(fmt(), (b"data", samples(1, 44100, 2)), (b"cue ", bytes(28))),
    "FLAC": kept("tone.flac"),
    "FLAC of one block": flac(),
    "FLAC with comments": flac(comments("TITLE=Theirs", "title=Again", "ARTIST=Them", is_last=True)),
    "FLAC with a picture": flac(b"\x06" + (100_000).to_bytes(3, "big") + bytes(100_000), comments("A=b", is_last=True)),
    "FLAC behind a tag": ID3V2 + kept("tone.flac"),
    "M4A": kept("tone_aac.m4a"),
    "M4A with its index first": kept("tone_aac_index_first.m4a"),
    "M4A in fragments": kept("tone_aac_fragments.m4a"),
}
UNMARKED = {
    "Ogg": kept("tone_vorbis.ogg"),
    "RF64": riff(fmt(), (b"data", samples(1, 44100, 2)), name=b"RF64"),
    "M4A whose last box is open": kept("tone_aac.m4a") + b"\0\0\0\0free" + bytes(20),
    "M4A with XMP": kept("tone_aac.m4a") + box(b"uuid", bytes.fromhex("be7acfcb97a942e89c71999491e3afac"), b"<x/>"),
    "FLAC with comments that overrun": flac(
        comments("TITLE=Theirs", is_last=True).replace(b"\x0c\0\0\0", b"\xff\0\0\0")
    ),
    "FLAC with too many comments": flac(comments(*["A=b"] * 1001, is_last=True)),
    "FLAC whose blocks do not end": flac(comments("A=b", is_last=True)).replace(b"\x84", b"\x04", 1),
}
SIGNED = {
    "MP3": tag(4, (b"GEOB", b"\0application/c2pa\0c2pa\0manifest\0jumb")) + mp3(),
    "FLAC": tag(3, (b"GEOB", b"\0application/x-c2pa-manifest-store\0")) + kept("tone.flac"),
    "WAV": riff(fmt(), (b"data", samples(1, 44100, 2)), (b"C2PA", b"jumb")),
    "M4A": kept("tone_aac.m4a") + box(b"uuid", bytes.fromhex("d8fec3d61b0e483c92975828877ec481"), bytes(30)),
}


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
        monkeypatch.setattr(marker, "tag_change", lambda *_, wrong=wrong: wrong)
        with pytest.raises(BadAudioError):
            mark(mp3())
    monkeypatch.setattr(marker, "tag_change", lambda *_: plain)
    monkeypatch.setattr(marker, "write_changed", lambda *args: (_wrong_way_back(args), "0"))
    with pytest.raises(BadAudioError, match="found another one"):
        mark(mp3())


def _wrong_way_back(args: tuple[object, ...]) -> tuple[Edit, ...]:
    into = args[2]
    into.write(mp3())  # type: ignore[attr-defined]  # a file
    into.flush()  # type: ignore[attr-defined]
    return (Edit(at=0, length=1),)


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
