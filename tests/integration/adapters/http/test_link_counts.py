"""What passes for one song that comes by link: it is fetched once and put once, and nothing is read back."""

import hashlib
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Final

import pytest

from fermata.adapters import aws
from fermata.adapters.audio.marking.marker import FileMarker
from fermata.domain.jobs.job import Job
from fermata.errors import TransientError
from fermata.ports.audio import AudioMarker
from tests.songs import JOB_ID
from tests.support.audio_files import mp3
from tests.support.cloud import BUCKET, REGION
from tests.support.counting_servers import CountingServer, Sink, serving, source_of
from tests.support.linked_song import store_linked_song

SONG: Final = mp3(kbps=256, seconds=10) * 4
PUT: Final = f"PUT /{BUCKET}/tracks/{JOB_ID}/1.mp3"


@pytest.fixture
def source(tmp_path: Path) -> Iterator[CountingServer]:
    path = tmp_path / "song.mp3"
    path.write_bytes(SONG)
    with serving(source_of({"song.mp3": path})) as server:
        yield server


@pytest.fixture
def sink(monkeypatch: pytest.MonkeyPatch) -> Iterator[CountingServer]:
    """S3, as the functions' own client sees it."""
    with serving(Sink, keeps=True) as server:
        for name, value in {
            "AWS_ENDPOINT_URL": server.origin,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }.items():
            monkeypatch.setenv(name, value)
        aws.s3.cache_clear()
        yield server
        aws.s3.cache_clear()


def store(source: CountingServer, marker: AudioMarker | None, scratch: Path) -> Job:
    return store_linked_song(f"{source.origin}/song.mp3", marker, scratch)


@pytest.mark.parametrize("marker", [None, FileMarker()], ids=["off", "tags"])
def test_a_linked_song_is_fetched_once_and_put_once_and_nothing_is_read_back(
    source: CountingServer, sink: CountingServer, marker: AudioMarker | None, tmp_path: Path
) -> None:
    (track,) = store(source, marker, tmp_path).tracks
    assert (source.counts.requests, source.counts.sent_bytes) == (["GET /song.mp3"], len(SONG))
    assert (sink.counts.requests, sink.counts.received_bytes, sink.counts.sent_bytes) == ([PUT], track.bytes, 0)
    (stored,) = sink.bodies.values()
    assert hashlib.sha256(stored).hexdigest() == track.sha256
    assert track.source_sha256 == hashlib.sha256(SONG).hexdigest()
    assert stored.endswith(SONG)
    assert (stored == SONG) == (marker is None)


def test_a_put_that_fails_is_sent_again_from_the_disk_and_costs_no_other_fetch(
    source: CountingServer, sink: CountingServer, tmp_path: Path
) -> None:
    sink.refuses += [HTTPStatus.SERVICE_UNAVAILABLE]
    (track,) = store(source, FileMarker(), tmp_path).tracks
    assert source.counts.requests == ["GET /song.mp3"]
    assert (sink.counts.requests, sink.counts.received_bytes) == ([PUT] * 2, 2 * track.bytes)
    assert [hashlib.sha256(body).hexdigest() for body in sink.bodies.values()] == [track.sha256]


def test_a_song_that_s3_does_not_take_is_tried_again_by_another_run(
    source: CountingServer, sink: CountingServer, tmp_path: Path
) -> None:
    sink.refuses += [HTTPStatus.BAD_REQUEST]
    with pytest.raises(TransientError):
        store(source, FileMarker(), tmp_path)
    assert len(store(source, FileMarker(), tmp_path).tracks) == 1
