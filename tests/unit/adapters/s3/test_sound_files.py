"""Songs to measure in S3, and their waveforms beside them."""

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from moto import mock_aws

from fermata.adapters.s3.sound_files import S3SoundFiles
from fermata.adapters.s3.track_store import S3TrackStore
from fermata.domain.audio.sound import peaks_key
from fermata.ports.sound import SoundFiles
from tests.fakes.audio.sound import InMemorySoundFiles
from tests.fakes.audio.track_store import InMemoryTrackStore
from tests.songs import JOB_ID
from tests.support.cloud import BUCKET, s3_with_bucket

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SONG = f"tracks/{JOB_ID}/1.mp3"
BYTES = b"ID3" + bytes(3_000_000)


@pytest.fixture
def s3() -> Iterator["S3Client"]:
    with mock_aws():
        client = s3_with_bucket()
        client.put_object(Bucket=BUCKET, Key=SONG, Body=BYTES)
        yield client


@pytest.fixture(params=["in_memory", "s3"])
def files(request: pytest.FixtureRequest) -> SoundFiles:
    if request.param == "s3":
        return S3SoundFiles(request.getfixturevalue("s3"), BUCKET)
    tracks = InMemoryTrackStore()
    tracks.files[SONG] = (BYTES, "audio/mpeg")
    return InMemorySoundFiles(tracks)


def fetched(files: SoundFiles, key: str) -> bytes | None:
    into = io.BytesIO()
    return into.getvalue() if files.fetch(key, into) else None


def test_a_song_is_fetched_whole_and_a_missing_one_is_not_there(files: SoundFiles) -> None:
    assert fetched(files, SONG) == BYTES
    assert fetched(files, f"tracks/{JOB_ID}/2.mp3") is None


def test_waveforms_go_and_songs_and_other_jobs_stay(files: SoundFiles) -> None:
    other = peaks_key("tracks/job_other/1.mp3")
    for key in (peaks_key(SONG), peaks_key(SONG), other):
        files.put_peaks(key, b"{}")
    files.forget_peaks(JOB_ID)
    files.forget_peaks(JOB_ID)
    assert [fetched(files, key) for key in (peaks_key(SONG), SONG, other)] == [None, BYTES, b"{}"]


def test_a_waveform_lies_beside_its_song_as_json_and_goes_with_it(s3: "S3Client") -> None:
    S3SoundFiles(s3, BUCKET).put_peaks(peaks_key(SONG), b"{}")
    stored = s3.get_object(Bucket=BUCKET, Key=f"tracks/{JOB_ID}/1.peaks.json")
    assert stored["ContentType"] == "application/json"
    S3TrackStore(s3, BUCKET).forget(JOB_ID)
    assert s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0
