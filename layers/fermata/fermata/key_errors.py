"""Errors of API keys, which belong to the tree in `errors.py`:

RequestRefusedError
├── TooManyKeysError         409: the tenant has as many keys as it may have
├── InvalidRequestError
│   └── BeyondOwnKeyError    403: the request wants more than the key that sent it may do itself
└── LimitReachedError        429: the same request may pass later
    └── KeyLimitError        the credits of the key's month are used up
"""

from fermata.errors import InvalidRequestError, LimitReachedError, RequestRefusedError


class TooManyKeysError(RequestRefusedError):
    """The tenant has as many keys as it may have, those included that ended lately."""

    def __init__(self, most: int, kept_days: int) -> None:
        super().__init__(
            f"you have {most} keys, as many as allowed; those that ended count for another {kept_days} days, so use "
            "the keys that you have"
        )


class BeyondOwnKeyError(InvalidRequestError):
    """A key gives no right that it lacks, and changes neither itself nor a key that may do more."""


class KeyLimitError(LimitReachedError):
    """The order may cost more than the month's limit of its key leaves; all amounts are in credits."""

    def __init__(self, limit: int, left: int, price: int, retry_after_s: int) -> None:
        super().__init__(
            f"this order may cost {price} credits and {max(0, left)} of this key's {limit} a month are left; "
            "wait for the next month, or order with another key",
            retry_after_s,
        )
