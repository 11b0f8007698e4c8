"""Reference recordings in S3: uploads, the jobs' own copies, and links to them."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.exceptions import ReadTimeoutError
from moto import mock_aws

from fermata.adapters.s3.reference_store import S3ReferenceStore
from fermata.errors import TransientError
from fermata.ports.audio import ReferenceStore
from tests.fakes.audio.reference_store import InMemoryReferenceStore
from tests.support.cloud import BUCKET, AnswersInstead, aws_error, s3_with_bucket

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY = "references/acme/ref_01JD0ABCDEFGHJKMNPQRSTVWXY"
AUDIO = b"ID3" + bytes(5000)


@pytest.fixture
def s3() -> Iterator["S3Client"]:
    with mock_aws():
        yield s3_with_bucket()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "recording"
    path.write_bytes(AUDIO)
    return path


@pytest.fixture(params=["in_memory", "s3"])
def store(request: pytest.FixtureRequest) -> ReferenceStore:
    return InMemoryReferenceStore() if request.param == "in_memory" else S3ReferenceStore(_client(request), BUCKET)


def _client(request: pytest.FixtureRequest) -> "S3Client":
    client: S3Client = request.getfixturevalue("s3")
    return client


def test_what_was_stored_is_read_back_and_has_a_size(store: ReferenceStore, file: Path) -> None:
    store.put(KEY, file, "audio/mpeg")
    store.put(KEY, file, "audio/mpeg")
    assert b"".join(store.open(KEY) or ()) == AUDIO
    assert store.size(KEY) == len(AUDIO)


def test_every_file_whose_key_begins_so_is_forgotten_and_no_other(store: ReferenceStore, file: Path) -> None:
    copies, others = (f"{KEY}.aa", f"{KEY}.bb"), (f"x/{KEY}", KEY.replace("acme", "other"))
    for key in (*copies, *others):
        store.put(key, file, "audio/mpeg")
    for _ in range(2):
        store.forget(KEY)
    assert [store.size(key) for key in (*copies, *others)] == [None, None, len(AUDIO), len(AUDIO)]


@pytest.mark.parametrize("key", [KEY[:-1], f"{KEY}X", KEY.replace("acme", "other")])
def test_what_was_not_stored_is_not_there_whatever_has_a_similar_key(
    store: ReferenceStore, file: Path, key: str
) -> None:
    store.put(KEY, file, "audio/mpeg")
    assert (store.size(key), store.open(key)) == (None, None)


def test_a_copy_has_its_media_type(s3: "S3Client", file: Path) -> None:
    S3ReferenceStore(s3, BUCKET).put(KEY, file, "audio/wav")
    assert s3.head_object(Bucket=BUCKET, Key=KEY)["ContentType"] == "audio/wav"


def test_a_form_takes_one_key_one_type_and_exactly_one_size(s3: "S3Client") -> None:
    form = S3ReferenceStore(s3, BUCKET).upload_form(KEY, "audio/mpeg", 5003, 3600)
    assert (form.fields["key"], form.fields["Content-Type"]) == (KEY, "audio/mpeg")
    conditions = json.loads(base64.b64decode(form.fields["policy"]))["conditions"]
    for condition in ({"key": KEY}, {"bucket": BUCKET}, {"Content-Type": "audio/mpeg"}):
        assert condition in conditions
    assert ["content-length-range", 5003, 5003] in conditions


def test_a_link_works_for_its_time(s3: "S3Client") -> None:
    url = urlsplit(S3ReferenceStore(s3, BUCKET).link(KEY, 3600))
    query = parse_qs(url.query)
    assert url.path.endswith(KEY)
    assert query.get("X-Amz-Expires", ["3600"]) == ["3600"]
    assert {"X-Amz-Signature", "Signature"} & set(query)


def test_trouble_of_the_bucket_is_transient_and_reported_without_details(s3: "S3Client", file: Path) -> None:
    store = S3ReferenceStore(s3, BUCKET)
    for operation, call in (
        ("PutObject", lambda: store.put(KEY, file, "audio/mpeg")),
        ("GetObject", lambda: store.open(KEY)),
        ("ListObjectsV2", lambda: store.size(KEY)),
    ):
        AnswersInstead(s3, operation, aws_error("SlowDown", "canary"))
        with pytest.raises(TransientError) as caught:
            call()
        assert "canary" not in str(caught.value)


def test_a_file_that_breaks_off_while_it_is_read_is_transient(
    s3: "S3Client", file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = S3ReferenceStore(s3, BUCKET)
    store.put(KEY, file, "audio/mpeg")

    def break_off(*_: object) -> Iterator[bytes]:
        yield b"ID3"
        raise ReadTimeoutError(endpoint_url="canary")

    monkeypatch.setattr("botocore.response.StreamingBody.iter_chunks", break_off)
    chunks = store.open(KEY)
    assert chunks is not None
    with pytest.raises(TransientError) as caught:
        list(chunks)
    assert "canary" not in str(caught.value)
