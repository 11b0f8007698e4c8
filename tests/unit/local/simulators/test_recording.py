"""Simulated songs are real audio."""

import io
import wave
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import product

import miniaudio
import pytest

from local.simulators.recording import Recordings, Song, record

SONG = Song("indie folk, rainy evening", "[Verse]\nrain on my window")


def test_the_same_words_give_the_same_bytes() -> None:
    assert record(SONG).content == record(replace(SONG)).content


@pytest.mark.parametrize("other", [replace(SONG, prompt="techno"), replace(SONG, lyrics="sun on my window")])
def test_other_words_give_another_tune(other: Song) -> None:
    assert record(SONG).content != record(other).content


def test_a_song_grows_with_the_lines_of_its_lyrics_and_not_for_ever() -> None:
    lengths = [replace(SONG, lyrics="la\n" * lines).seconds for lines in (0, 1, 10, 50, 500)]
    assert lengths == [4.0, 5.0, 14.0, 54.0, 60.0]


def test_section_tags_and_blank_lines_take_no_time() -> None:
    assert replace(SONG, lyrics="[Verse]\nla\n\n[Chorus]\n  \nla").seconds == 6.0


@pytest.mark.parametrize(("rate", "bitrate"), [*product((16000, 24000, 32000, 44100), (32000, 64000, 128000, 256000))])
def test_an_mp3_is_what_it_claims_to_be(rate: int, bitrate: int) -> None:
    recording = record(replace(SONG, sample_rate_hz=rate, bitrate_bps=bitrate))
    decoded = miniaudio.decode(recording.content, nchannels=2, sample_rate=rate)
    info = miniaudio.mp3_get_info(recording.content)
    assert (info.sample_rate, info.nchannels) == (rate, recording.channels) == (recording.sample_rate_hz, 2)
    assert abs(decoded.num_frames * 1000 / rate - recording.duration_ms) <= 50
    assert (
        abs(len(recording.content) * 8000 / recording.duration_ms - recording.bitrate_bps) < recording.bitrate_bps / 100
    )
    assert max(abs(sample) for sample in decoded.samples) > 5000


def test_a_wav_is_stereo_of_16_bits() -> None:
    recording = record(replace(SONG, container="wav"))
    with wave.open(io.BytesIO(recording.content)) as wav:
        assert (wav.getnchannels(), wav.getsampwidth(), wav.getframerate()) == (2, 2, 44100)
        assert abs(wav.getnframes() / 44.1 - recording.duration_ms) <= 1


def test_equal_requests_at_once_are_encoded_once() -> None:
    recordings = Recordings()
    with ThreadPoolExecutor(16) as threads:
        made = list(threads.map(lambda _: recordings.of(replace(SONG)), range(100)))
    assert all(recording is made[0] for recording in made)


def test_old_recordings_make_room_and_come_back_the_same() -> None:
    recordings = Recordings(max_bytes=2 * len(record(SONG).content))
    first, second, third = (recordings.of(replace(SONG, prompt=prompt)) for prompt in ("first", "second", "third"))
    again = recordings.of(replace(SONG, prompt="first"))
    assert again is not first
    assert again == first
    assert recordings.of(replace(SONG, prompt="third")) is third
    assert recordings.of(replace(SONG, prompt="second")) is not second
