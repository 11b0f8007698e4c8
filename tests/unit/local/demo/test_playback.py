"""A downloaded file passes only where it plays and is what its record says."""

import hashlib
import io
import wave

import pytest

from local.demo.errors import SongError
from local.demo.job_api import Track
from local.demo.playback import check_file, decoded_duration_ms

RATE_HZ = 22_050


def song(seconds: float) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(RATE_HZ)
        writer.writeframes(b"\x00\x01" * round(seconds * RATE_HZ))
    return file.getvalue()


def record_of(audio: bytes, duration_ms: int) -> Track:
    return Track("http://127.0.0.1/song", len(audio), hashlib.sha256(audio).hexdigest(), duration_ms)


def test_the_duration_is_that_of_the_decoded_sound() -> None:
    assert decoded_duration_ms(song(1.5)) == 1500


@pytest.mark.parametrize("reported_ms", [950, 1000, 1050])
def test_a_file_as_long_as_reported_within_fifty_milliseconds_passes(reported_ms: int) -> None:
    audio = song(1.0)
    check_file(audio, record_of(audio, reported_ms))


@pytest.mark.parametrize("reported_ms", [940, 1060])
def test_a_file_that_plays_longer_or_shorter_than_reported_is_refused(reported_ms: int) -> None:
    audio = song(1.0)
    with pytest.raises(SongError, match=rf"the record says {reported_ms} ms, the file plays 1000 ms"):
        check_file(audio, record_of(audio, reported_ms))


def test_a_shortened_download_is_refused() -> None:
    audio = song(1.0)
    with pytest.raises(SongError, match=rf"the record says {len(audio)} bytes, the link brought {len(audio) - 1}"):
        check_file(audio[:-1], record_of(audio, 1000))


def test_a_download_with_one_other_bit_is_refused() -> None:
    audio = song(1.0)
    other = audio[:-1] + bytes([audio[-1] ^ 1])
    with pytest.raises(SongError, match="SHA-256"):
        check_file(other, record_of(audio, 1000))


def test_a_file_that_no_decoder_understands_is_refused() -> None:
    text = b"<html>" * 100
    with pytest.raises(SongError, match="expected a file that plays"):
        check_file(text, record_of(text, 1000))


def test_half_a_song_is_refused_although_its_bytes_are_those_of_the_record() -> None:
    whole = song(1.0)
    half = whole[: len(whole) // 2]
    record = record_of(half, 1000)
    with pytest.raises(SongError, match="the file plays"):
        check_file(half, record)
