"""One bad record is one bad record: lists leave it out and go on, and whoever needs it is told which it is."""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import pytest

from fermata.adapters.dynamodb.jobs.job_store import DynamoJobStore
from fermata.adapters.dynamodb.reading import FORMAT, UNREADABLE
from fermata.errors import UnreadableRecordError
from tests.fakes.money.ledger import ledger_in_dynamodb
from tests.fakes.money.orders import funded
from tests.fakes.records.stored import RELEASES, Item, items_of, lists_with, name_of, put, reads_of
from tests.songs import queued_job
from tests.support.cloud import TABLE
from tests.support.direct_dynamodb import directly, empty

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_KEYS: Final = {"pk", "sk", "check_shard", "check_at", "listing"}
"""DynamoDB itself keeps the keys of the table and its indexes as they are declared."""
_INSTEAD: Final[tuple[dict[str, Any] | None, ...]] = (
    None,
    {"S": "of a newer release"},
    {"NULL": True},
    {"M": {"of": {"S": "a newer release"}}},
    {"N": "-1"},
)
"""What stands in the place of an attribute; None: nothing."""


def broken(item: Item) -> Iterator[Item]:
    """The item with each of its attributes broken in one way, in turn."""
    for place, name in enumerate(sorted({*item} - _KEYS)):
        kept = {key: value for key, value in item.items() if key != name}
        instead = _INSTEAD[place % len(_INSTEAD)]
        yield kept if instead is None else {**kept, name: instead}
    yield {**item, "format": {"N": str(FORMAT + 1)}}


def names() -> list[str]:
    return [name_of(item) for release in RELEASES for item in items_of(release)]


@pytest.mark.parametrize("name", names(), ids=lambda name: name.replace("/", "."))
def test_lists_go_on_without_an_item_that_is_broken_in_any_attribute(dynamodb: "DynamoDBClient", name: str) -> None:
    client = directly(dynamodb)
    items = next(found for found in map(items_of, RELEASES) if name in map(name_of, found))
    item = next(each for each in items if name_of(each) == name)
    others = [each for each in items if each["pk"] != item["pk"] or (item["pk"]["S"][:4] != "JOB#" and each != item)]
    rest = item["pk"]["S"].partition("#")[2]
    without = [reader(put(client, others), rest) for reader in lists_with(item)]
    empty(client, TABLE)
    stored = put(client, items)
    for each in broken(item):
        client.put_item(TableName=TABLE, Item=each)
        for reader, expected in zip(lists_with(item), without, strict=True):
            found = reader(stored, rest)
            assert [entry for entry in expected if entry not in found] == []
        for read_alone in reads_of(item):
            with suppress(UnreadableRecordError):
                read_alone(stored, rest)


def test_an_unreadable_record_is_named_counted_and_none_of_its_values_are_told(
    dynamodb: "DynamoDBClient", capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    item = next(each for each in items_of(RELEASES[0]) if each["sk"]["S"] == "JOB")
    job_id = item["pk"]["S"].removeprefix("JOB#")
    stored = put(dynamodb, [each for each in items_of(RELEASES[0]) if each["pk"] == item["pk"]])
    dynamodb.put_item(TableName=TABLE, Item={**item, "status": {"S": "polishing"}})
    with pytest.raises(UnreadableRecordError) as caught:
        DynamoJobStore(stored).load(job_id)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert str(caught.value) == f"the record JOB#{job_id} cannot be read: status: enum"
    assert [line[UNREADABLE] for line in lines if UNREADABLE in line] == [[1.0]]
    (logged,) = [record.__dict__ for record in caplog.records]
    assert (logged["record"], logged["reason"]) == (f"JOB#{job_id}", "status: enum")
    assert "polishing" not in f"{lines} {logged}"


def test_a_record_of_a_newer_release_is_refused_by_its_format(dynamodb: "DynamoDBClient") -> None:
    item = next(each for each in items_of(RELEASES[0]) if each["sk"]["S"] == "JOB")
    stored = put(dynamodb, [each for each in items_of(RELEASES[0]) if each["pk"] == item["pk"]])
    dynamodb.put_item(TableName=TABLE, Item={**item, "format": {"N": str(FORMAT + 1)}})
    with pytest.raises(UnreadableRecordError, match=f"in format {FORMAT + 1}, and this one reads up to {FORMAT}"):
        DynamoJobStore(stored).load(item["pk"]["S"].removeprefix("JOB#"))


def test_what_this_release_stores_says_its_format(dynamodb: "DynamoDBClient") -> None:
    job = queued_job()
    funded(ledger_in_dynamodb(dynamodb), 100).jobs.create(job)
    row = dynamodb.get_item(TableName=TABLE, Key={"pk": {"S": f"JOB#{job.id}"}, "sk": {"S": "JOB"}})["Item"]
    assert row["format"] == {"N": str(FORMAT)}
