"""One contract for live songs, kept by the in-memory fakes and by DynamoDB and S3."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from moto import mock_aws

from fermata.adapters.dynamodb.jobs.live_streams import DynamoLiveStreams
from fermata.adapters.s3.live_pieces import S3LivePieces
from fermata.domain.live.stream import LiveStream
from fermata.errors import StaleRecordError
from fermata.ports.live import LivePieces, LiveStreams
from tests.fakes.clock import NOON
from tests.fakes.live.live_pieces import InMemoryLivePieces
from tests.fakes.live.live_streams import InMemoryLiveStreams
from tests.songs import JOB_ID
from tests.support.cloud import BUCKET, TABLE, s3_with_bucket

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

FIRST = LiveStream.new("hash", JOB_ID, 1, NOON).with_piece(3997)
SECOND_ATTEMPT = LiveStream.new("another hash", JOB_ID, 2, NOON).with_piece(1000)
ANOTHER_JOBS = LiveStream.new("a third hash", "job_2", 1, NOON).with_piece(1000)


@pytest.fixture
def s3() -> Iterator["S3Client"]:
    with mock_aws():
        yield s3_with_bucket()


@pytest.fixture(params=["in_memory", "dynamodb"])
def streams(request: pytest.FixtureRequest) -> LiveStreams:
    if request.param == "in_memory":
        return InMemoryLiveStreams()
    return DynamoLiveStreams(request.getfixturevalue("dynamodb"), TABLE)


@pytest.fixture(params=["in_memory", "s3"])
def pieces(request: pytest.FixtureRequest) -> LivePieces:
    if request.param == "in_memory":
        return InMemoryLivePieces()
    return S3LivePieces(request.getfixturevalue("s3"), BUCKET)


def test_an_unknown_live_song_is_not_there(streams: LiveStreams) -> None:
    assert streams.load("hash") is None


def test_every_version_is_read_back_equal(streams: LiveStreams) -> None:
    for version in (FIRST, FIRST.with_piece(12), FIRST.with_piece(12).at_its_end()):
        streams.save(version)
        assert streams.load("hash") == version


def test_a_live_song_is_begun_once(streams: LiveStreams) -> None:
    streams.save(FIRST)
    with pytest.raises(StaleRecordError):
        streams.save(FIRST)
    assert streams.load("hash") == FIRST


def test_of_two_writers_that_read_the_same_version_one_wins(streams: LiveStreams) -> None:
    streams.save(FIRST)
    streams.save(FIRST.with_piece(12))
    with pytest.raises(StaleRecordError):
        streams.save(FIRST.with_piece(13))
    assert streams.load("hash") == FIRST.with_piece(12)


def test_a_live_song_that_was_deleted_is_not_continued(streams: LiveStreams) -> None:
    streams.save(FIRST)
    streams.forget(JOB_ID)
    with pytest.raises(StaleRecordError):
        streams.save(FIRST.with_piece(12))
    assert streams.load("hash") is None


def test_all_records_of_a_job_are_deleted_and_no_others(streams: LiveStreams) -> None:
    for stream in (FIRST, SECOND_ATTEMPT, ANOTHER_JOBS):
        streams.save(stream)
    streams.forget(JOB_ID)
    streams.forget(JOB_ID)
    assert [streams.load(each.sha256) for each in (FIRST, SECOND_ATTEMPT, ANOTHER_JOBS)] == [None, None, ANOTHER_JOBS]


def test_a_link_is_of_one_piece(pieces: LivePieces) -> None:
    pieces.put(JOB_ID, 1, 7, b"a piece")
    assert f"/live/{JOB_ID}/1/7.mp3?" in pieces.link(JOB_ID, 1, 7, 900)


# ---- what only AWS does


def test_no_item_is_left_and_none_had_a_token(dynamodb: "DynamoDBClient") -> None:
    streams = DynamoLiveStreams(dynamodb, TABLE)
    streams.save(FIRST)
    items = dynamodb.scan(TableName=TABLE)["Items"]
    expiry = {"N": str(int(FIRST.expires_at.timestamp()))}
    assert sorted((item["pk"]["S"], item["ttl"] == expiry) for item in items) == [
        ("LIVE#hash", True),
        (f"LIVE#{JOB_ID}", True),
    ]
    streams.forget(JOB_ID)
    assert dynamodb.scan(TableName=TABLE)["Items"] == []


def test_pieces_lie_by_job_attempt_and_number_and_go_with_their_job(s3: "S3Client") -> None:
    pieces = S3LivePieces(s3, BUCKET)
    for job_id, number in ((JOB_ID, 1), (JOB_ID, 2), ("job_2", 1)):
        pieces.put(job_id, 1, number, b"a piece")
    stored = s3.get_object(Bucket=BUCKET, Key=f"live/{JOB_ID}/1/2.mp3")
    assert (stored["Body"].read(), stored["ContentType"]) == (b"a piece", "audio/mpeg")
    pieces.forget(JOB_ID)
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET)["Contents"]] == ["live/job_2/1/1.mp3"]
