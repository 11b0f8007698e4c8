"""Audio is recognised by its first bytes and its size, and one table says what each kind is called."""

from typing import get_args

import pytest

from fermata.api.responses.job import Track
from fermata.domain.audio.container import (
    AAC,
    CONTAINERS,
    FLAC,
    HEAD_BYTES,
    LONGEST_LEAD_BYTES,
    M4A,
    MINIMUM_AUDIO_BYTES,
    MP3,
    OGG,
    WAV,
    Container,
    ContentType,
    begins_as_audio,
    find_audio,
    recognise_audio,
)
from fermata.errors import BadAudioError

HEADS = [
    (b"ID3\x04\x00\x00\x00\x00\x00\x00\x00\x00", MP3),
    *((bytes([0xFF, second]) + b"\x90\x64", MP3) for second in (0xFB, 0xFA, 0xF3, 0xF2, 0xE3, 0xE2)),
    (b"RIFF\x24\x00\x00\x00WAVE", WAV),
    (b"RF64\xff\xff\xff\xffWAVE", WAV),
    (b"fLaC\x00\x00\x00\x22", FLAC),
    (b"OggS\x00\x02", OGG),
    (b"\x00\x00\x00\x20ftypM4A ", M4A),
    (b"\x00\x00\x00\x1cftypmp42", M4A),
    (b"\x00\x00\x01\x00ftypisom", M4A),
    (b"\x00\x00\x00\x0aftypisom", M4A),
    *((bytes([0xFF, second]) + b"\x50\x80", AAC) for second in (0xF0, 0xF1, 0xF8, 0xF9)),
]
LEADS = [b"", b"\0", b"\r\n", b"\n\n\n", bytes(1000), b"\0\r\n\t ", bytes(LONGEST_LEAD_BYTES)]
NO_AUDIO = [
    b"",
    b"\xff",
    b"\xff\xf1",
    b"<!DOCTYPE html>",
    b'{"error":1}',
    b"[1]",
    b"\xef\xbb\xbf{}",
    b"\0{\0}",
    b"RIFF\x24\x00\x00\x00AVI ",
    b"RIFF\x24\x00",
    b"\xff\xd8\xff\xe0",  # JPEG
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xfeh\x00t\x00",  # UTF-16 text
    b"\xff\xeb\x90\x64",  # no version of MPEG
    b"\xff\xf1\xfc\x80",  # no rate of AAC
    b"\xff\xff\xff\xff",
    b"ftypM4A ",
    b"PK\x03\x04",
    b"id3\x04",
    bytes(12),
]


@pytest.mark.parametrize("lead", LEADS, ids=range(len(LEADS)))
@pytest.mark.parametrize(("head", "container"), HEADS)
def test_each_container_is_known_by_its_first_bytes_behind_zeros_and_line_ends(
    head: bytes, container: Container, lead: bytes
) -> None:
    read = (lead + head)[:HEAD_BYTES]
    assert recognise_audio(read, MINIMUM_AUDIO_BYTES) == container
    assert begins_as_audio(read)
    assert find_audio(read) == (container, len(lead))


@pytest.mark.parametrize("lead", LEADS, ids=range(len(LEADS)))
@pytest.mark.parametrize("head", NO_AUDIO)
def test_anything_else_is_refused(head: bytes, lead: bytes) -> None:
    assert not begins_as_audio(lead + head)
    with pytest.raises(BadAudioError, match="expected audio in MP3, WAV, FLAC, Ogg, M4A or AAC, found"):
        recognise_audio(lead + head, 10_000)


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (b"\r\n<html>", "a web page or XML"),
        (b'\n{"error":1}', "JSON"),
        (bytes(50), "50 bytes of nothing"),
        (b"PK\x03\x04" + bytes(50), "a file starting with 50 4b 03 04"),
    ],
)
def test_a_refusal_says_what_was_found(head: bytes, found: str) -> None:
    with pytest.raises(BadAudioError, match=f"found {found}"):
        recognise_audio(head, 10_000)


@pytest.mark.parametrize(("head", "container"), HEADS)
def test_a_signature_too_far_into_the_file_is_not_found(head: bytes, container: Container) -> None:
    found = find_audio(bytes(LONGEST_LEAD_BYTES + 1) + head)
    assert found is None, container


@pytest.mark.parametrize("size", [0, MINIMUM_AUDIO_BYTES - 1])
def test_a_file_too_small_for_a_song_is_refused(size: int) -> None:
    with pytest.raises(BadAudioError, match=f"expected at least {MINIMUM_AUDIO_BYTES} bytes of audio, found {size}"):
        recognise_audio(b"ID3\x04", size)


def test_the_table_says_how_to_serve_and_name_a_file() -> None:
    assert [(each.content_type, each.extension) for each in CONTAINERS] == [
        ("audio/mpeg", "mp3"),
        ("audio/wav", "wav"),
        ("audio/flac", "flac"),
        ("audio/ogg", "ogg"),
        ("audio/mp4", "m4a"),
        ("audio/aac", "aac"),
    ]


def test_the_served_document_lists_the_media_types_of_the_table() -> None:
    listed = Track.model_json_schema()["properties"]["content_type"]["enum"]
    assert listed == list(get_args(ContentType)) == [each.content_type for each in CONTAINERS]
