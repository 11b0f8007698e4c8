"""One contract for the inbox, kept by the in-memory fake and by S3."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from moto import mock_aws

from fermata.adapters.s3.inbox_store import S3InboxStore
from fermata.domain.triggers.inbox import InboxFile
from fermata.errors import NotFoundError, TransientError
from fermata.ports.triggers import InboxStore
from tests.fakes.triggers.inbox_store import InMemoryInboxStore
from tests.support.cloud import BUCKET, AnswersInstead, aws_error, s3_with_bucket

KEY = "requests/acme/a b/ü.jsonl"


@dataclass(frozen=True)
class Bucket:
    """A store, and how a tenant puts a file in and deletes a version for good."""

    store: InboxStore
    put_in: Callable[[bytes], InboxFile]
    delete: Callable[[InboxFile], object]


def in_memory() -> Bucket:
    store, numbers = InMemoryInboxStore(), iter(range(9))
    return Bucket(
        store,
        lambda body: store.put_in(KEY, body, f"v{next(numbers)}"),
        lambda file: store.versions.pop((file.key, file.version_id)),
    )


def in_s3(client: Any) -> Bucket:  # noqa: ANN401 - boto3's client
    client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})

    def put_in(body: bytes) -> InboxFile:
        version = client.put_object(Bucket=BUCKET, Key=KEY, Body=body)["VersionId"]
        return InboxFile(bucket=BUCKET, key=KEY, version_id=version, size_bytes=len(body))

    def delete(file: InboxFile) -> None:
        client.delete_object(Bucket=BUCKET, Key=file.key, VersionId=file.version_id)

    return Bucket(S3InboxStore(client, BUCKET), put_in, delete)


@pytest.fixture(params=["in_memory", "s3"])
def bucket(request: pytest.FixtureRequest) -> Iterator[Bucket]:
    if request.param == "in_memory":
        yield in_memory()
        return
    with mock_aws():
        yield in_s3(s3_with_bucket())


def test_a_version_is_read_whatever_was_put_over_it(bucket: Bucket) -> None:
    first, second = bucket.put_in(b"0123456789" * 3), bucket.put_in(b"another")
    assert b"".join(bucket.store.open(first)) == b"0123456789" * 3
    assert b"".join(bucket.store.open(second)) == b"another"
    assert bucket.store.read(first, 8, 5) == b"89012"
    assert bucket.store.read(second, 0, 1) == b"a"


def test_an_empty_file_has_no_bytes(bucket: Bucket) -> None:
    assert b"".join(bucket.store.open(bucket.put_in(b""))) == b""


def test_when_a_version_was_put_in_stays_the_same(bucket: Bucket) -> None:
    file = bucket.put_in(b"x")
    put_at = bucket.store.put_at(file)
    bucket.put_in(b"another")
    assert (bucket.store.put_at(file), put_at.utcoffset()) == (put_at, timedelta(0))


def test_a_version_that_was_deleted_is_not_there(bucket: Bucket) -> None:
    file = bucket.put_in(b"gone")
    bucket.delete(file)
    with pytest.raises(NotFoundError):
        list(bucket.store.open(file))
    with pytest.raises(NotFoundError):
        bucket.store.read(file, 0, 2)
    with pytest.raises(NotFoundError):
        bucket.store.put_at(file)


def test_what_was_written_is_found_and_replaced(bucket: Bucket) -> None:
    assert bucket.store.find("results/acme/x.json") is None
    bucket.store.put("results/acme/x.json", {"a": 1})
    bucket.store.put("results/acme/x.json", {"a": 2})
    assert json.loads(bucket.store.find("results/acme/x.json") or b"") == {"a": 2}


def test_names_are_those_below_a_prefix(bucket: Bucket) -> None:
    for name in ("results/acme/2", "results/acme/1", "results/acmes/1", "manifests/acme/1"):
        bucket.store.put(name, {})
    assert list(bucket.store.names("results/acme/")) == ["results/acme/1", "results/acme/2"]
    assert list(bucket.store.names("results/nobody/")) == []


def test_more_names_than_one_page_has_are_all_there(bucket: Bucket) -> None:
    for number in range(1001):
        bucket.store.put(f"results/{number:04}", {})
    assert len(list(bucket.store.names("results/"))) == 1001


def test_a_spooled_object_is_there_once_it_is_whole(bucket: Bucket) -> None:
    with bucket.store.spool("manifests/m") as spool:
        spool.write(b"one ")
        assert bucket.store.find("manifests/m") is None
        spool.write(b"two")
    assert bucket.store.find("manifests/m") == b"one two"


def test_a_spooled_object_that_was_given_up_or_stayed_empty_is_not_there(bucket: Bucket) -> None:
    with suppress(NotFoundError), bucket.store.spool("manifests/m") as spool:
        spool.write(b"one")
        raise NotFoundError("given up")
    with bucket.store.spool("manifests/m"):
        pass
    assert bucket.store.find("manifests/m") is None


@mock_aws
def test_a_bucket_that_cannot_be_used_is_transient_and_reveals_no_details() -> None:
    client = s3_with_bucket()
    bucket = in_s3(client)
    file, store = bucket.put_in(b"x"), bucket.store
    for operation, use in (
        ("GetObject", lambda: list(store.open(file))),
        ("GetObject", lambda: store.read(file, 0, 1)),
        ("HeadObject", lambda: store.put_at(file)),
        ("GetObject", lambda: store.find("results/x")),
        ("PutObject", lambda: store.put("results/x", {})),
        ("ListObjectsV2", lambda: list(store.names("results/"))),
    ):
        AnswersInstead(client, operation, aws_error("SlowDown", "canary"))
        with pytest.raises(TransientError) as caught:
            use()
        assert "canary" not in str(caught.value)
