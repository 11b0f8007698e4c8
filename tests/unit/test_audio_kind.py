"""Audio is told by its first bytes and its size."""

import pytest

from fermata.domain.audio_kind import FLAC, MINIMUM_AUDIO_BYTES, MP3, OGG, WAV, AudioKind, recognise_audio
from fermata.errors import BadAudioError


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"ID3\x04\x00\x00\x00\x00\x00\x00\x00\x00", MP3),
        *((bytes([0xFF, second]) + b"\x90\x64", MP3) for second in (0xFB, 0xFA, 0xF3, 0xF2, 0xE3, 0xE2)),
        (b"RIFF\x24\x00\x00\x00WAVE", WAV),
        (b"fLaC\x00\x00\x00\x22", FLAC),
        (b"OggS\x00\x02", OGG),
    ],
)
def test_each_container_is_known_by_its_first_bytes(head: bytes, kind: AudioKind) -> None:
    assert recognise_audio(head, MINIMUM_AUDIO_BYTES) == kind


def test_a_kind_says_how_to_serve_and_name_the_file() -> None:
    assert [(kind.content_type, kind.extension) for kind in (MP3, WAV, FLAC, OGG)] == [
        ("audio/mpeg", "mp3"),
        ("audio/wav", "wav"),
        ("audio/flac", "flac"),
        ("audio/ogg", "ogg"),
    ]


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\xff",
        b"<!DOCTYPE html>",
        b'{"error":1}',
        b"RIFF\x24\x00\x00\x00AVI ",
        b"RIFF\x24\x00",
        b"\xff\xf1\x50\x80",  # AAC
        b"\xff\xd8\xff\xe0",  # JPEG
        b"\xff\xfeh\x00t\x00",  # UTF-16 text
        b"\xff\xff\xff\xff",
        b"\x00\x00\x00\x20ftypM4A ",
        b"id3\x04",
        bytes(12),
    ],
)
def test_anything_else_is_refused_with_its_first_bytes(head: bytes) -> None:
    with pytest.raises(BadAudioError, match="expected MP3, WAV, FLAC or Ogg"):
        recognise_audio(head, 10_000)


@pytest.mark.parametrize("size", [0, MINIMUM_AUDIO_BYTES - 1])
def test_a_file_too_small_for_a_song_is_refused(size: int) -> None:
    with pytest.raises(BadAudioError, match=f"at least {MINIMUM_AUDIO_BYTES} bytes of audio, found {size}"):
        recognise_audio(b"ID3\x04", size)
