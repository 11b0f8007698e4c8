"""Parses amounts and times in the formats of providers' usage exports and spreadsheets."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

_BEGIN: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER: Final = re.compile(r"[+-]?(\d{1,40}(\.\d{0,40})?|\.\d{1,40})([eE][+-]?\d{1,2})?", re.ASCII)
_GROUPED: Final = re.compile(r"([+-]?)([1-9]\d{0,2}(?:,\d{3})+)(\.\d{1,40})?", re.ASCII)
_IN_BRACKETS: Final = re.compile(r"\((.+)\)")
_DOLLARS: Final = re.compile(r"US\$|USD|\$", re.IGNORECASE)
_MINUS: Final = "\N{MINUS SIGN}"
_FIRST_EPOCH_SECOND: Final = Decimal(10**9)
"""September 2001; smaller numbers are dates without dashes, or no times of songs."""
_LONGEST_SECONDS: Final = Decimal(10**10)
_NAMED_OFFSET: Final = re.compile(r"\s*(UTC|GMT)$", re.IGNORECASE)
_SPACED_OFFSET: Final = re.compile(r"\s+([+-]\d{2}:?\d{2})$", re.ASCII)


def read_amount(text: str) -> Decimal:
    """An amount in USD: `0.15`, `1.5e-1`, `$1,234.50`, `0.15 USD`; for a refund `-0.15`, `-$0.15` or `(0.15)`.

    Raises `ValueError` for anything else, including other currencies and a decimal comma.
    """
    bare = "".join(text.split()).replace(_MINUS, "-")
    bracketed = _IN_BRACKETS.fullmatch(bare)
    bare = _DOLLARS.sub("", f"-{bracketed[1]}" if bracketed else bare, count=1)
    if grouped := _GROUPED.fullmatch(bare):
        bare = grouped[1] + grouped[2].replace(",", "") + (grouped[3] or "")
    if not _NUMBER.fullmatch(bare):
        raise ValueError("must be an amount in USD with a decimal point, for example 0.15")
    return Decimal(bare)


def read_moment(text: str) -> datetime:
    """A time in UTC: RFC 3339, as UTC without an offset, or the time since 1970 in seconds, ms or us, each perhaps with
    a fraction. Raises `ValueError`.
    """
    bare = text.strip()
    if _NUMBER.fullmatch(bare) and (number := Decimal(bare)) >= _FIRST_EPOCH_SECOND:
        return _since_1970(number)
    moment = datetime.fromisoformat(_SPACED_OFFSET.sub(r"\1", _NAMED_OFFSET.sub("+00:00", bare)))
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must be a moment of the years 1 to 9999") from None


def _since_1970(number: Decimal) -> datetime:
    if int(number.as_tuple().exponent) > 0:
        raise ValueError("must have all of its digits; a spreadsheet rounded it")
    for _ in range(2):
        if number >= _LONGEST_SECONDS:
            number /= 1000
    if number >= _LONGEST_SECONDS:
        raise ValueError("must be seconds, ms or us since 1970, or RFC 3339")
    return _BEGIN + timedelta(microseconds=int(number * 1_000_000))
