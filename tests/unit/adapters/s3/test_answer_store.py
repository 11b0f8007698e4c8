"""A provider's answer is in S3 whole or not at all."""

import io
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from moto import mock_aws

from fermata.adapters.s3.answer_store import S3AnswerStore
from fermata.domain.audio.answer_parts import AroundSong
from fermata.domain.audio.marks import Edit, Mark, Marking, NotSigned
from fermata.errors import AnswerLostError, TransientError
from fermata.ports.audio import AnswerStore, MarkedFile, StagedSong
from fermata.ports.providers import StreamedAnswer
from tests.fakes.audio.answer_store import InMemoryAnswerStore
from tests.fakes.providers.upstream import ScriptedAnswer
from tests.songs import JOB_ID, staged_song
from tests.support.cloud import BUCKET, AnswersInstead, aws_error, s3_with_bucket

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MIB = 1024 * 1024
LONG = bytes(range(256)) * (48 * 1024)  # 12 MiB: three parts


@pytest.fixture
def s3() -> Iterator["S3Client"]:
    with mock_aws():
        yield s3_with_bucket()


@pytest.fixture(params=["in_memory", "s3"])
def store(request: pytest.FixtureRequest) -> AnswerStore:
    if request.param == "in_memory":
        return InMemoryAnswerStore()
    return S3AnswerStore(request.getfixturevalue("s3"), BUCKET)


def body_of(answer: StreamedAnswer | None) -> bytes:
    assert answer is not None
    return b"".join(answer.chunks())


def unfinished_uploads(s3: "S3Client") -> list[object]:
    return list(s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []))


@pytest.mark.parametrize("body", [b"", b"{}", LONG[: 5 * MIB], LONG[: 5 * MIB + 1], LONG], ids=len)
@pytest.mark.parametrize("chunk_bytes", [65_536, 7_000_001])
def test_a_kept_answer_is_read_back_equal(store: AnswerStore, body: bytes, chunk_bytes: int) -> None:
    store.keep(JOB_ID, 1, ScriptedAnswer(body, 502, "text/html; charset=utf-8", 7, chunk_bytes=chunk_bytes))
    kept = store.open(JOB_ID, 1)
    assert kept is not None
    assert (kept.http_status, kept.content_type, kept.retry_after_s) == (502, "text/html; charset=utf-8", 7)
    assert body_of(kept) == body


@pytest.mark.parametrize("trace_id", ["04ed", " =?utf-8?q?x?= ", "a b%20c/" + "x" * 100, None])
def test_an_answers_trace_id_is_read_back_equal(store: AnswerStore, trace_id: str | None) -> None:
    store.keep(JOB_ID, 1, ScriptedAnswer(b"{}", trace_id=trace_id))
    kept = store.open(JOB_ID, 1)
    assert kept is not None
    assert kept.trace_id == trace_id


def test_an_answer_without_a_requested_pause_has_none(store: AnswerStore) -> None:
    store.keep(JOB_ID, 1, ScriptedAnswer(b"{}"))
    kept = store.open(JOB_ID, 1)
    assert kept is not None
    assert kept.retry_after_s is None


def test_what_was_not_kept_is_not_there(store: AnswerStore) -> None:
    assert store.open(JOB_ID, 1) is None


def test_attempts_do_not_see_each_others_answers(store: AnswerStore) -> None:
    store.keep(JOB_ID, 1, ScriptedAnswer(b"first"))
    store.keep(JOB_ID, 2, ScriptedAnswer(b"second"))
    assert [body_of(store.open(JOB_ID, n)) for n in (1, 2)] == [b"first", b"second"]
    assert store.open(JOB_ID, 11) is None


@pytest.mark.parametrize("received", [0, 10, 6 * MIB], ids=["nothing", "little", "more_than_a_part"])
def test_a_cut_answer_is_no_answer_and_what_arrived_is_kept_beside_it(store: AnswerStore, received: int) -> None:
    with pytest.raises(AnswerLostError, match=r"^cut$"):
        store.keep(JOB_ID, 1, ScriptedAnswer(LONG[:received], ends_with=AnswerLostError("cut"), chunk_bytes=65_536))
    assert store.open(JOB_ID, 1) is None
    kept = store.open_file(JOB_ID, 1, "cut")
    assert (b"" if kept is None else b"".join(kept)) == LONG[:received]


def test_files_are_kept_under_their_names_and_forgotten_with_the_job(store: AnswerStore) -> None:
    store.keep_file(JOB_ID, 1, "file.2", io.BytesIO(b"an old one"))
    store.keep_file(JOB_ID, 1, "file.2", io.BytesIO(b"a song"))
    kept = store.open_file(JOB_ID, 1, "file.2")
    assert kept is not None
    assert b"".join(kept) == b"a song"
    assert store.open(JOB_ID, 1) is None
    assert (store.open_file(JOB_ID, 1, "file.1"), store.open_file(JOB_ID, 2, "file.2")) == (None, None)
    store.forget(JOB_ID)
    assert store.open_file(JOB_ID, 1, "file.2") is None


def test_a_cut_answer_leaves_no_parts_to_pay_for(s3: "S3Client") -> None:
    answer = ScriptedAnswer(LONG[: 6 * MIB], ends_with=AnswerLostError("cut"), chunk_bytes=65_536)
    with pytest.raises(AnswerLostError):
        S3AnswerStore(s3, BUCKET).keep(JOB_ID, 1, answer)
    assert unfinished_uploads(s3) == []
    assert [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET)["Contents"]] == [f"staging/{JOB_ID}/1.cut"]


def test_answers_are_staged_under_the_job_and_the_attempt(s3: "S3Client") -> None:
    S3AnswerStore(s3, BUCKET).keep(JOB_ID, 3, ScriptedAnswer(b"{}"))
    assert [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET)["Contents"]] == [f"staging/{JOB_ID}/3"]


@pytest.mark.parametrize("content_type", ["", "text/html; é\u2028", "x" * 5000])
def test_a_strange_content_type_does_not_lose_an_answer(s3: "S3Client", content_type: str) -> None:
    store = S3AnswerStore(s3, BUCKET)
    store.keep(JOB_ID, 1, ScriptedAnswer(b"{}", content_type=content_type))
    kept = store.open(JOB_ID, 1)
    assert kept is not None
    assert kept.content_type.isascii()


@pytest.mark.parametrize(
    ("operation", "body"),
    [("PutObject", b"{}"), ("CreateMultipartUpload", LONG), ("UploadPart", LONG), ("CompleteMultipartUpload", LONG)],
)
def test_trouble_while_keeping_is_transient_and_says_no_key(s3: "S3Client", operation: str, body: bytes) -> None:
    AnswersInstead(s3, operation, aws_error("SlowDown", "canary"))
    store = S3AnswerStore(s3, BUCKET)
    with pytest.raises(TransientError) as caught:
        store.keep(JOB_ID, 1, ScriptedAnswer(body, chunk_bytes=65_536))
    assert "canary" not in str(caught.value)
    assert store.open(JOB_ID, 1) is None
    assert unfinished_uploads(s3) == []


def test_a_bucket_that_cannot_be_read_is_not_an_absent_answer(s3: "S3Client") -> None:
    AnswersInstead(s3, "GetObject", aws_error("AccessDenied"))
    with pytest.raises(TransientError):
        S3AnswerStore(s3, BUCKET).open(JOB_ID, 1)


EDITS = (Edit(at=0, length=4), Edit(at=9, length=1, was="00ff"))
"""What leads from `MARKED` to the provider's file."""
MARKED = b"mark" + b"ID3\x04\x05" + b"!" + LONG[:70_000]
SOURCE = b"ID3\x04\x05" + b"\x00\xff" + LONG[:70_000]


def keep_song(store: AnswerStore, path: Path, song: StagedSong, answer: StreamedAnswer | None = None) -> bool:
    path.write_bytes(MARKED)
    return store.keep_song(JOB_ID, 1, answer or ScriptedAnswer(), song, path)


def marked_song(around: AroundSong) -> StagedSong:
    marked = MarkedFile((Mark.TAGS,), "cd" * 32, EDITS, NotSigned.NO_KEY)
    return staged_song(around=around, marking=Marking.TAGS, marked=marked)


@pytest.mark.parametrize("is_upper", [False, True])
def test_an_answer_kept_as_its_song_is_read_back_equal(store: AnswerStore, tmp_path: Path, *, is_upper: bool) -> None:
    around = AroundSong(b'\xef\xbb\xbf{"\xff\x00":"', '"é}\r\n'.encode(), is_upper)
    sent = ScriptedAnswer(b"", 201, "application/json; é", 7, trace_id=" =?utf-8?q?x?= ")
    assert keep_song(store, tmp_path / "song", marked_song(around), sent)
    kept = store.open(JOB_ID, 1)
    assert kept is not None
    text = SOURCE.hex().upper() if is_upper else SOURCE.hex()
    assert body_of(kept) == around.before + text.encode() + around.after
    assert (kept.http_status, kept.content_type, kept.retry_after_s) == (201, "application/json; é", 7)
    assert kept.trace_id == " =?utf-8?q?x?= "
    assert store.song(JOB_ID, 1) == marked_song(around)


def test_an_answer_kept_as_it_was_sent_and_none_at_all_have_no_song(store: AnswerStore) -> None:
    assert store.song(JOB_ID, 1) is None
    store.keep(JOB_ID, 1, ScriptedAnswer(b"{}"))
    assert store.song(JOB_ID, 1) is None


def test_a_song_that_is_forgotten_is_gone(store: AnswerStore, tmp_path: Path) -> None:
    keep_song(store, tmp_path / "song", staged_song())
    store.forget(JOB_ID)
    assert (store.song(JOB_ID, 1), store.open(JOB_ID, 1)) == (None, None)


def test_a_song_is_staged_in_one_request_with_all_that_s3_lets_be_noted_on_it(s3: "S3Client", tmp_path: Path) -> None:
    store, noise = S3AnswerStore(s3, BUCKET), b"".join(sha256(bytes([each])).digest() for each in range(100))
    sizes = range(0, len(noise), 50)
    taken = [n for n in sizes if keep_song(store, tmp_path / "song", marked_song(AroundSong(noise[:n], b"")))]
    assert taken == [*sizes[: len(taken)]]
    assert 5 < len(taken) < len(sizes)
    metadata = s3.head_object(Bucket=BUCKET, Key=f"staging/{JOB_ID}/1")["Metadata"]
    assert sum(len(name) + len(value) for name, value in metadata.items()) <= 2048


def test_a_release_that_knows_no_songs_in_staging_fails_instead_of_reading_one(s3: "S3Client", tmp_path: Path) -> None:
    """That release takes the status from `http-status`; its run fails and is repeated by the state machine."""
    keep_song(S3AnswerStore(s3, BUCKET), tmp_path / "song", staged_song())
    assert s3.head_object(Bucket=BUCKET, Key=f"staging/{JOB_ID}/1")["Metadata"].keys() == {"song"}


def test_trouble_while_a_song_is_staged_is_transient_and_leaves_nothing(s3: "S3Client", tmp_path: Path) -> None:
    AnswersInstead(s3, "PutObject", aws_error("SlowDown", "canary"))
    with pytest.raises(TransientError) as caught:
        keep_song(S3AnswerStore(s3, BUCKET), tmp_path / "song", staged_song())
    assert "canary" not in str(caught.value)
    assert S3AnswerStore(s3, BUCKET).open(JOB_ID, 1) is None


def test_a_bucket_that_cannot_be_looked_at_is_not_an_absent_song(s3: "S3Client") -> None:
    AnswersInstead(s3, "HeadObject", aws_error("403"))
    with pytest.raises(TransientError):
        S3AnswerStore(s3, BUCKET).song(JOB_ID, 1)
