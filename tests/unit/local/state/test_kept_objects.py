"""Kept objects are read when they are first used, and until then every call does to them what it always does."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from local.deploy.deployment import ACCOUNT_ID
from tests.unit.local.state.lives import BUCKET, Life, Lives

SONG = {"Bucket": BUCKET, "Key": "song.mp3"}


def restarted(lives: Lives) -> Life:
    """A life after one that kept two versions of a song, and another song."""
    life = lives.begin()
    life.ready()
    for text in (b"one", b"two"):
        life.s3.put_object(**SONG, Body=text)
    life.s3.put_object(Bucket=BUCKET, Key="other.mp3", Body=b"other")
    life.s3.put_object_tagging(**SONG, Tagging={"TagSet": [{"Key": "kind", "Value": "song"}]})
    return lives.begin()


def keys() -> Any:  # noqa: ANN401 - moto's own
    from moto.s3.models import s3_backends

    return s3_backends[ACCOUNT_ID]["aws"].buckets[BUCKET].keys


def unread() -> set[str]:
    """The keys that no call has used since the start."""
    return {key for key, held in dict.items(keys()) if isinstance(held, str)}


def files(lives: Lives) -> list[bytes]:
    return sorted(path.read_bytes() for path in (lives.folder / "objects").iterdir())


def overwritten(life: Life) -> None:
    life.s3.put_object(**SONG, Body=b"three")


def deleted(life: Life) -> None:
    life.s3.delete_object(**SONG)


def destroyed(life: Life) -> None:
    for version in life.s3.list_object_versions(Bucket=BUCKET, Prefix="song")["Versions"]:
        life.s3.delete_object(**SONG, VersionId=version["VersionId"])


def copied(life: Life) -> None:
    life.s3.copy_object(Bucket=BUCKET, Key="copy.mp3", CopySource=SONG)


def untagged(life: Life) -> None:
    life.s3.delete_object_tagging(**SONG)


def test_only_what_is_asked_for_is_read(lives: Lives) -> None:
    life = restarted(lives)

    assert unread() == {"song.mp3", "other.mp3"}
    assert life.s3.get_object(**SONG)["Body"].read() == b"two"
    assert unread() == {"other.mp3"}
    assert life.s3.get_object_tagging(**SONG)["TagSet"] == [{"Key": "kind", "Value": "song"}]


@pytest.mark.parametrize(
    ("change", "left"),
    [
        (overwritten, [b"one", b"other", b"three", b"two"]),
        (deleted, [b"one", b"other", b"two"]),
        (destroyed, [b"other"]),
        (copied, [b"one", b"other", b"two", b"two"]),
        (untagged, [b"one", b"other", b"two"]),
    ],
)
def test_the_first_use_of_a_kept_object_may_be_any_change(
    lives: Lives, change: Callable[[Life], None], left: list[bytes]
) -> None:
    life = restarted(lives)
    change(life)
    seen = life.view()

    assert files(lives) == left
    assert lives.begin().view() == seen


def test_calls_at_the_same_moment_get_the_same_versions(lives: Lives) -> None:
    restarted(lives)

    with ThreadPoolExecutor(4) as threads:
        found = [list(each) for each in threads.map(lambda _: keys().getlist("song.mp3"), range(40))]

    assert all(first is second for each in found for first, second in zip(each, found[0], strict=True))
    assert len(found[0]) == 2
