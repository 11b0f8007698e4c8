"""DynamoDB's units of reads and writes, as AWS documents them."""

from typing import Any

import pytest

from local.emulator.capacity.rule import Index, Item, index_units, item_bytes, read_units, write_units

BY_STATUS = Index(("shard", "at"), frozenset({"pk", "sk", "shard", "at", "status"}))


def of_size(size: int, **more: Any) -> Item:  # noqa: ANN401 (an attribute of any type)
    """An item of exactly so many bytes, with more attributes beyond."""
    return {"pk": {"S": "x" * (size - 2)}, **more}


def entry(at: str = "1", status: str = "a", **more: Any) -> Item:  # noqa: ANN401
    return {"pk": {"S": "p"}, "sk": {"S": "s"}, "shard": {"S": "0"}, "at": {"S": at}, "status": {"S": status}, **more}


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": "é"}, 2),
        ({"S": ""}, 0),
        ({"N": "0"}, 1),
        ({"N": "7"}, 2),
        ({"N": "1000"}, 2),
        ({"N": "0.0025"}, 2),
        ({"N": "123"}, 3),
        ({"N": "-123"}, 4),
        ({"B": "AAECAw=="}, 4),
        ({"BOOL": False}, 1),
        ({"NULL": True}, 1),
        ({"SS": ["ab", "c"]}, 3),
        ({"NS": ["1", "22"]}, 4),
        ({"L": []}, 3),
        ({"L": [{"S": "ab"}, {"N": "1"}]}, 3 + 1 + 2 + 1 + 2),
        ({"M": {"name": {"S": "ab"}}}, 3 + 1 + 4 + 2),
        ({"M": {"l": {"L": [{"BOOL": True}]}}}, 3 + 1 + 1 + 3 + 1 + 1),
    ],
)
def test_an_attribute_takes_its_name_and_its_value(value: dict[str, Any], size: int) -> None:
    assert item_bytes({"n": value}) == 1 + size


def test_nothing_takes_no_bytes() -> None:
    assert item_bytes(None) == 0


@pytest.mark.parametrize(
    ("before", "after", "units"),
    [
        (None, of_size(1024), 1),
        (None, of_size(1025), 2),
        (of_size(3000), of_size(100), 3),
        (of_size(100), of_size(3000), 3),
        (of_size(2049), None, 3),
        (None, None, 1),
    ],
)
def test_a_write_takes_the_larger_of_what_was_and_what_is_and_at_least_one_unit(
    before: Item | None, after: Item | None, units: int
) -> None:
    assert write_units(before, after) == units
    assert write_units(before, after, transactional=True) == 2 * units


@pytest.mark.parametrize(
    ("before", "after", "units"),
    [
        (None, entry(), 1),
        (entry(), None, 1),
        (entry(), entry(), 0),
        (entry(), entry(song={"S": "new"}), 0),
        (entry(), entry(status="b"), 1),
        (entry(), entry(at="2"), 2),
        (None, of_size(10), 0),
        (entry(), of_size(10), 1),
        (entry(), entry(status="s" * 2000), 2),
    ],
)
def test_an_index_takes_what_its_entry_changes(before: Item | None, after: Item | None, units: int) -> None:
    assert index_units(before, after, BY_STATUS) == units


def test_an_index_of_all_attributes_sees_every_change() -> None:
    assert index_units(entry(), entry(song={"S": "new"}), Index(("shard",), None)) == 1


@pytest.mark.parametrize(
    ("sizes", "eventual", "consistent", "transactional"),
    [([], 0.5, 1, 2), ([0], 0.5, 1, 2), ([4096], 0.5, 1, 2), ([4097], 1, 2, 4), ([3000, 3000, 3000], 1.5, 3, 6)],
)
def test_a_read_takes_a_unit_for_each_begun_four_kibibytes_together(
    sizes: list[int], eventual: float, consistent: float, transactional: float
) -> None:
    assert read_units(sizes) == eventual
    assert read_units(sizes, consistent=True) == consistent
    assert read_units(sizes, transactional=True) == transactional
