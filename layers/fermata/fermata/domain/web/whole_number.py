"""Integers of JSON bodies as JSON Schema defines them: `256000.0` is one, `256000.5` and `true` are not. The same rule
applies to `Decimal`, the type of numbers from DynamoDB.
"""

import math
from decimal import Decimal
from typing import Annotated, Final

from pydantic import BeforeValidator, StrictInt


def _without_zero_fraction(value: object) -> object:
    if isinstance(value, float | Decimal) and math.isfinite(value) and value == int(value):
        return int(value)
    return value


_WithoutZeroFraction: Final = BeforeValidator(_without_zero_fraction)
WholeNumber = Annotated[StrictInt, _WithoutZeroFraction]
"""A number without a fraction, in any notation."""
