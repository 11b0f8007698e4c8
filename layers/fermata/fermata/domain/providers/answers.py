"""Parsing shared by all dialects: codes, whether a failure was charged, and readable messages."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import ceil
from typing import Final

from pydantic import JsonValue

from fermata.domain.providers.calls import UpstreamAnswer
from fermata.domain.providers.failures import MESSAGE_LIMIT, Failure, FailureClass, ProviderCharged
from fermata.domain.providers.tracing import trace_id_of
from fermata.domain.web.http_status import ERRORS

RETRY_AFTER_LIMIT_S: Final = 86_400
CODE_LIMIT: Final = 64
"""Longest provider code that a failure keeps, in characters."""
LEAST_ERROR_CODE: Final = ERRORS.start
"""Smallest number that is an error in a body: HTTP statuses, and above them the provider's own codes."""
LEAST_CODE_OF_ITS_OWN: Final = ERRORS.stop
"""Smallest number that is not an HTTP status."""

_PROVIDER_TEXT_LIMIT: Final = 160
_NUMBERS_BELOW: Final = 10**9
_LINK_LIMIT: Final = 8192
_ID_LIMIT: Final = 1024

_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,12}(\.[0-9]{1,12})?([eE][+-]?[0-9]{1,2})?")
_SCHEME: Final = re.compile(r"https?://", re.IGNORECASE)
_WHITE_SPACE: Final = " \t\r\n"
_DELAY: Final = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?")
_UNPRINTABLE: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_QUERY: Final = re.compile(r"(https?://[^\s?\"'<>]*)\?[^\s\"'<>]*", re.IGNORECASE)
_MAIL: Final = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_BEARER: Final = re.compile(r"\bbearer\s+\S+", re.IGNORECASE)
_KEY_LIKE: Final = re.compile(
    r"\b(?:(?:sk|pk|fk|key|api)[-_][\w.*-]{4,}|eyJ[\w.-]{8,}|(?=[\w.-]*\d)[\w.-]{24,})", re.IGNORECASE | re.ASCII
)


@dataclass(frozen=True)
class Ruling:
    """The meaning of one code or status: the failure class, whether the provider charged, and whether `not_entitled`
    concerns only the model.
    """

    failure_class: FailureClass
    provider_charged: ProviderCharged = ProviderCharged.UNKNOWN
    of_one_model: bool = False


def refusal(failure_class: FailureClass) -> Ruling:
    """The ruling of a documented refusal before any work: nothing was charged."""
    return Ruling(failure_class, ProviderCharged.NO)


UNKNOWN_OUTCOME: Final = Ruling(FailureClass.UNKNOWN_OUTCOME)
RATE_LIMITED: Final = refusal(FailureClass.RATE_LIMITED)
TRANSIENT: Final = Ruling(FailureClass.TRANSIENT)
UNPAID_TRANSIENT: Final = refusal(FailureClass.TRANSIENT)
PROVIDER_ERROR: Final = Ruling(FailureClass.PROVIDER_ERROR)
INCOMPLETE: Final = Ruling(FailureClass.INCOMPLETE)

_LATER: Final = "order again later"
_IF_STILL_WANTED: Final = "it may have been made; order again if it is still wanted"
_ANOTHER_OR_LATER: Final = "choose another model, or try again later"
_ADVICE: Final[Mapping[FailureClass, str]] = {
    FailureClass.TRANSIENT: _IF_STILL_WANTED,
    FailureClass.RATE_LIMITED: _LATER,
    FailureClass.AUTH: _ANOTHER_OR_LATER,
    FailureClass.OUT_OF_CREDIT: _ANOTHER_OR_LATER,
    FailureClass.CONTENT_REFUSED: "change the prompt or the lyrics",
    FailureClass.INVALID_REQUEST: "change the request",
    FailureClass.NOT_ENTITLED: "choose another model",
    FailureClass.NOT_FOUND: "choose another model",
    FailureClass.INCOMPLETE: "order again if it is still wanted",
    FailureClass.UNKNOWN_OUTCOME: _IF_STILL_WANTED,
    FailureClass.PROVIDER_ERROR: "order again, or choose another model",
}


def failure_of(answer: UpstreamAnswer, ruling: Ruling, found: str, code: str | None = None) -> Failure:
    """A failure with the finding, advice, and the provider's own code, otherwise the HTTP status."""
    advice = _LATER if ruling == UNPAID_TRANSIENT else _ADVICE.get(ruling.failure_class, _LATER)
    return Failure(
        failure_class=ruling.failure_class,
        provider_charged=ruling.provider_charged,
        message=f"{found[: MESSAGE_LIMIT - len(advice) - 2]}; {advice}",
        code=code or f"http_{answer.http_status}",
        http_status=answer.http_status,
        trace_id=trace_id_of(answer),
        retry_after_s=answer.retry_after_s,
        of_one_model=ruling.of_one_model,
    )


def describe(provider: str, answer: UpstreamAnswer, said: str, code: str | None = None, wanted: str = "audio") -> str:
    """One clause about an error answer: the provider, its code, the HTTP status, and the provider's text if any."""
    named = (
        f"{provider} answered code {code} with HTTP {answer.http_status}"
        if code
        else f"{provider} answered HTTP {answer.http_status}"
    )
    return f"expected {wanted}, found that {named}" + (f" saying '{said}'" if said else "")


def describe_flaw(provider: str, answer: UpstreamAnswer) -> str:
    """One clause about an unreadable answer."""
    flaw = (
        f"a body that is {answer.flaw}" if answer.flaw else f"a JSON document of type {type(answer.document).__name__}"
    )
    kind = tidy(answer.content_type, 60) or "no content type"
    return f"expected one JSON object from {provider}, found {flaw} (HTTP {answer.http_status}, {kind})"


def unreadable(provider: str, answer: UpstreamAnswer) -> Failure:
    """The failure of a paid call with an unreadable answer."""
    return failure_of(answer, UNKNOWN_OUTCOME, describe_flaw(provider, answer))


def first_of(value: JsonValue) -> JsonValue:
    """The first of a list, or the value itself: some answers wrap an object into a list of one."""
    return value[0] if isinstance(value, list) and value else value


def read_number(value: JsonValue) -> int | None:
    """A code or status as an integer below 10^9, or None. Providers send 1008, 1008.0 or 1.008e3, also as text."""
    if isinstance(value, str):
        value = float(value) if _NUMBER.fullmatch(value.strip()) else None
    if value is None or isinstance(value, bool) or not isinstance(value, int | float):
        return None
    whole = isinstance(value, int) or value.is_integer()
    return int(value) if whole and abs(value) < _NUMBERS_BELOW else None


def read_id(value: JsonValue) -> str | None:
    """An id as text; providers send text or an integer of any size. None for an id that cannot be sent back, and for a
    fraction, which may have lost digits.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    # An id with a replaced character would name another task.
    whole = isinstance(value, str) and "\ufffd" not in value and value.isprintable()
    usable = whole and isinstance(value, str) and value.strip() and len(value) <= _ID_LIMIT
    return value if isinstance(value, str) and usable else None


def read_error_status(value: JsonValue) -> int | None:
    """A value of the body as an HTTP error status, or None."""
    number = read_number(value)
    return number if number in ERRORS else None


def told_http_status(document: JsonValue) -> int | None:
    """The HTTP error status in an AIML API error document, whatever the answer's own status, or None."""
    return read_error_status(member(document, "statusCode"))


def read_link(value: JsonValue) -> str | None:
    """A link as the provider wrote it, without surrounding white space; None unless it is an absolute http(s) link of
    at most 8,192 characters.

    The inside stays as it is: the address guard cleans or refuses it.
    """
    link = value.strip(_WHITE_SPACE) if isinstance(value, str) else ""
    return link if _SCHEME.match(link) and len(link) <= _LINK_LIMIT else None


def member(document: JsonValue, *path: str) -> JsonValue:
    """The value under these keys, or None."""
    for name in path:
        if not isinstance(document, dict):
            return None
        document = document.get(name)
    return document


def read_words(*candidates: JsonValue) -> str:
    """The first nonempty text among these values, tidied; a list of texts counts as one text."""
    for value in candidates:
        texts = value if isinstance(value, list) else [value]
        words = tidy("; ".join(text for text in texts if isinstance(text, str)))
        if words:
            return words
    return ""


def says_itself(words: re.Pattern[str], said: str, answer: UpstreamAnswer) -> bool:
    """Whether a provider's text contains one of these words independently of the order. A word that the order also
    contains may only be a quotation of the order.
    """
    ordered = "\n".join(answer.ordered).casefold()
    return any(found.group().casefold() not in ordered for found in words.finditer(said))


def tidy(text: str, limit: int = _PROVIDER_TEXT_LIMIT) -> str:
    """A provider's text on one line, without keys, signed query strings and mail addresses, at most `limit`
    characters.
    """
    line = _UNPRINTABLE.sub(" ", text[: 4 * limit]).strip()
    line = _QUERY.sub(r"\1?[redacted]", line)
    line = _KEY_LIKE.sub("[redacted]", _BEARER.sub("Bearer [redacted]", line))
    line = _MAIL.sub("[redacted]", line)
    return line if len(line) <= limit else f"{line[: limit - 3]}..."


def parse_retry_after(value: str | None, now: datetime) -> int | None:
    """The seconds of a `Retry-After` header in either form, from 1 to a day; None if it is missing or unreadable."""
    if value is None:
        return None
    seconds = _seconds_of(value.strip(), now)
    return None if seconds is None else min(max(ceil(seconds), 1), RETRY_AFTER_LIMIT_S)


def _seconds_of(value: str, now: datetime) -> float | None:
    if _DELAY.fullmatch(value):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now).total_seconds()
