"""The provider's file of a marked song is put together from the stored one, exactly, however long it is."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import pytest
from moto import mock_aws

from fermata.adapters.s3.original_store import S3OriginalStore
from fermata.domain.audio.marks import Edit
from fermata.domain.jobs.songs import Track
from fermata.errors import NotFoundError, TransientError
from tests.songs import JOB_ID, stored_track
from tests.support.cloud import BUCKET, AnswersInstead, aws_error, s3_with_bucket

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY: Final = f"originals/{JOB_ID}/1.mp3"
MIB: Final = 1024 * 1024
LARGE: Final = 12 * MIB + 7
EDITS: Final = {
    "a tag before it": [Edit(at=0, length=500)],
    "a longer tag": [Edit(at=6, length=500, was="00000046")],
    "sizes and a part within": [Edit(at=4, length=4, was="01020304"), Edit(at=900, length=300)],
    "a part behind it": [Edit(at=700, length=300)],
    "parts at both ends": [Edit(at=0, length=10), Edit(at=990, length=10, was="ff")],
}


@pytest.fixture(scope="module")
def s3() -> Iterator["S3Client"]:
    with mock_aws():
        yield s3_with_bucket()


@pytest.fixture(params=EDITS)
def edits(request: pytest.FixtureRequest) -> list[Edit]:
    return EDITS[request.param]


def stored(s3: "S3Client", content: bytes, edits: list[Edit]) -> Track:
    track = stored_track().model_copy(update={"bytes": len(content), "edits": tuple(edits)})
    s3.put_object(Bucket=BUCKET, Key=track.object_key, Body=content)
    s3.delete_object(Bucket=BUCKET, Key=KEY)
    return track


def undone(content: bytes, edits: list[Edit]) -> bytes:
    for edit in reversed(edits):
        content = content[: edit.at] + bytes.fromhex(edit.was) + content[edit.at + edit.length :]
    return content


def restored(s3: "S3Client") -> bytes:
    return s3.get_object(Bucket=BUCKET, Key=KEY)["Body"].read()


def test_a_short_song_is_restored_exactly(s3: "S3Client", edits: list[Edit]) -> None:
    content = bytes(range(250)) * 4
    S3OriginalStore(s3, BUCKET).restore(stored(s3, content, edits))
    assert restored(s3) == undone(content, edits)


@pytest.mark.parametrize("late", [0, 6 * MIB, LARGE - 1000], ids=["at_the_start", "in_the_middle", "at_the_end"])
def test_a_long_song_is_restored_exactly_by_copies_within_s3(s3: "S3Client", edits: list[Edit], late: int) -> None:
    content = bytes(range(251)) * (LARGE // 251 + 1)
    content = content[:LARGE]
    moved = [edit.model_copy(update={"at": edit.at + late}) for edit in edits]
    reads = LongestRead(s3)
    S3OriginalStore(s3, BUCKET).restore(stored(s3, content, moved))
    reads.stop()
    assert restored(s3) == undone(content, moved)
    # What the function holds at once: a part and little more.
    assert reads.longest <= 5 * MIB


class LongestRead:
    """Notes the longest span of a song that is read."""

    def __init__(self, s3: "S3Client") -> None:
        self.longest = 0
        self._s3 = s3
        s3.meta.events.register("provide-client-params.s3.GetObject", self._note)

    def _note(self, params: dict[str, str], **_: object) -> None:
        first, last = params["Range"].removeprefix("bytes=").split("-")
        self.longest = max(self.longest, int(last) - int(first) + 1)

    def stop(self) -> None:
        self._s3.meta.events.unregister("provide-client-params.s3.GetObject", self._note)


def test_a_restored_file_is_not_restored_again_and_goes_with_its_job(s3: "S3Client") -> None:
    store, track = S3OriginalStore(s3, BUCKET), stored(s3, bytes(1000), EDITS["a tag before it"])
    store.restore(track)
    s3.delete_object(Bucket=BUCKET, Key=track.object_key)
    store.restore(track)
    assert len(restored(s3)) == 500
    store.forget(JOB_ID)
    with pytest.raises(NotFoundError):
        store.restore(track)


def test_an_upload_that_fails_halfway_leaves_nothing_behind(s3: "S3Client") -> None:
    track = stored(s3, bytes(LARGE), EDITS["a tag before it"])
    AnswersInstead(s3, "UploadPartCopy", aws_error("SlowDown", "canary"))
    with pytest.raises(TransientError) as caught:
        S3OriginalStore(s3, BUCKET).restore(track)
    assert "canary" not in str(caught.value)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=BUCKET)
    assert "Contents" not in s3.list_objects_v2(Bucket=BUCKET, Prefix=KEY)


def test_a_link_leads_to_the_restored_file_under_its_name(s3: "S3Client") -> None:
    url = S3OriginalStore(s3, BUCKET).link(stored_track(), 'attachment; filename="Rain-1.original.mp3"', 900)
    assert f"/{KEY}?" in url
    assert "Rain-1.original.mp3" in url
