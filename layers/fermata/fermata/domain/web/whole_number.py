"""Integers of JSON bodies as JSON Schema defines them: `256000.0` is one, `256000.5` and `true` are none."""

from typing import Annotated, Final

from pydantic import BeforeValidator, StrictInt


def _without_zero_fraction(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


_WithoutZeroFraction: Final = BeforeValidator(_without_zero_fraction)
WholeNumber = Annotated[StrictInt, _WithoutZeroFraction]
"""A number without a fraction, however it is written."""
