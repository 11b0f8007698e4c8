"""`make mutants` finds what only a store guards by itself, in the calls and in the source, and takes it away."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from moto import mock_aws

from fermata.adapters.dynamodb.jobs.rescue_slots import DynamoRescueSlots
from fermata.adapters.s3.reference_store import S3ReferenceStore
from tests.fakes.clock import NOON
from tests.functions import ROOT
from tests.support.cloud import BUCKET, TABLE, dynamodb_with_table, s3_with_bucket
from tooling.conditions.__main__ import tests_of_stores as files_of_stores
from tooling.conditions.calls import ADAPTERS, Promise, Tap, promises_of
from tooling.conditions.expressions import smaller_updates, weaker_conditions
from tooling.conditions.source import fragments_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

pytestmark = pytest.mark.check

_IN_SOURCE = re.compile(
    r"attribute_(?:not_)?exists\([^)]*\)|attribute_type\(|contains\(\w+, :\w+|[#\w]+ (?:<|>|<=|>=|<>) :\w+"
)
LATER = NOON + timedelta(minutes=1)


@pytest.fixture
def dynamodb() -> Iterator["DynamoDBClient"]:
    with mock_aws():
        yield dynamodb_with_table()


# ---- expressions


@pytest.mark.parametrize(
    ("condition", "weaker"),
    [
        ("attribute_exists(pk)", {}),
        ("a = :a AND b <= :b", {"without `a = :a`": "b <= :b", "without `b <= :b`": "a = :a"}),
        (
            "a = :a OR b = :b",
            {"without the alternative `a = :a`": "b = :b", "without the alternative `b = :b`": "a = :a"},
        ),
        ("a BETWEEN :x AND :y", {}),
        (
            "a BETWEEN :x AND :y AND NOT contains(b, :b)",
            {
                "without `a BETWEEN :x AND :y`": "NOT contains(b, :b)",
                "without `NOT contains(b, :b)`": "a BETWEEN :x AND :y",
            },
        ),
        (
            "a = :a AND (b = :b OR size(c) = :c)",
            {
                "without `a = :a`": "(b = :b OR size(c) = :c)",
                "without `(b = :b OR size(c) = :c)`": "a = :a",
                "without the alternative `b = :b`": "a = :a AND (size(c) = :c)",
                "without the alternative `size(c) = :c`": "a = :a AND (b = :b)",
            },
        ),
        (
            "a = :a OR b = :b AND c = :c",
            {
                "without the alternative `a = :a`": "b = :b AND c = :c",
                "without the alternative `b = :b AND c = :c`": "a = :a",
                "without `b = :b`": "a = :a OR c = :c",
                "without `c = :c`": "a = :a OR b = :b",
            },
        ),
        ("(a = :a) AND (b = :b)", {"without `(a = :a)`": "(b = :b)", "without `(b = :b)`": "(a = :a)"}),
    ],
)
def test_every_part_of_a_condition_is_left_out_once(condition: str, weaker: dict[str, str]) -> None:
    assert dict(weaker_conditions(condition)) == weaker


@pytest.mark.parametrize(
    ("update", "smaller"),
    [
        ("ADD n :n", {"without `ADD n :n`": "REMOVE nothing_that_is_there"}),
        (
            "SET a = :a, b = if_not_exists(b, :b) ADD n :n",
            {
                "without `SET a = :a`": "SET b = if_not_exists(b, :b) ADD n :n",
                "without `SET b = if_not_exists(b, :b)`": "SET a = :a ADD n :n",
                "without `ADD n :n`": "SET a = :a, b = if_not_exists(b, :b)",
            },
        ),
        (
            "SET a = b + :c",
            {
                "without `SET a = b + :c`": "REMOVE nothing_that_is_there",
                "`a = b` for `a = b + :c`": "SET a = b",
                "`a = :c` for `a = b + :c`": "SET a = :c",
            },
        ),
        (
            "SET a = a - :c REMOVE d",
            {
                "without `SET a = a - :c`": "REMOVE d",
                "`a = a` for `a = a - :c`": "SET a = a REMOVE d",
                "without `REMOVE d`": "SET a = a - :c",
            },
        ),
    ],
)
def test_every_part_of_an_update_is_left_out_once(update: str, smaller: dict[str, str]) -> None:
    assert dict(smaller_updates(update)) == smaller


# ---- calls


def test_a_condition_that_is_left_out_does_not_reach_the_table(dynamodb: "DynamoDBClient") -> None:
    slots = DynamoRescueSlots(dynamodb, TABLE, 1)
    with Tap().open() as tap:
        assert slots.take("a", LATER, NOON) == 0
        assert slots.take("b", LATER, NOON) is None
        (whole,) = (each for each in tap.seen if each.left_out == "without its condition")
        assert whole == Promise("DynamoRescueSlots.take", "Put RESCUE/SLOT", "without its condition")
        assert tap.seen[whole].startswith("layers/fermata/fermata/adapters/dynamodb/jobs/rescue_slots.py:")
        assert whole in tap.refused
        tap.left_out = whole
        assert slots.take("b", LATER, NOON) == 0
    assert slots.take("c", LATER, NOON) is None


def test_an_alternative_that_is_left_out_takes_its_values_along(dynamodb: "DynamoDBClient") -> None:
    slots = DynamoRescueSlots(dynamodb, TABLE, 1)
    with Tap().open() as tap:
        assert slots.take("a", NOON, NOON) == 0
        tap.left_out = Promise(
            "DynamoRescueSlots.take", "Put RESCUE/SLOT", "condition without the alternative `#until <= :now`"
        )
        assert tap.left_out in tap.seen
        assert slots.take("b", LATER, LATER) is None


def test_what_a_test_does_itself_is_no_promise_of_a_store(dynamodb: "DynamoDBClient") -> None:
    with Tap().open() as tap:
        item = {"pk": {"S": "A"}, "sk": {"S": "B"}}
        dynamodb.put_item(TableName=TABLE, Item=item, ConditionExpression="attribute_not_exists(pk)")
    assert tap.seen == {}


def test_parts_of_a_transaction_are_distinguished_and_each_check_counts_by_itself() -> None:
    key = {"pk": {"S": "PAUSE#minimax"}, "sk": {"S": "PAUSE"}}
    check = {"ConditionCheck": {"Key": key, "ConditionExpression": "attribute_not_exists(pk)"}}
    put = {"Put": {"Item": {"pk": {"S": "TRIGGER#SOURCE#12/a"}, "sk": {"S": "01"}}, "ConditionExpression": "a = :a"}}
    call = {"TransactItems": [check, check, put]}
    found = {(write, left_out): without(call) for write, left_out, without in promises_of("TransactWriteItems", call)}
    assert [write for write, _ in found] == [
        "ConditionCheck PAUSE/PAUSE (1)",
        "ConditionCheck PAUSE/PAUSE (2)",
        "Put TRIGGER#SOURCE",
    ]
    for number, broken in enumerate(found.values()):
        changed = [place for place in range(3) if broken["TransactItems"][place] != call["TransactItems"][place]]
        assert changed == [number]


def test_an_object_that_may_not_be_replaced_and_the_fields_of_a_form_are_promises_too() -> None:
    put = {"Bucket": BUCKET, "Key": "staging/job/1", "IfNoneMatch": "*"}
    ((write, left_out, without),) = promises_of("PutObject", put)
    assert (write, left_out) == ("PutObject staging", "without IfNoneMatch")
    assert without(put) == {"Bucket": BUCKET, "Key": "staging/job/1"}
    with mock_aws(), Tap().open() as tap:
        S3ReferenceStore(s3_with_bucket(), BUCKET).upload_form("references/acme/a", "audio/mpeg", 5, 60)
    assert {each.left_out.rpartition(" ")[2] for each in tap.seen} == {
        "Content-Type",
        "content-length-range",
        "bucket",
        "key",
    }


# ---- the source


def test_every_condition_in_the_source_is_among_what_has_to_be_tested() -> None:
    fragments = fragments_of(ADAPTERS)
    for file in ADAPTERS.rglob("*.py"):
        found = [fragment.text for fragment in fragments if fragment.file == file]
        for condition in set(_IN_SOURCE.findall(file.read_text("utf-8"))):
            filled_in = re.sub(r"{[^}]*}", "\0", condition)
            assert any(filled_in in text for text in found), f"{file.name}: {condition}"


def test_conditions_stand_nowhere_but_in_the_adapters() -> None:
    for file in (ROOT / "layers" / "fermata" / "fermata").rglob("*.py"):
        text = file.read_text("utf-8")
        assert ADAPTERS in file.parents or "ConditionExpression" not in text
        assert ADAPTERS in file.parents or "attribute_not_exists" not in text


def test_uses_of_a_named_condition_and_conditions_with_parts_to_fill_in_are_found(tmp_path: Path) -> None:
    (tmp_path / "store.py").write_text(
        '"""attribute_exists(pk) in a docstring is none."""\n'
        '_NEW = "attribute_not_exists(pk)"\n'
        "def put(which):\n"
        "    if which:\n"
        "        return _NEW\n"
        '    return f"{which} <= :limit AND #a = :a"\n',
        "utf-8",
    )
    found = fragments_of(tmp_path)
    assert sorted((fragment.line, fragment.text) for fragment in found) == [
        (2, "attribute_not_exists(pk)"),
        (5, "attribute_not_exists(pk)"),
        (6, "\0 <= :limit AND #a = :a"),
    ]
    by_line = {fragment.line: fragment for fragment in found}
    assert by_line[6].is_in(["x = :x AND #held <= :limit AND #a = :a"])
    assert not by_line[6].is_in(["#held <= :limit"])
    file = str(tmp_path / "store.py")
    assert [by_line[line].is_on({(file, 6)}) for line in (2, 5, 6)] == [True, False, True]


def test_every_store_with_conditions_has_tests_that_are_run() -> None:
    tests = "".join(file.read_text("utf-8") for file in files_of_stores())
    stores = {_module(fragment.file) for fragment in fragments_of(ADAPTERS)}
    assert len(stores) > 10
    ledger = (ROOT / "tests" / "fakes" / "money" / "ledger.py").read_text("utf-8")
    adapters = {_module(file): file.read_text("utf-8") for file in ADAPTERS.rglob("*.py")}
    for store in stores:
        # What stores share is tested by its users.
        users = [name for name, text in adapters.items() if f"from {store} import" in text]
        assert any(f"from {each} import" in tests + ledger for each in (store, *users)), store


def _module(file: Path) -> str:
    """The name by which a module of the layer is imported."""
    return ".".join(file.relative_to(ROOT / "layers" / "fermata").with_suffix("").parts)
