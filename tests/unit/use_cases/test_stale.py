"""A change that another writer comes before is decided again on the newer record, and given up in the end."""

from collections.abc import Callable, Iterator
from itertools import count

import pytest

from fermata.errors import StaleRecordError, TransientError
from fermata.use_cases.stale import READS, retry_on_stale


class Contested:
    """A record whose first saves come too late; `seen` are the versions that were to be changed."""

    def __init__(self, lost: int) -> None:
        self.lost = lost
        self.seen: list[int] = []
        self._versions: Iterator[int] = count(1)

    def read(self) -> int:
        return next(self._versions)

    def save(self, version: int) -> str:
        self.seen.append(version)
        if len(self.seen) <= self.lost:
            raise StaleRecordError(f"version {version} is not the last")
        return f"saved after {version}"


def test_a_change_that_comes_first_is_made_once() -> None:
    record = Contested(lost=0)
    assert retry_on_stale(record.save, record.read) == "saved after 1"
    assert record.seen == [1]


def test_a_lost_race_is_decided_again_on_the_newer_record() -> None:
    record = Contested(lost=READS - 1)
    assert retry_on_stale(record.save, record.read) == "saved after 5"
    assert record.seen == [1, 2, 3, 4, 5]


def test_a_record_that_the_caller_knows_is_not_read_before_its_first_change() -> None:
    record = Contested(lost=1)
    assert retry_on_stale(record.save, record.read, known=0) == "saved after 1"
    assert record.seen == [0, 1]


def test_a_record_that_is_gone_is_not_known_and_is_handed_on_as_it_is_read() -> None:
    records: Iterator[str | None] = iter(["there", None])

    def change(record: str | None) -> bool:
        if record is not None:
            raise StaleRecordError("it was deleted meanwhile")
        return False

    assert retry_on_stale(change, lambda: next(records)) is False


@pytest.mark.parametrize("reads", [1, 3, READS])
def test_after_as_many_lost_races_as_reads_the_last_one_is_raised(reads: int) -> None:
    record = Contested(lost=READS)
    with pytest.raises(StaleRecordError, match=f"version {reads} "):
        retry_on_stale(record.save, record.read, reads=reads)
    assert record.seen == [*range(1, reads + 1)]


def test_a_caller_chooses_the_error_that_is_raised() -> None:
    record, given_up = Contested(lost=READS), TransientError("it kept changing")
    with pytest.raises(TransientError) as raised:
        retry_on_stale(record.save, record.read, given_up=given_up)
    assert raised.value is given_up
    assert isinstance(raised.value.__cause__, StaleRecordError)
    assert len(record.seen) == READS


@pytest.mark.parametrize("where", ["change", "read"])
def test_any_other_error_is_raised_at_once(where: str) -> None:
    def fail(*_: object) -> int:
        raise TransientError("the table is throttled")

    change: Callable[[int], int] = fail if where == "change" else lambda version: version
    read: Callable[[], int] = fail if where == "read" else lambda: 1
    with pytest.raises(TransientError, match="throttled"):
        retry_on_stale(change, read)
