"""The units in which models are sold, and exact prices in them.

An amount is counted in whole parts of its unit: orders of songs, Unicode code points, or ms of audio. Sums stay whole
numbers, so no price depends on a rounded fraction.
"""

from collections.abc import Mapping
from typing import Final, Literal

Kind = Literal["song", "speech"]
"""What a model makes."""

Unit = Literal["song", "1000_characters", "minute"]
"""What one price buys: an order of songs, 1,000 characters of a text, or one minute of audio."""

_PARTS: Final[Mapping[Unit, int]] = {"song": 1, "1000_characters": 1000, "minute": 60_000}
"""How many counted parts make one unit."""


def units_in(unit: Unit, count: int) -> float:
    """The units in a number of counted parts: 1,234 code points are 1.234 units of `1000_characters`."""
    return in_units(count, _PARTS[unit])


def in_units(count: int, parts: int) -> float:
    """The units in a number of counted parts, of which `parts` make one; whole units as a whole number."""
    whole, rest = divmod(count, parts)
    return count / parts if rest else whole


def price_in_credits(unit: Unit, count: int, unit_credits: int, discount_percent: int) -> int:
    """The price of a number of counted parts in whole credits, rounded up once."""
    return _rounded_up(count * unit_credits * (100 - discount_percent), _PARTS[unit] * 100)


def cost_in_micro_usd(unit: Unit, count: int, unit_micro_usd: int) -> int:
    """The provider's price of a number of counted parts in millionths of a USD, rounded up."""
    return _rounded_up(count * unit_micro_usd, _PARTS[unit])


def billable_count(unit: Unit, count: int) -> int:
    """The most parts that a provider may count for an ordered number of them. Providers count the characters of a text
    in their own way: MiniMax seems to count a Chinese character as two.
    """
    return 2 * count if unit == "1000_characters" else count


def _rounded_up(dividend: int, divisor: int) -> int:
    return -(-dividend // divisor)
