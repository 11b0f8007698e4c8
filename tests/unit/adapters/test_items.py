"""Items are typed as boto3 types them."""

from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from fermata.adapters.dynamodb.items import plain, serialize, typed

INTEGERS = st.integers(-(10**37), 10**37)
"""DynamoDB keeps 38 digits."""
NUMBERS = INTEGERS | st.decimals(-(10**9), 10**9, places=6)
LEAVES = st.none() | st.booleans() | NUMBERS | st.text()
SETS = st.sets(st.text(), min_size=1) | st.sets(INTEGERS, min_size=1) | st.sets(st.binary(), min_size=1)
VALUES = st.recursive(
    LEAVES | SETS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner), max_leaves=20
)


def in_any_order(value: Any) -> Any:  # noqa: ANN401 - any marked value
    """A set is stored as a list in any order."""
    if isinstance(value, dict):
        return {
            mark: sorted(kept) if mark in ("SS", "NS", "BS") else in_any_order(kept) for mark, kept in value.items()
        }
    return [in_any_order(each) for each in value] if isinstance(value, list) else value


@given(st.dictionaries(st.text(), VALUES))
def test_an_item_is_typed_and_read_as_boto3_does(item: dict[str, Any]) -> None:
    marked = typed(item)

    assert in_any_order(marked) == in_any_order({name: TypeSerializer().serialize(item[name]) for name in item})
    assert plain(marked) == {name: TypeDeserializer().deserialize(marked[name]) for name in marked}


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15, allow_subnormal=False))
def test_a_float_reads_back_as_itself(value: float) -> None:
    if value == 0 or abs(value) > 1e-100:
        assert float(plain({"n": serialize(value)})["n"]) == value


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), Decimal("NaN"), object(), {1, "one"}, set()])
def test_what_dynamodb_has_no_type_for_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        serialize(value)


def test_a_number_that_dynamodb_would_round_is_refused() -> None:
    with pytest.raises(ArithmeticError):
        serialize(Decimal(10**38 + 1))
