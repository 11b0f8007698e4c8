"""Finished songs in S3, and the links to them."""

import hashlib
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from moto import mock_aws

from fermata.adapters import aws
from fermata.adapters.s3.track_store import S3TrackStore
from fermata.errors import TransientError
from tests.songs import JOB_ID, stored_track
from tests.support.cloud import BUCKET, AnswersInstead, aws_error, s3_with_bucket

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY = f"tracks/{JOB_ID}/1.mp3"


@pytest.fixture
def s3() -> Iterator["S3Client"]:
    with mock_aws():
        yield s3_with_bucket()


@pytest.fixture
def song(tmp_path: Path) -> Path:
    path = tmp_path / "song"
    path.write_bytes(b"ID3" + bytes(5000))
    return path


def sha256_of(song: Path) -> str:
    return hashlib.sha256(song.read_bytes()).hexdigest()


def test_a_song_is_stored_with_its_media_type(s3: "S3Client", song: Path) -> None:
    S3TrackStore(s3, BUCKET).put(KEY, song, "audio/mpeg", sha256_of(song))
    stored = s3.get_object(Bucket=BUCKET, Key=KEY)
    assert (stored["Body"].read(), stored["ContentType"]) == (song.read_bytes(), "audio/mpeg")


def test_a_song_may_be_stored_again(s3: "S3Client", song: Path) -> None:
    store = S3TrackStore(s3, BUCKET)
    store.put(KEY, song, "audio/mpeg", sha256_of(song))
    store.put(KEY, song, "audio/mpeg", sha256_of(song))
    assert s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 1


def test_a_staged_song_becomes_a_track_without_the_notes_on_it(s3: "S3Client") -> None:
    store = S3TrackStore(s3, BUCKET)
    assert not store.take(KEY, JOB_ID, 1, "audio/mpeg")
    s3.put_object(Bucket=BUCKET, Key=f"staging/{JOB_ID}/1", Body=b"ID3", Metadata={"song": "x"})
    assert store.take(KEY, JOB_ID, 1, "audio/mpeg")
    stored = s3.get_object(Bucket=BUCKET, Key=KEY)
    assert (stored["Body"].read(), stored["ContentType"], stored["Metadata"]) == (b"ID3", "audio/mpeg", {})


def test_a_song_that_cannot_be_stored_now_is_transient(s3: "S3Client", song: Path) -> None:
    AnswersInstead(s3, "PutObject", aws_error("SlowDown", "canary"))
    with pytest.raises(TransientError) as caught:
        S3TrackStore(s3, BUCKET).put(KEY, song, "audio/mpeg", sha256_of(song))
    assert "canary" not in str(caught.value)


def test_a_song_is_put_with_the_checksum_that_is_known_and_its_bytes_are_not_hashed_again(
    s3: "S3Client", tmp_path: Path
) -> None:
    song, heads = tmp_path / "song", []
    song.write_bytes(bytes(range(256)) * 3000)
    s3.meta.events.register("before-send.s3.PutObject", lambda request, **_: heads.append(dict(request.headers)))
    S3TrackStore(s3, BUCKET).put(KEY, song, "audio/mpeg", sha256_of(song))
    (head,) = heads
    assert head["x-amz-checksum-sha256"] == b64encode(hashlib.sha256(song.read_bytes()).digest())
    assert not [name for name in head if "checksum" in name.lower() and "sha256" not in name.lower()]
    assert (head["Content-Length"], head.get("Transfer-Encoding")) == (str(song.stat().st_size), None)
    assert s3.get_object(Bucket=BUCKET, Key=KEY)["Body"].read() == song.read_bytes()


def test_a_link_downloads_one_song_under_a_name_for_a_while(s3: "S3Client") -> None:
    url = urlsplit(S3TrackStore(s3, BUCKET).link(stored_track(), 'attachment; filename="Rain-1.mp3"', 900))
    query = parse_qs(url.query)
    assert url.path.endswith(KEY)
    assert query["response-content-type"] == ["audio/mpeg"]
    assert query["response-content-disposition"] == ['attachment; filename="Rain-1.mp3"']


@pytest.fixture
def _the_functions_own_client(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    aws.s3.cache_clear()
    yield
    aws.s3.cache_clear()


@pytest.mark.usefixtures("_the_functions_own_client")
def test_the_functions_links_name_the_buckets_region_and_are_signed_with_version_4() -> None:
    url = urlsplit(S3TrackStore(aws.s3(), "some-bucket").link(stored_track(), 'attachment; filename="Rain-1.mp3"', 900))
    query = parse_qs(url.query)
    # S3 redirects the global name of a young bucket, and the signature does not survive that.
    assert (url.scheme, url.netloc) == ("https", "some-bucket.s3.eu-west-1.amazonaws.com")
    assert (query["X-Amz-Algorithm"], query["X-Amz-Expires"]) == (["AWS4-HMAC-SHA256"], ["900"])


@pytest.mark.usefixtures("_the_functions_own_client")
def test_on_one_machine_links_contain_the_address_of_the_emulator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:5000")
    url = urlsplit(S3TrackStore(aws.s3(), "some-bucket").link(stored_track(), 'attachment; filename="Rain-1.mp3"', 900))
    assert (url.netloc, url.path) == ("127.0.0.1:5000", f"/some-bucket/{KEY}")


def test_the_stored_songs_of_a_job_are_found_by_number_and_copied_to_staging(s3: "S3Client") -> None:
    signed = f"tracks/{JOB_ID}/2-0123456789abcdef.wav"
    for key in (KEY, f"{KEY}.peaks.json", f"tracks/{JOB_ID}/1.vtt", signed, f"tracks/{JOB_ID}0/1.mp3"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=key.encode())
    store = S3TrackStore(s3, BUCKET)

    assert store.stored(JOB_ID) == {1: KEY, 2: signed}
    store.stage(signed, JOB_ID, 3, 2)
    copied = s3.get_object(Bucket=BUCKET, Key=f"staging/{JOB_ID}/3.file.2")["Body"].read()
    assert copied == signed.encode()


def test_of_several_signed_files_of_a_song_the_latest_counts() -> None:
    keys = (f"tracks/{JOB_ID}/1-aaaaaaaaaaaaaaaa.mp3", f"tracks/{JOB_ID}/1-bbbbbbbbbbbbbbbb.mp3")
    listed = [
        {"Key": keys[0], "LastModified": datetime(2026, 11, 30, 12, 1, tzinfo=UTC)},
        {"Key": keys[1], "LastModified": datetime(2026, 11, 30, 12, 0, tzinfo=UTC)},
    ]
    pages = SimpleNamespace(paginate=lambda **_: [{"Contents": listed}])
    client: Any = SimpleNamespace(get_paginator=lambda _: pages)
    assert S3TrackStore(client, BUCKET).stored(JOB_ID) == {1: keys[0]}
