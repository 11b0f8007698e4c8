"""Errors of API keys, which belong to the tree in `errors.py`:

LimitReachedError            429: the same request may pass later
└── KeyLimitError            the credits of the key's month are used up
"""

from fermata.errors import LimitReachedError


class KeyLimitError(LimitReachedError):
    """The order may cost more than the month's limit of its key leaves; all amounts are in credits."""

    def __init__(self, limit: int, left: int, price: int, retry_after_s: int) -> None:
        super().__init__(
            f"this order may cost {price} credits and {max(0, left)} of this key's {limit} a month are left; "
            "wait for the next month, or order with another key",
            retry_after_s,
        )
