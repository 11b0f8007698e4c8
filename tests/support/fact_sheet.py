"""What the providers' documentation says of every error that it names: a transcription, for tests to hold the code to.

`fault` is the simulator's name for the error. A class is one of the closed list, `charged` says whether the provider
billed the paid request that was answered so, and `repeated` whether Fermata may order the same song again by itself.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple


class FactRow(NamedTuple):
    """One error in one dialect of a provider, as an answer to the paid request."""

    dialect: str
    fault: str
    failure_class: str
    charged: str

    @property
    def provider(self) -> str:
        """Whose dialect it is."""
        return self.dialect.partition("_")[0]

    @property
    def repeated(self) -> bool:
        """Only what passes by itself, and surely was not billed."""
        return self.failure_class in {"transient", "rate_limited"} and self.charged == "no"


_MINIMAX: Final = (
    ((1000, 1013, 1024, 1033), "transient", "unknown"),
    ((1001,), "unknown_outcome", "unknown"),
    ((1002, 1039, 1041, 2045), "rate_limited", "no"),
    ((1004, 2038, 2049), "auth", "no"),
    ((1008, 1028, 1030, 2056), "out_of_credit", "no"),
    ((1026,), "content_refused", "no"),
    ((1027,), "content_refused", "unknown"),
    ((1042, 2013, 1043, 1044, 2037, 2039, 2042, 2048, 20132), "invalid_request", "no"),
    ((2044, 2061, 2153), "not_entitled", "no"),
    ((7777,), "provider_error", "unknown"),
)
_SKILLBOSS: Final = (
    ((400,), "invalid_request", "no"),
    ((401,), "auth", "no"),
    ((402,), "out_of_credit", "no"),
    ((429,), "rate_limited", "no"),
    ((500,), "transient", "unknown"),
    ((503,), "transient", "no"),
)
_APIINONE: Final = (
    ((400,), "invalid_request", "no"),
    ((401,), "auth", "no"),
    ((402,), "out_of_credit", "no"),
    ((404,), "not_found", "no"),
    ((429,), "rate_limited", "no"),
    ((500, 502, 503, 504), "unknown_outcome", "unknown"),
)
_AIMLAPI: Final = (
    ((400,), "invalid_request", "no"),
    ((401,), "auth", "no"),
    ((403,), "out_of_credit", "no"),
    ((404,), "not_found", "no"),
    ((429,), "rate_limited", "no"),
    ((500, 502, 503), "transient", "unknown"),
    ((504,), "unknown_outcome", "unknown"),
)
_TOLD_AS: Final = (
    ("minimax", "code", _MINIMAX),
    ("skillboss", "http", _SKILLBOSS),
    ("skillboss", "code", _SKILLBOSS),
    ("apiinone", "http", _APIINONE),
    ("apiinone", "code", _APIINONE),
    ("aimlapi", "http", _AIMLAPI),
    ("aimlapi_music01", "http", _AIMLAPI),
    ("aimlapi_music01", "code", _MINIMAX),
    ("minimax_speech", "code", _MINIMAX),
    ("aimlapi_speech", "http", _AIMLAPI),
)


_DIALECTS: Final = tuple(dict.fromkeys(dialect for dialect, _, _ in _TOLD_AS))


def fact_rows() -> Iterator[FactRow]:
    """Every documented error of every provider."""
    for dialect, told_as, table in _TOLD_AS:
        for numbers, failure_class, charged in table:
            yield from (FactRow(dialect, f"{told_as}:{number}", failure_class, charged) for number in numbers)
    # A page of a content delivery network says nothing about the bill, whichever provider stands behind it.
    for dialect in _DIALECTS:
        for fault in ("html", "empty"):
            yield FactRow(dialect, fault, "unknown_outcome", "unknown")
    for dialect in ("minimax", "skillboss", "aimlapi_music01", "minimax_speech", "aimlapi_speech"):
        yield FactRow(dialect, "status1", "incomplete", "unknown")
    yield FactRow("apiinone", "status_word:FAILED", "provider_error", "unknown")
    yield FactRow("aimlapi", "status_word:error", "provider_error", "unknown")
