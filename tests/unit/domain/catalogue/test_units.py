"""Prices in units are exact, and rounded up once per job."""

from fractions import Fraction
from math import ceil
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fermata.domain.catalogue.models import Model, read_catalogue
from fermata.domain.catalogue.units import Unit, cost_in_micro_usd, price_in_credits, units_in

PARTS = {"song": 1, "1000_characters": 1000, "minute": 60_000}
UNITS = st.sampled_from(get_args(Unit))


@given(UNITS, st.integers(0, 10**7), st.integers(0, 10**6), st.integers(0, 100))
def test_a_price_is_the_exact_amount_rounded_up_to_a_whole_credit(
    unit: Unit, count: int, unit_credits: int, percent: int
) -> None:
    exact = Fraction(count, PARTS[unit]) * unit_credits * Fraction(100 - percent, 100)
    assert price_in_credits(unit, count, unit_credits, percent) == ceil(exact)


@given(UNITS, st.integers(0, 10**7), st.integers(0, 10**9))
def test_what_a_provider_takes_is_never_rounded_down(unit: Unit, count: int, unit_micro_usd: int) -> None:
    assert cost_in_micro_usd(unit, count, unit_micro_usd) == ceil(Fraction(count, PARTS[unit]) * unit_micro_usd)


@pytest.mark.parametrize(
    ("unit", "count", "units"),
    [("song", 1, "1"), ("1000_characters", 1234, "1.234"), ("1000_characters", 2000, "2"), ("minute", 90_000, "1.5")],
)
def test_whole_units_are_shown_as_a_whole_number(unit: Unit, count: int, units: str) -> None:
    assert str(units_in(unit, count)) == units


def test_a_model_that_is_sold_by_the_minute_bounds_its_length() -> None:
    by_the_minute = next(model for model in read_catalogue().models if model.unit == "minute")
    with pytest.raises(ValueError, match="must have a duration"):
        Model.model_validate(by_the_minute.model_dump() | {"duration": None})
